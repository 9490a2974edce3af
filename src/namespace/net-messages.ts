/**
 * What else a network namespace holds that rtnetlink(7) tells and takes in the same words: next hops with names of their own, static
 * entries of bridges, labels of addresses (RFC 6724).
 */
import { CrError } from "../error.ts";
import { IFLA, LINK_HEADER, RTM, routeNexthop } from "../file/network-link.ts";
import type { TscriuNetworkMessage } from "../image/schema.gen.ts";
import { attributeList, NetlinkSocket, PayloadBuilder, parseAttributes } from "../kernel/netlink.ts";
import { AF, NETLINK } from "../kernel/uapi/socket.ts";

const NLM_F_CREATE_REPLACE = 0x500;
const NLM_F_CREATE_APPEND = 0xc00;
const AF_BRIDGE = 7;
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

interface Kind {
  readonly name: string;
  /** RTM_GET* and RTM_NEW*. */
  readonly get: number;
  readonly put: number;
  /** Of the structure before the attributes, bytes. */
  readonly header: number;
  readonly family: number;
  /** Where the structure has the interface's number, or which attribute is that; 0 is none. */
  readonly deviceAt?: number;
  readonly device?: number;
  /** Attributes that are set; all others are the kernel's to tell. */
  readonly kept: ReadonlySet<number>;
  /** Of one that holds others: which of those are set. */
  readonly inner?: ReadonlyMap<number, ReadonlySet<number>>;
  /** NLM_F_*, where one that is there is not replaced. */
  flags?(payload: Uint8Array): number;
  /** Attributes that hold others, and are taken only if they say so. */
  readonly nests?: ReadonlySet<number>;
  /** Somebody made it: it does not come by itself. */
  isSet(payload: Uint8Array): boolean;
  /** Of those that are set the ones that are not the kernel's own after all. */
  chosen?(found: readonly Uint8Array[], socket: NetlinkSocket): readonly Uint8Array[];
  /** What the structure says that is no wish. @param payload all of it */
  plain?(head: DataView, payload: Uint8Array): void;
}

/** nexthop(8), linux/nexthop.h: struct nhmsg; NHA_ID, GROUP, GROUP_TYPE, BLACKHOLE, OIF, GATEWAY, ENCAP_TYPE, ENCAP, FDB. */
const NHA = { GROUP: 2, OIF: 5, ENCAP: 8, RES_GROUP: 12 } as const;
/** NHA_RES_GROUP_BUCKETS, IDLE_TIMER, UNBALANCED_TIMER: what is set of a resilient group. */
const BUCKETS: ReadonlySet<number> = new Set([1, 2, 3]);
const RTPROT_KERNEL = 2;
/** linux/neighbour.h: struct ndmsg; of NDA_*, VLAN is 5; DST and what follows say where a tunnel (vxlan) leads. */
const NDM = { ifindex: 4, state: 8, flags: 10 } as const;
const NUD = { NOARP: 0x40, PERMANENT: 0x80 } as const;
const NTF = { SELF: 2, MASTER: 4, EXT_LEARNED: 0x10, STICKY: 0x40 } as const;
const NDA = { DST: 1, LLADDR: 2, PORT: 6, VNI: 7, IFINDEX: 8, MASTER: 9, SRC_VNI: 11, NH_ID: 13 } as const;
const fdbOf = (payload: Uint8Array) => parseAttributes(payload.subarray(12));
/** An entry of a tunnel, of which one address may have several. */
const leadsFar = (payload: Uint8Array) => [NDA.DST, NDA.NH_ID].some((type) => fdbOf(payload).has(type));
const ownerOf = (payload: Uint8Array) => {
  const master = fdbOf(payload).get(NDA.MASTER);
  return master && viewOf(master).getUint32(0, true);
};
/**
 * Is an entry of a bridge, or of what an interface listens to, not one that was learned? Groups are left to who takes part in them.
 */
