/** Settings of bridges and of their ports, and of bonds, which are made when all stand where they belong. */
import { CrError } from "../error.ts";
import { IFLA, INFO, RTM } from "../file/network-link.ts";
import type { NetDeviceEntry } from "../image/schema.gen.ts";
import { Fields, NetlinkSocket, PayloadBuilder, parseAttributes } from "../kernel/netlink.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";
import { seeCarriers } from "./net-features.ts";
import { kindOf, laterSettings } from "./net-kinds.ts";
import { header, linkEntries } from "./net-links.ts";

/** What is set of a bridge's port: IFLA_BRPORT_PRIORITY, COST and its ways (MODE to PROXYARP, and so on); the rest is told. */
const PORT_SETTINGS: ReadonlySet<number> = new Set([
  2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 25, 27, 28, 29, 30, 31, 32, 33, 37, 39, 40, 42, 43, 44,
]);
/** IFLA_BR_MULTI_BOOLOPT: which switches are on, and which of them are meant; not all kernels have all. */
const BR_MULTI_BOOLOPT = 46;

function otherSwitches(wanted: Uint8Array, is: Uint8Array | undefined): Uint8Array {
  const on = new Fields(wanted).u32();
  return new Uint8Array(Uint32Array.of(on, on ^ (is ? new Fields(is).u32() : 0)).buffer);
}

/** Settings of bridges and of their ports, and of bonds, that are not as they come, once all stand where they belong. */
export function matchSettings(devices: readonly NetDeviceEntry[], lost: (what: string) => void): void {
  const isConcerned = (device: NetDeviceEntry) =>
    laterSettings(kindOf(device)).size > 0 || device.tscriu_port !== undefined;
  if (!devices.some(isConcerned)) return;
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const now = new Map(linkEntries(0).map((entry) => [entry.name, entry]));
  for (const device of devices) {
    const is = now.get(device.name);
    if (is === undefined || !isConcerned(device)) continue;
    const kind = kindOf(device) ?? "";
    const own = differing(device.tscriu_data, is.tscriu_data, laterSettings(kind)).map(([type, value]) => {
      const there = parseAttributes(is.tscriu_data ?? new Uint8Array(0)).get(type);
      return [type, kind === "bridge" && type === BR_MULTI_BOOLOPT ? otherSwitches(value, there) : value] as const;
    });
    const port = differing(device.tscriu_port, is.tscriu_port, PORT_SETTINGS);
    for (const [name, kindType, dataType, settings] of [
      [kind, INFO.KIND, INFO.DATA, own],
      ["bridge", INFO.SLAVE_KIND, INFO.SLAVE_DATA, port],
    ] as const)
      for (const [type, value] of settings) {
        const payload = header(is.ifindex).nest(IFLA.LINKINFO, (info) =>
          info.text(kindType, name).nest(dataType, (data) => data.attribute(type, value)),
        );
        try {
          socket.request(`cannot set up a ${name}`, RTM.NEWLINK, payload.build(), 0, { interface: device.name });
        } catch (error) {
          if (!(error instanceof CrError)) throw error;
          lost(`setting ${type} of ${device.name}: ${error.message}`);
        }
      }
  }
}

/** IFLA_BRPORT_STATE, BACKUP_PORT; IFLA_BR_STP_STATE, where the kernel chooses the state of ports; IFF_RUNNING. */
const PORT = { STATE: 1, BACKUP: 34 } as const;
const [AF_BRIDGE, RTM_SETLINK, IFLA_PROTINFO] = [7, 19, 12];
const BR_STP_STATE = 5;
const BY_KERNEL = 1;
const RUNNING = 0x40;

/** What somebody said of ports and lasts only while their carrier does: after all else. @param devices all of the namespace */
export function matchPorts(devices: readonly NetDeviceEntry[], lost: (what: string) => void): void {
  const ports = devices.filter(({ tscriu_port, flags }) => tscriu_port !== undefined && (flags & RUNNING) !== 0);
  if (ports.length === 0) return;
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  seeCarriers(ports.map(({ name }) => name));
  const now = new Map(linkEntries(0).map((entry) => [entry.name, entry]));
  const nameOf = (number: number) => devices.find(({ ifindex }) => ifindex === number)?.name ?? "";
  const wordOf = (bytes: Uint8Array | undefined) => (bytes ? new Fields(bytes).u32() : 0);
  for (const { name, tscriu_port, master } of ports) {
    const ifindex = now.get(name)?.ifindex;
    if (ifindex === undefined || tscriu_port === undefined) continue;
    const wanted = parseAttributes(tscriu_port);
    const is = parseAttributes(now.get(name)?.tscriu_port ?? new Uint8Array(0));
    const bridge = devices.find((one) => one.ifindex === master)?.tscriu_data;
    const stp = wordOf(parseAttributes(bridge ?? new Uint8Array(0)).get(BR_STP_STATE));
    const change = new PayloadBuilder();
    const state = wanted.get(PORT.STATE);
    if (stp !== BY_KERNEL && state !== undefined && state[0] !== is.get(PORT.STATE)?.[0])
      change.attribute(PORT.STATE, state);
    const backup = wanted.get(PORT.BACKUP);
    if (backup !== undefined) change.u32(PORT.BACKUP, now.get(nameOf(wordOf(backup)))?.ifindex ?? 0);
    const settings = change.build();
    if (settings.length === 0) continue;
    // what is said of the link itself has its bridge look at it anew, and switch it on
    const head = header(ifindex).build();
    head[0] = AF_BRIDGE;
    const payload = new PayloadBuilder().raw(head).nest(IFLA_PROTINFO, (port) => port.raw(settings));
    try {
      socket.request("cannot set up a port of a bridge", RTM_SETLINK, payload.build(), 0, { interface: name });
    } catch (error) {
      if (!(error instanceof CrError)) throw error;
      lost(`the state of ${name}: ${error.message}`);
    }
  }
}

/** Attributes of the one that are otherwise, or missing, in the other. */
function differing(
  wanted: Uint8Array | undefined,
  is: Uint8Array | undefined,
  settable: ReadonlySet<number>,
): (readonly [number, Uint8Array])[] {
  if (wanted === undefined) return [];
  const there = parseAttributes(is ?? new Uint8Array(0));
  return [...parseAttributes(wanted)].filter(([type, value]) => {
    const other = there.get(type);
    return settable.has(type) && (other === undefined || Buffer.compare(value, other) !== 0);
  });
}
