import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { IFLA, INFO, LINK_HEADER, NLM_F_CREATE_EXCL, RTM } from "../file/network-link.ts";
import { NetlinkSocket, PayloadBuilder } from "../kernel/netlink.ts";
import { inFreshNetwork } from "../kernel/network.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";
import { deviceIpv4, deviceIpv6, ipv4, readConf, unixConf, writeConf } from "./net-conf.ts";
import { NetworkValues, PER_DEVICE, ROOT, readValue } from "./net-values.ts";

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)(`switches are read and set by their places in the list${isRoot ? "" : " (needs root)"}`, () => {
  inFreshNetwork(() => {
    const before = readConf(ipv4("default"));
    expect(before).toHaveLength(30);
    const changed = before.map((one, i) => (i === 12 ? { ...one, iarg: 1 - (one.iarg ?? 0) } : one));
    const told = { absent: [] as string[], lost: [] as string[] };
    const unset = {
      absent: (file: string) => void told.absent.push(file),
      lost: (file: string) => void told.lost.push(file),
    };
    writeConf(ipv4("default"), changed, unset);
    expect(readConf(ipv4("default"))).toEqual(changed);
    expect(readConf(deviceIpv6(new NetworkValues(), "lo"))).toHaveLength(42);
    writeConf(unixConf, [{ type: 6, iarg: 77 }], unset);
    expect(told).toEqual({ absent: [], lost: [] });
    expect(readConf(unixConf)[0]?.iarg).toBe(77);
    writeConf(deviceIpv4(new NetworkValues(), "none"), changed, unset);
    expect(told.absent).toContain(`${ROOT}/ipv4/conf/none/forwarding`);
    expect(told.lost).toEqual([]);
    writeConf(unixConf, [{ type: 5, sarg: "many" }], unset);
    expect(told.lost).toEqual([`${ROOT}/unix/max_dgram_qlen`]);
  });
});

test.skipIf(!isRoot)(`interfaces that are set alike have the same values${isRoot ? "" : " (needs root)"}`, () => {
  inFreshNetwork(() => {
    using links = new NetlinkSocket(NETLINK.ROUTE);
    for (const name of ["one", "two", "three"]) {
      const payload = new PayloadBuilder().raw(new Uint8Array(LINK_HEADER)).text(IFLA.IFNAME, name);
      payload.nest(IFLA.LINKINFO, (info) => info.text(INFO.KIND, "bridge"));
      links.request("cannot make an interface", RTM.NEWLINK, payload.build(), NLM_F_CREATE_EXCL);
    }
    for (const [path, value] of [
      ["ipv4/conf/two/rp_filter", "1"],
      ["ipv6/conf/two/hop_limit", "77"],
      ["ipv4/neigh/two/app_solicit", "5"],
      ["ipv6/neigh/three/mcast_solicit", "9"],
    ] as const)
      writeFileSync(`${ROOT}/${path}`, value);
    const values = new NetworkValues();
    for (const directory of PER_DEVICE)
      for (const device of ["lo", "one", "two", "three"])
        for (const [name, value] of values.ofDevice(directory, device))
          expect(`${device}/${name}: ${value}`).toBe(
            `${device}/${name}: ${readValue(`${directory}/${device}/${name}`)}`,
          );
  });
});
