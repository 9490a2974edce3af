/** VLANs that bridges and their ports let through (bridge(8), linux/if_bridge.h). */
import { CrError } from "../error.ts";
import { IFLA, LINK_HEADER, RTM } from "../file/network-link.ts";
import type { TscriuNetworkMessage } from "../image/schema.gen.ts";
import { attributeList, Fields, NetlinkSocket, PayloadBuilder } from "../kernel/netlink.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";

const NAME = "VLANs of a bridge";
const AF_BRIDGE = 7;
const IFLA_AF_SPEC = 26;
const [IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN] = [29, 2];
const [RTM_DELLINK, RTM_SETLINK] = [17, 19];
/** IFLA_BRIDGE_FLAGS, and BRIDGE_FLAGS_SELF; VLAN_INFO, VLAN_TUNNEL_INFO. */
const [FLAGS, SELF, VLAN_INFO, TUNNEL_INFO] = [0, 2, 2, 3];
/** BRIDGE_VLAN_INFO_PVID | UNTAGGED, VLAN 1: what each port of a bridge has from the start. */
const USUAL = 6 + (1 << 16);

interface Link {
  readonly ifindex: number;
  /** The bridge: itself, where it is one. */
  readonly master: number;
  /** struct bridge_vlan_info, one each. */
  readonly vlans: readonly Uint8Array[];
  readonly tunnels: readonly Uint8Array[];
}

/** @param payload an answer to RTM_GETLINK of AF_BRIDGE */
function linkOf(payload: Uint8Array): Link {
  const head = new Fields(payload, "ifinfomsg");
  const attributes = head.attributes(LINK_HEADER);
  const spec = attributeList(attributes.get(IFLA_AF_SPEC) ?? new Uint8Array(0));
  const all = (kind: number) => spec.filter(([type]) => type === kind).map(([, value]) => value.slice());
  const master = attributes.get(IFLA.MASTER);
  return {
    ifindex: head.u32(4),
    master: master ? new Fields(master).u32() : head.u32(4),
    vlans: all(VLAN_INFO).filter((info) => info.length >= 4),
    tunnels: all(TUNNEL_INFO),
  };
}

/** Does it let through other VLANs of a bridge than the usual one? @param link an answer to RTM_GETLINK of AF_BRIDGE */
export function hasOwnVlans(link: Uint8Array): boolean {
  const { vlans, tunnels } = linkOf(link);
  const [first] = vlans;
  return tunnels.length > 0 || vlans.length > 1 || (first !== undefined && new Fields(first).u32() !== USUAL);
}

function list(socket: NetlinkSocket): Uint8Array[] {
  const ask = new Uint8Array(LINK_HEADER);
  ask[0] = AF_BRIDGE;
  const payload = new PayloadBuilder().raw(ask).u32(IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN).build();
  return socket.dump("cannot list the VLANs of bridges", RTM.GETLINK, payload).map((one) => one.payload);
}

/** Of the namespace that we are in: an interface's number, its bridge's, and attributes; none where all are as they come. */
export function readVlans(): TscriuNetworkMessage[] {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const found = list(socket).map((payload) => ({ ...linkOf(payload), isOwn: hasOwnVlans(payload) }));
  // in a bridge with VLANs it tells something, too, to have none
  const bridges = Map.groupBy(found, ({ master }) => master);
  const isUsual = (links: readonly (typeof found)[number][]) =>
    links.every(({ vlans, isOwn }) => !isOwn && vlans.length === links[0]?.vlans.length);
  return [...bridges.values()]
    .filter((links) => !isUsual(links))
    .flatMap((links) =>
      links.map(({ ifindex, master, vlans, tunnels }) => {
        const built = new PayloadBuilder().raw(new Uint8Array(Uint32Array.of(ifindex, master).buffer));
        for (const vlan of vlans) built.attribute(VLAN_INFO, vlan);
        for (const tunnel of tunnels) built.attribute(TUNNEL_INFO, tunnel);
        return { kind: NAME, payload: built.build() };
      }),
    );
}

/**
 * @param numbers what an interface of the images is called here
 * @param lost is told what could not be done
 * @returns those whose interfaces are not there
 */
export function writeVlans(
  messages: readonly TscriuNetworkMessage[],
  numbers: ReadonlyMap<number, number>,
  lost: (what: string) => void,
): TscriuNetworkMessage[] {
  const own = messages.filter(({ kind }) => kind === NAME);
  if (own.length === 0) return [];
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const now = new Map(list(socket).map((payload) => [new Fields(payload).u32(4), linkOf(payload)]));
  const missing: TscriuNetworkMessage[] = [];
  for (const message of own) {
    const payload = Uint8Array.from(message.payload);
    const [was = 0, master] = new Fields(payload, "VLANs").u32s(0, 2);
    const ifindex = numbers.get(was);
    const is = now.get(ifindex ?? 0);
    if (ifindex === undefined || is === undefined) {
      missing.push(message);
      continue;
    }
    const wanted = attributeList(payload.subarray(8));
    const isSelf = was === master;
    const vlanOf = (info: Uint8Array) => new Fields(info).u16(2);
    const kept = new Set(wanted.filter(([type]) => type === VLAN_INFO).map(([, info]) => vlanOf(info)));
    const others = is.vlans.filter((info) => !kept.has(vlanOf(info)));
    try {
      for (const info of others) change(socket, RTM_DELLINK, ifindex, isSelf, [VLAN_INFO, info]);
      for (const one of wanted) change(socket, RTM_SETLINK, ifindex, isSelf, one);
    } catch (error) {
      if (!(error instanceof CrError)) throw error;
      lost(error.message);
    }
  }
  return missing;
}

function change(
  socket: NetlinkSocket,
  type: number,
  ifindex: number,
  isSelf: boolean,
  [kind, value]: readonly [number, Uint8Array],
): void {
  const head = new Uint8Array(LINK_HEADER);
  head[0] = AF_BRIDGE;
  new DataView(head.buffer).setUint32(4, ifindex, true);
  const payload = new PayloadBuilder().raw(head).nest(IFLA_AF_SPEC, (spec) => {
    if (isSelf) spec.attribute(FLAGS, new Uint8Array(Uint16Array.of(SELF).buffer));
    spec.attribute(kind, value);
  });
  socket.request("cannot set a VLAN of a bridge", type, payload.build());
}
