/** Settings of bridges and of their ports, which are made when all stand where they belong. */
import { CrError } from "../error.ts";
import { IFLA, INFO, RTM } from "../file/network-link.ts";
import { NdType, type NetDeviceEntry } from "../image/schema.gen.ts";
import { NetlinkSocket, parseAttributes } from "../kernel/netlink.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";
import { header, linkEntries } from "./net-links.ts";

/** What is set of a bridge when it is there: its ways with multicast, with packet filters, its statistics (IFLA_BR_*, from 22 on). */
const BRIDGE_LATER: ReadonlySet<number> = new Set([
  22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 42, 43, 44,
]);
/** What is set of a bridge's port: IFLA_BRPORT_PRIORITY, COST and its ways (MODE to PROXYARP, and so on); the rest is told. */
const PORT_SETTINGS: ReadonlySet<number> = new Set([
  2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 25, 27, 28, 29, 30, 31, 32, 33, 37, 39, 40, 42, 43, 44,
]);
/** Settings of bridges and of their ports that are not as they come, once all stand where they belong. */
export function matchSettings(devices: readonly NetDeviceEntry[], lost: (what: string) => void): void {
  const isConcerned = ({ type, tscriu_port }: NetDeviceEntry) => type === NdType.BRIDGE || tscriu_port !== undefined;
  if (!devices.some(isConcerned)) return;
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const now = new Map(linkEntries(0).map((entry) => [entry.name, entry]));
  for (const device of devices) {
    const is = now.get(device.name);
    if (is === undefined || !isConcerned(device)) continue;
    const isBridge = device.type === NdType.BRIDGE;
    const own = isBridge ? differing(device.tscriu_data, is.tscriu_data, BRIDGE_LATER) : [];
    const port = differing(device.tscriu_port, is.tscriu_port, PORT_SETTINGS);
    for (const [kind, kindType, dataType, settings] of [
      ["bridge", INFO.KIND, INFO.DATA, own],
      ["bridge", INFO.SLAVE_KIND, INFO.SLAVE_DATA, port],
    ] as const)
      for (const [type, value] of settings) {
        const payload = header(is.ifindex).nest(IFLA.LINKINFO, (info) =>
          info.text(kindType, kind).nest(dataType, (data) => data.attribute(type, value)),
        );
        try {
          socket.request("cannot set up a bridge", RTM.NEWLINK, payload.build(), 0, { interface: device.name });
        } catch (error) {
          if (!(error instanceof CrError)) throw error;
          lost(`setting ${type} of ${device.name}: ${error.message}`);
        }
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