function isOfBridge(payload: Uint8Array): boolean {
  const state = viewOf(payload).getUint16(NDM.state, true);
  const isLearned = ((payload[NDM.flags] ?? 0) & NTF.EXT_LEARNED) !== 0;
  if (ownerOf(payload) !== undefined) return isLearned || (state & (NUD.NOARP | NUD.PERMANENT)) !== 0;
  if (leadsFar(payload)) return isLearned || (state & (NUD.NOARP | NUD.PERMANENT)) !== 0;
  const isGroup = ((fdbOf(payload).get(NDA.LLADDR)?.[0] ?? 0) & 1) !== 0;
  return (state & NUD.PERMANENT) !== 0 && !isGroup;
}

/** Addresses of interfaces the kernel enters itself: ports', bridges', those of macvlans where they stand. */
function withoutOwn(found: readonly Uint8Array[], socket: NetlinkSocket): readonly Uint8Array[] {
  const isPermanent = (payload: Uint8Array) => (viewOf(payload).getUint16(NDM.state, true) & NUD.PERMANENT) !== 0;
  if (!found.some(isPermanent)) return found;
  const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");
  const links = socket.dump("cannot list interfaces", RTM.GETLINK, new Uint8Array(LINK_HEADER));
  const own = new Set(
    links.map(({ payload }) => hex(parseAttributes(payload.subarray(LINK_HEADER)).get(IFLA.ADDRESS))),
  );
  return found.filter(
    (payload) => !isPermanent(payload) || leadsFar(payload) || !own.has(hex(fdbOf(payload).get(NDA.LLADDR))),
  );
}

const NEXT_HOP: Kind = {
  name: "next hop",
  get: 106,
  put: 104,
  header: 8,
  family: AF.UNSPEC,
  device: NHA.OIF,
  kept: new Set([1, 2, 3, 4, 5, 6, 7, 8, 11, NHA.RES_GROUP]),
  inner: new Map([[NHA.RES_GROUP, BUCKETS]]),
  nests: new Set([NHA.ENCAP]),
  isSet: (payload) => payload[2] !== RTPROT_KERNEL,
  plain: (head) => {
    // its scope is found anew
    for (const at of [1, 3]) head.setUint8(at, 0);
    head.setUint32(4, routeNexthop(head.getUint32(4, true)), true);
  },
};

const KINDS: readonly Kind[] = [
  {
    name: "bridge entry",
    get: 30,
    put: 28,
    header: 12,
    family: AF_BRIDGE,
    deviceAt: NDM.ifindex,
    device: NDA.IFINDEX,
    kept: new Set([NDA.DST, NDA.LLADDR, 5, NDA.PORT, NDA.VNI, NDA.IFINDEX, NDA.SRC_VNI, NDA.NH_ID]),
    flags: (payload) => (leadsFar(payload) ? NLM_F_CREATE_APPEND : NLM_F_CREATE_REPLACE),
    isSet: isOfBridge,
    chosen: withoutOwn,
    plain: (head, payload) => {
      // what is the bridge's own it takes itself
      const isBridges = ownerOf(payload) === head.getUint32(NDM.ifindex, true);
      const whose = ownerOf(payload) === undefined || isBridges ? NTF.SELF : NTF.MASTER;
      head.setUint8(NDM.flags, (head.getUint8(NDM.flags) & (NTF.STICKY | NTF.EXT_LEARNED)) | whose);
    },
  },
  {
    name: "label",
    get: 74,
    put: 72,
    header: 12,
    family: AF.INET6,
    deviceAt: 4,
    kept: new Set([1, 2]),
    isSet: () => true,
    plain: (head) => head.setUint32(8, 0, true),
  },
];

function list(socket: NetlinkSocket, { name, get, header, family, isSet, chosen }: Kind): readonly Uint8Array[] {
  const ask = new Uint8Array(header);
  ask[0] = family;
  try {
    const found = socket.dump(`cannot list what a network has: ${name}`, get, ask);
    const set = found.map(({ payload }) => payload).filter(isSet);
    return chosen?.(set, socket) ?? set;
  } catch (error) {
    // an older kernel, or one built without
    if (error instanceof CrError && ["EOPNOTSUPP", "EINVAL"].includes(error.code)) return [];
    throw error;
  }
}

