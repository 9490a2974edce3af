import { expect, test } from "bun:test";
import { inFreshNetwork } from "../kernel/network.ts";
import { ipv4, ipv6, readConf, unixConf, writeConf } from "./net-conf.ts";

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)(`switches are read and set by their places in the list${isRoot ? "" : " (needs root)"}`, () => {
  inFreshNetwork(() => {
    const before = readConf(ipv4("default"));
    expect(before).toHaveLength(30);
    const changed = before.map((one, i) => (i === 12 ? { ...one, iarg: 1 - (one.iarg ?? 0) } : one));
    expect(writeConf(ipv4("default"), changed)).toEqual([]);
    expect(readConf(ipv4("default"))).toEqual(changed);
    expect(readConf(ipv6("lo"))).toHaveLength(42);
    expect(writeConf(unixConf, [{ type: 6, iarg: 77 }])).toEqual([]);
    expect(readConf(unixConf)[0]?.iarg).toBe(77);
    expect(writeConf(ipv4("none"), changed).length).toBeGreaterThan(0);
  });
});
