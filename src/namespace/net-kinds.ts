/** Kinds of interfaces that are made again, and which of what they tell makes them (linux/if_link.h: IFLA_*). Plain data, no kernel. */
import { NdType, type NetDeviceEntry } from "../image/schema.gen.ts";
import { attributeList, Fields } from "../kernel/netlink.ts";

interface LinkKind {
  /** How criu numbers it; EXTLINK is what it does not know. */
  readonly type: NetDeviceEntry["type"];
  /** What it is made with, of what it tells: all, where nothing is said. */
  readonly born?: (type: number, value: Uint8Array) => boolean;
  /** Which of what it tells is the number of the interface that it sends through. */
  readonly link?: number;
  /** What is set when all stand where they belong. */
  readonly later?: ReadonlySet<number>;
}

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** IFLA_BR_FORWARD_DELAY, HELLO_TIME, MAX_AGE, AGEING_TIME, STP_STATE, PRIORITY, GROUP_FWD_MASK. */
const BRIDGE_BORN: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 9]);
/** IFLA_BR_VLAN_DEFAULT_PVID cannot change while it filters by VLANs, VLAN_STATS_PER_PORT not once ports have some. */
const BR = { VLAN_FILTERING: 7, DEFAULT_PVID: 39, STATS_PER_PORT: 45 } as const;
/** Not all kernels have VLANs: what is as it comes is not spoken of. */
const isBridgeBorn = (type: number, value: Uint8Array) =>
  BRIDGE_BORN.has(type) ||
  (type === BR.DEFAULT_PVID && !(value[0] === 1 && value[1] === 0)) ||
  (type === BR.STATS_PER_PORT && value[0] !== 0);
/** Its VLANs, its ways with multicast, with packet filters, its statistics. */
const BRIDGE_LATER: ReadonlySet<number> = new Set([
  ...[BR.VLAN_FILTERING, 8, 20, ...range(22, 38), BR.DEFAULT_PVID, ...range(41, 44), BR.STATS_PER_PORT, 46, 49],
]);
/** IFLA_BOND_MODE; AD_INFO, which is told. */
const BOND = { MODE: 1, INFO: 23 } as const;

/** IFLA_VXLAN_REMCSUM_TX and RX, and TTL_INHERIT: to be spoken of switches these on, whatever is said. */
const VXLAN = { REMCSUM: [21, 22], TTL_INHERIT: 28 } as const;
const isVxlanBorn = (type: number, value: Uint8Array) =>
  !(type === VXLAN.TTL_INHERIT || VXLAN.REMCSUM.some((one) => one === type)) || value[0] !== 0;

const KINDS: Readonly<Record<string, LinkKind>> = {
  veth: { type: NdType.VETH, born: () => false },
  bridge: { type: NdType.BRIDGE, born: isBridgeBorn, later: BRIDGE_LATER },
  tun: { type: NdType.TUN },
  macvlan: { type: NdType.MACVLAN },
  sit: { type: NdType.SIT, link: 1 },
  // what may be set is a question of the mode, and of the ports
  bond: {
    type: NdType.EXTLINK,
    born: (type) => type === BOND.MODE,
    later: new Set(range(2, 40).filter((type) => type !== BOND.INFO)),
  },
  ...Object.fromEntries(
    [...["dummy", "ifb", "vlan", "ipvlan", "geneve", "vrf", "wireguard"]].map((kind) => [
      kind,
      { type: NdType.EXTLINK },
    ]),
  ),
  ...Object.fromEntries(
    ["gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan", "ipip", "ip6tnl", "vti", "vti6"].map((kind) => [
      kind,
      { type: NdType.EXTLINK, link: 1 },
    ]),
  ),
  vxlan: { type: NdType.EXTLINK, link: 3, born: isVxlanBorn },
};

/** Those that stand on another interface, which may be outside. */
const ON_ANOTHER: ReadonlySet<string> = new Set(["macvlan", "ipvlan", "vlan"]);
/** Those of criu's images, which do not name theirs. */
const KIND_OF: Readonly<Record<number, string>> = {
  [NdType.VETH]: "veth",
  [NdType.BRIDGE]: "bridge",
  [NdType.SIT]: "sit",
  [NdType.MACVLAN]: "macvlan",
};

export const isKnownKind = (kind: string): boolean => KINDS[kind] !== undefined;
export const typeOfKind = (kind: string | undefined): NetDeviceEntry["type"] =>
  KINDS[kind ?? ""]?.type ?? NdType.EXTLINK;
export const kindOf = ({ type, tscriu_kind }: Pick<NetDeviceEntry, "type" | "tscriu_kind">): string | undefined =>
  tscriu_kind ?? KIND_OF[type];
export const standsOnAnother = (kind: string | undefined): boolean => ON_ANOTHER.has(kind ?? "");
export const laterSettings = (kind: string | undefined): ReadonlySet<number> => KINDS[kind ?? ""]?.later ?? new Set();

/** IFLA_MACVLAN_MODE, FLAGS, MACADDR_MODE and so on: what is set of a macvlan; the rest is told, and refused where it is said. */
const MACVLAN = { MODE: 1, FLAGS: 2, MACADDR_MODE: 3, MACADDR_DATA: 5, BC_QUEUE_LEN: 7, BC_CUTOFF: 9 } as const;
const MACADDR_SET = 3;
const MACVLAN_SETTINGS: ReadonlySet<number> = new Set([
  MACVLAN.MODE,
  MACVLAN.FLAGS,
  MACVLAN.MACADDR_DATA,
  MACVLAN.BC_QUEUE_LEN,
  MACVLAN.BC_CUTOFF,
]);

function macvlanSettings(data: Uint8Array): [number, Uint8Array][] {
  const kept = attributeList(data).filter(([type]) => MACVLAN_SETTINGS.has(type));
  const hasSources = kept.some(([type]) => type === MACVLAN.MACADDR_DATA);
  const set = new Uint8Array(Uint32Array.of(MACADDR_SET).buffer);
  return hasSources ? [[MACVLAN.MACADDR_MODE, set], ...kept] : kept;
}

/** IFLA_VLAN_FLAGS, struct ifla_vlan_flags: which are on, and which are meant: all are told, more than any kernel takes. */
const VLAN_FLAGS = 2;
const REORDER_HDR = 1;

function vlanSettings(data: Uint8Array): [number, Uint8Array][] {
  return attributeList(data).map(([type, value]) => {
    if (type !== VLAN_FLAGS) return [type, value];
    const on = new Fields(value).u32();
    // one of them is on from the start
    return [type, new Uint8Array(Uint32Array.of(on, on | REORDER_HDR).buffer)];
  });
}

/**
 * IFLA_INFO_DATA of one that is made, from what the kernel told.
 * @param numbers what an interface is called here, where that is not as it was
 */
export function bornSettings(
  kind: string,
  data: Uint8Array,
  numbers: ReadonlyMap<number, number> = new Map(),
): [number, Uint8Array][] {
  if (kind === "macvlan") return macvlanSettings(data);
  if (kind === "vlan") return vlanSettings(data);
  const { born, link } = KINDS[kind] ?? {};
  return attributeList(data)
    .filter(([type, value]) => born === undefined || born(type, value))
    .map(([type, value]) => {
      // told with a value, taken without
      if (kind === "vxlan" && type === VXLAN.TTL_INHERIT) return [type, new Uint8Array(0)];
      const number = type === link ? numbers.get(new Fields(value).u32()) : undefined;
      return [type, number === undefined ? value : new Uint8Array(Uint32Array.of(number).buffer)];
    });
}
