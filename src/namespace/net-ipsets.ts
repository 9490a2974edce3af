/**
 * Sets of addresses and ports that rules of a packet filter ask (ipset: linux/netfilter/ipset/ip_set.h). Rules know them by their
 * numbers, so each gets its own again.
 */
import { CrError } from "../error.ts";
import type { TscriuIpset } from "../image/schema.gen.ts";
import { attributeList, NetlinkSocket, PayloadBuilder, parseAttributes } from "../kernel/netlink.ts";
import { NETLINK_NETFILTER } from "../kernel/uapi/netfilter.ts";
import { AF } from "../kernel/uapi/socket.ts";

const SUBSYSTEM = 6 << 8;
const IPSET = { CREATE: 2, DESTROY: 3, LIST: 7, ADD: 9, GET_BYNAME: 14 } as const;
const ATTR = {
  PROTOCOL: 1,
  SETNAME: 2,
  TYPENAME: 3,
  REVISION: 4,
  FAMILY: 5,
  DATA: 7,
  ADT: 8,
  LINENO: 9,
  INDEX: 11,
} as const;
const PROTOCOL = 7;
/** struct nfgenmsg, bytes. */
const HEADER = 4;
const NESTED = 0x8000;
const NLM_F_CREATE_EXCL = 0x600;
/** IPSET_MAXNAMELEN, with its end. */
const LONGEST_NAME = 32;
/** So many may have been taken away before the last one that is there. */
const MOST = 1024;
/** Of those that stand where nothing was: no name of ipset's begins so. */
const STOPGAP = "\u0001tscriu";

function begin(): PayloadBuilder {
  return new PayloadBuilder().raw(Uint8Array.of(AF.INET, 0, 0, 0)).u8(ATTR.PROTOCOL, PROTOCOL);
}

function textOf(value: Uint8Array | undefined): string {
  return Buffer.from(value ?? [])
    .toString("latin1")
    .replace(/\0.*$/s, "");
}

function indexOf(socket: NetlinkSocket, name: string): number {
  const question = begin().text(ATTR.SETNAME, name).build();
  const [answer] = socket.request("cannot ask for the number of a set", SUBSYSTEM | IPSET.GET_BYNAME, question);
  const number = answer && parseAttributes(answer.payload.subarray(HEADER)).get(ATTR.INDEX);
  return number ? new DataView(number.buffer, number.byteOffset).getUint16(0) : -1;
}

/** Elements, users and memory are told as well, from here on, and cannot be given. */
const FIRST_COUNT = 24;
const TYPE_MASK = 0x3fff;
const NETWORK_ORDER = 0x4000;
/** IPSET_ATTR_IP, IP_TO, IP2, IP2_TO */
const ADDRESSES: ReadonlySet<number> = new Set([1, 2, 20, 22]);

/** Attributes with their flags. */
function flagged(bytes: Uint8Array): (readonly [type: number, value: Uint8Array])[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  return attributeList(bytes).map(([, value]) => {
    const type = view.getUint16(at + 2, true);
    at += (HEADER + value.length + 3) & ~3;
    return [type, value];
  });
}

/** As the kernel takes what it tells: of addresses it leaves out that they are in network order. @param last attribute that is taken */
function asGiven(bytes: Uint8Array, last: number): Uint8Array {
  const built = new PayloadBuilder();
  for (const [type, value] of flagged(bytes)) {
    const number = type & TYPE_MASK;
    if (number > last) continue;
    if (ADDRESSES.has(number) && type & NESTED)
      built.nest(number, (inner) => {
        for (const [which, address] of attributeList(value)) inner.attribute(which | NETWORK_ORDER, address);
      });
    else built.attribute(type, value);
  }
  return built.build();
}

