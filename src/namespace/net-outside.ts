/**
 * Interfaces of the tree's network namespace that the outside has a part in: macvlans, ipvlans and VLANs on one of the machine's, and interfaces that
 * were moved in.
 */
import { CrError } from "../error.ts";
import { IFLA, INFO, LINK_HEADER, NLM_F_CREATE_EXCL, RTM } from "../file/network-link.ts";
import type { MacvlanLinkEntry, NetDeviceEntry } from "../image/schema.gen.ts";
import { closeFd, openPath } from "../kernel/fd.ts";
import { Fields, type NetlinkMessage, NetlinkSocket, PayloadBuilder, parseAttributes } from "../kernel/netlink.ts";
import { inNetwork, OWN_NETWORK } from "../kernel/network.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";
import type { External } from "../options.ts";
import { bornSettings, kindOf, standsOnAnother } from "./net-kinds.ts";
import { onceLeft } from "./net-vacated.ts";

/** IFLA_MACVLAN_MODE (u32) and IFLA_MACVLAN_FLAGS (u16). */
const MACVLAN = { MODE: 1, FLAGS: 2 } as const;
const IFLA_NEW_IFINDEX = 49;
const RTM_DELLINK = 17;

export function readMacvlan(data: Uint8Array | undefined): MacvlanLinkEntry {
  const attributes = parseAttributes(data ?? new Uint8Array(0));
  const [mode, flags] = [attributes.get(MACVLAN.MODE), attributes.get(MACVLAN.FLAGS)];
  return { mode: mode ? new Fields(mode).u32() : 0, ...(flags && { flags: new Fields(flags).u16() }) };
}

/** IFLA_INFO_DATA of a macvlan. */
function macvlanData({ mode, flags }: MacvlanLinkEntry): Uint8Array {
  const built = new PayloadBuilder().u32(MACVLAN.MODE, mode);
  if (flags !== undefined) built.attribute(MACVLAN.FLAGS, new Uint8Array(Uint16Array.of(flags).buffer));
  return built.build();
}

/**
 * What the user says of an interface: `--external macvlan[NAME]:LOWER` (ipvlan and vlan likewise) or `netdev[NAME]:ORIGINAL`; at a
 * dump without the rest.
 */
export function outsideOf(
  device: Pick<NetDeviceEntry, "name" | "type" | "tscriu_kind">,
  external: readonly External[],
): { readonly kind: string; readonly name: string } | undefined {
  const own = kindOf(device);
  for (const { kind, id, value } of external) {
    if (id !== device.name) continue;
    if (kind === "netdev" || (kind === own && standsOnAnother(kind))) return { kind, name: value };
  }
  return undefined;
}

export function unnamed(name: string, kind: string): CrError {
  return new CrError("an interface comes from outside, and nobody says what it is there", {
    code: "MISSING_EXTERNAL",
    subject: { interface: name },
    remedy: `pass --external '${kind}[${name}]:NAME' to restore`,
  });
}

/** Does it stand on nothing in the tree's namespaces? */
export const standsOutside = (device: NetDeviceEntry) =>
  standsOnAnother(kindOf(device)) && device.tscriu_link === undefined;

const header = (ifindex: number) => {
  const head = new DataView(new ArrayBuffer(LINK_HEADER));
  head.setUint32(4, ifindex, true);
  return new PayloadBuilder().raw(new Uint8Array(head.buffer));
};

function indexOf(socket: NetlinkSocket, name: string, by: string): number {
  const ask = new PayloadBuilder().raw(new Uint8Array(LINK_HEADER)).text(IFLA.IFNAME, name).build();
  const what = "cannot find the interface that the user named";
  const subject = { interface: name, for: by };
  const missing = (cause?: unknown) =>
    new CrError("the interface outside that the user named cannot be had", {
      code: "ENODEV",
      subject,
      cause,
      remedy: "make it first, or name another one with --external (`ip link` lists them)",
    });
  let answer: NetlinkMessage | undefined;
  try {
    [answer] = socket.request(what, RTM.GETLINK, ask, 0, subject);
  } catch (cause) {
    throw missing(cause);
  }
  if (answer === undefined) throw missing();
  return new Fields(answer.payload, "ifinfomsg").u32(4);
}

/**
 * Takes an interface outside away that we have made there.
 * @param home our descriptor of the namespace outside
 */
export function removeOutside(name: string, home: number): void {
  inNetwork(`/proc/self/fd/${home}`, { interface: name }, () => {
    using socket = new NetlinkSocket(NETLINK.ROUTE);
    try {
      const request = header(0).text(IFLA.IFNAME, name).build();
      socket.request("cannot take an interface away", RTM_DELLINK, request, 0, { interface: name });
    } catch {
      // it went with the other end
    }
  });
}

/**
 * Makes an interface in the namespace that we are in, or moves it there, as the user says.
 * @param home our descriptor of the namespace outside
 * @returns false where the user says nothing of it
 */
export function bringFromOutside(device: NetDeviceEntry, external: readonly External[], home: number): boolean {
  const outside = outsideOf(device, external);
  if (outside === undefined) return false;
  const { name, ifindex, macvlan, tscriu_data } = device;
  const subject = { interface: name, from: outside.name };
  const here = openPath(OWN_NETWORK, O.RDONLY);
  try {
    inNetwork(`/proc/self/fd/${home}`, subject, () => {
      using socket = new NetlinkSocket(NETLINK.ROUTE);
      const lower = indexOf(socket, outside.name, name);
      const move = (index: number) => {
        const moved = header(index).text(IFLA.IFNAME, name).u32(IFLA.NET_NS_FD, here).u32(IFLA_NEW_IFINDEX, ifindex);
        const what = "cannot move an interface into the tree's network namespace";
        socket.request(what, RTM.NEWLINK, moved.build(), 0, subject);
      };
      if (outside.kind === "netdev") {
        move(lower);
        return;
      }
      // kernels before 6.14 look here for who has the number that it gets there
      const passing = `tscriu${process.pid}`.slice(0, 15);
      const make = header(0).text(IFLA.IFNAME, passing).u32(IFLA.LINK, lower);
      if (device.address !== undefined) make.attribute(IFLA.ADDRESS, device.address);
      make.nest(IFLA.LINKINFO, (info) => {
        info.text(INFO.KIND, outside.kind);
        if (outside.kind === "macvlan") info.attribute(INFO.DATA, macvlanData(macvlan ?? readMacvlan(tscriu_data)));
        else
          info.nest(INFO.DATA, (data) => {
            for (const [type, value] of bornSettings(outside.kind, tscriu_data ?? new Uint8Array(0)))
              data.attribute(type, value);
          });
      });
      const request = make.build();
      const what = `cannot make a ${outside.kind}`;
      onceLeft(() => void socket.request(what, RTM.NEWLINK, request, NLM_F_CREATE_EXCL, subject));
      const made = indexOf(socket, passing, name);
      try {
        move(made);
      } catch (error) {
        socket.request("cannot take an interface away", RTM_DELLINK, header(made).build(), 0, subject);
        throw error;
      }
    });
  } finally {
    closeFd(here);
  }
  return true;
}