function saved(kind: Kind, payload: Uint8Array): TscriuNetworkMessage {
  const head = payload.slice(0, kind.header);
  kind.plain?.(viewOf(head), payload);
  const built = new PayloadBuilder().raw(head);
  for (const [type, value] of attributeList(payload.subarray(kind.header))) {
    const inner = kind.inner?.get(type);
    if (!kind.kept.has(type)) continue;
    if (inner === undefined) built.attribute(type, value);
    else
      built.nest(type, (own) => {
        for (const [name, one] of attributeList(value)) if (inner.has(name)) own.attribute(name, one);
      });
  }
  return { kind: kind.name, payload: built.build() };
}

/** Of the namespace that we are in. */
export function readMessages(): TscriuNetworkMessage[] {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const isGroup = (payload: Uint8Array) => parseAttributes(payload.subarray(NEXT_HOP.header)).has(NHA.GROUP);
  // groups name members
  const hops = list(socket, NEXT_HOP).toSorted((a, b) => Number(isGroup(a)) - Number(isGroup(b)));
  return [
    ...hops.map((payload) => saved(NEXT_HOP, payload)),
    ...KINDS.flatMap((kind) => list(socket, kind).map((payload) => saved(kind, payload))),
  ];
}

/**
 * @param which before addresses have routes, or afterwards
 * @param numbers what an interface of the images is called here
 * @param lost is told what could not be done
 * @returns those whose interfaces are not there
 */
export function writeMessages(
  messages: readonly TscriuNetworkMessage[],
  which: "hops" | "others",
  numbers: ReadonlyMap<number, number>,
  lost: (what: string) => void,
): TscriuNetworkMessage[] {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const kinds = new Map((which === "hops" ? [NEXT_HOP] : KINDS).map((kind) => [kind.name, kind]));
  // some come by themselves
  const there = new Set(
    [...kinds.values()].flatMap((kind) => list(socket, kind).map((payload) => keyOf(saved(kind, payload)))),
  );
  const missing: TscriuNetworkMessage[] = [];
  for (const message of messages) {
    const { kind: name, payload } = message;
    const kind = kinds.get(name);
    if (kind === undefined) continue;
    if (payload.length < kind.header) throw new CrError("a message without its header", { code: "BAD_IMAGE" });
    const own = here(kind, Uint8Array.from(payload), numbers);
    if (own === undefined) missing.push(message);
    else if (!there.has(keyOf({ kind: name, payload: own }))) put(socket, kind, own, lost);
  }
  return missing;
}

const keyOf = ({ kind, payload }: TscriuNetworkMessage) => `${kind} ${Buffer.from(payload).toString("hex")}`;

function put(
  socket: NetlinkSocket,
  { name, put: type, flags }: Kind,
  payload: Uint8Array,
  lost: (what: string) => void,
) {
  try {
    socket.request(`cannot make a ${name}`, type, payload, flags?.(payload) ?? NLM_F_CREATE_REPLACE);
  } catch (error) {
    if (!(error instanceof CrError)) throw error;
    lost(error.message);
  }
}

/** The same with our numbers of interfaces. */
function here(kind: Kind, payload: Uint8Array, numbers: ReadonlyMap<number, number>): Uint8Array | undefined {
  const { deviceAt, device, header } = kind;
  const view = viewOf(payload);
  if (deviceAt !== undefined) {
    const was = view.getUint32(deviceAt, true);
    const is = was === 0 ? 0 : numbers.get(was);
    if (is === undefined) return undefined;
    view.setUint32(deviceAt, is, true);
  }
  const built = new PayloadBuilder().raw(payload.slice(0, header));
  for (const [type, value] of attributeList(payload.subarray(header))) {
    const is = type === device ? numbers.get(viewOf(value).getUint32(0, true)) : undefined;
    if (type === device && is === undefined) return undefined;
    const isNest = kind.inner?.has(type) === true || kind.nests?.has(type) === true;
    if (isNest) built.nest(type, (own) => void own.raw(value));
    else if (is === undefined) built.attribute(type, value);
    else built.u32(type, is);
  }
  return built.build();
}