/** All sets of the namespace that we are in, with what is in them; none where this kernel knows no such. */
export function readIpsets(): TscriuIpset[] {
  using socket = new NetlinkSocket(NETLINK_NETFILTER);
  const sets = new Map<string, TscriuIpset>();
  let messages: ReturnType<NetlinkSocket["dump"]>;
  try {
    messages = socket.dump("cannot list sets of addresses", SUBSYSTEM | IPSET.LIST, begin().build());
  } catch (error) {
    if (error instanceof CrError) return [];
    throw error;
  }
  for (const { payload } of messages) {
    const attributes = parseAttributes(payload.subarray(HEADER));
    const name = textOf(attributes.get(ATTR.SETNAME));
    const [type, revision, family] = [ATTR.TYPENAME, ATTR.REVISION, ATTR.FAMILY].map((one) => attributes.get(one));
    if (name === "") continue;
    if (type && revision)
      sets.set(name, {
        name,
        type: textOf(type),
        revision: revision[0] ?? 0,
        family: family?.[0] ?? 0,
        index: indexOf(socket, name),
        options: attributes.get(ATTR.DATA)?.slice() ?? new Uint8Array(0),
        elements: [],
      });
    const elements = attributes.get(ATTR.ADT);
    if (elements !== undefined && elements.length > 0) sets.get(name)?.elements.push(elements.slice());
  }
  return [...sets.values()].sort((a, b) => a.index - b.index);
}

/** Refuses what cannot be made, before anything is. */
export function checkIpsets(sets: readonly TscriuIpset[]): void {
  const numbers = new Set(sets.map(({ index }) => index));
  for (const { name, type, index } of sets) {
    const isRight = [name, type].every((one) => one.length > 0 && one.length < LONGEST_NAME && !one.includes("\0"));
    if (isRight && index < MOST && numbers.size === sets.length) continue;
    throw new CrError("a set of addresses has no name or number that can be", {
      code: "BAD_IMAGE",
      subject: { set: name.slice(0, LONGEST_NAME), number: index },
    });
  }
}

/** Makes them again in the namespace that we are in, where none is. */
export function writeIpsets(sets: readonly TscriuIpset[]): void {
  if (sets.length === 0) return;
  using socket = new NetlinkSocket(NETLINK_NETFILTER);
  const stopgaps: string[] = [];
  let next = 0;
  for (const set of sets) {
    // the kernel gives the first number that is free
    for (; next < set.index; next++) {
      const name = `${STOPGAP}${next}`;
      create(socket, { ...set, name });
      stopgaps.push(name);
    }
    create(socket, set);
    next++;
  }
  // sets of sets name others
  for (const set of sets) for (const elements of set.elements) add(socket, set, elements);
  for (const name of stopgaps) {
    const what = "cannot take a set of addresses away";
    socket.request(what, SUBSYSTEM | IPSET.DESTROY, begin().text(ATTR.SETNAME, name).build());
  }
}

function create(socket: NetlinkSocket, { name, type, revision, family, options }: TscriuIpset): void {
  const payload = begin()
    .text(ATTR.SETNAME, name)
    .text(ATTR.TYPENAME, type)
    .u8(ATTR.REVISION, revision)
    .u8(ATTR.FAMILY, family)
    .attribute(ATTR.DATA | NESTED, asGiven(options, FIRST_COUNT - 1))
    .build();
  const what = "cannot make a set of addresses";
  socket.request(what, SUBSYSTEM | IPSET.CREATE, payload, NLM_F_CREATE_EXCL, { set: name, type });
}

function add(socket: NetlinkSocket, { name, type }: TscriuIpset, elements: Uint8Array): void {
  const built = new PayloadBuilder();
  for (const [, one] of attributeList(elements)) built.attribute(ATTR.DATA | NESTED, asGiven(one, TYPE_MASK));
  const payload = begin()
    .text(ATTR.SETNAME, name)
    .u32(ATTR.LINENO, 1)
    .attribute(ATTR.ADT | NESTED, built.build())
    .build();
  socket.request("cannot fill a set of addresses", SUBSYSTEM | IPSET.ADD, payload, 0, { set: name, type });
}
