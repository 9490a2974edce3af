/**
 * What a network namespace has of segment routing (linux/seg6_genl.h: source of tunnels, keys) and of IOAM (linux/ioam6_genl.h:
 * namespaces, schemas), as generic netlink tells and takes it. Routes that lead by way of segments are routes as others.
 */
import { CrError } from "../error.ts";
import type { TscriuNetworkMessage } from "../image/schema.gen.ts";
import { GENERIC_HEADER, genericFamily, genericHeader } from "../kernel/generic-netlink.ts";
import { attributeList, NetlinkSocket, parseAttributes } from "../kernel/netlink.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";

interface Kind {
  readonly name: string;
  readonly family: string;
  /** Commands: that tells, of all or of the one there is, and that makes. */
  readonly get: number;
  readonly isList: boolean;
  readonly set: number;
  /** Attributes that are set. */
  readonly kept: ReadonlySet<number>;
  isSet?(attributes: ReadonlyMap<number, Uint8Array>): boolean;
}

const [SEG6_DST, IOAM_NAMESPACE, IOAM_SCHEMA] = [1, 1, 4];
const KINDS: readonly Kind[] = [
  {
    name: "source of segment routing",
    family: "SEG6",
    get: 4,
    isList: false,
    set: 3,
    kept: new Set([SEG6_DST]),
    isSet: (attributes) => attributes.get(SEG6_DST)?.some((byte) => byte !== 0) === true,
  },
  { name: "key of segment routing", family: "SEG6", get: 2, isList: true, set: 1, kept: new Set([3, 4, 5, 6]) },
  { name: "namespace of IOAM", family: "IOAM6", get: 3, isList: true, set: 1, kept: new Set([1, 2, 3]) },
  { name: "schema of IOAM", family: "IOAM6", get: 6, isList: true, set: 4, kept: new Set([4, 5]) },
  {
    name: "schema of a namespace of IOAM",
    family: "IOAM6",
    get: 3,
    isList: true,
    set: 7,
    kept: new Set([IOAM_NAMESPACE, IOAM_SCHEMA]),
    isSet: (attributes) => attributes.has(IOAM_SCHEMA),
  },
];

/** The number of a family; undefined on a kernel built without it. */
function familyOf(socket: NetlinkSocket, name: string): number | undefined {
  try {
    return genericFamily(socket, name);
  } catch (error) {
    if (error instanceof CrError) return undefined;
    throw error;
  }
}

/** Of the namespace that we are in. */
export function readSegments(): TscriuNetworkMessage[] {
  using socket = new NetlinkSocket(NETLINK.GENERIC);
  const families = new Map(["SEG6", "IOAM6"].map((name) => [name, familyOf(socket, name)]));
  return KINDS.flatMap(({ name, family, get, isList, kept, isSet }) => {
    const number = families.get(family);
    if (number === undefined) return [];
    const [what, ask] = [`cannot ask for a ${name}`, genericHeader(get).build()];
    let answers: readonly { readonly payload: Uint8Array }[];
    try {
      answers = isList ? socket.dump(what, number, ask) : socket.request(what, number, ask);
    } catch (error) {
      // keys are not in every kernel
      if (error instanceof CrError && ["EOPNOTSUPP", "ENOTSUP", "EINVAL"].includes(error.code)) return [];
      throw error;
    }
    return answers.flatMap(({ payload }) => {
      const list = attributeList(payload.subarray(GENERIC_HEADER));
      if (isSet && !isSet(new Map(list))) return [];
      const own = genericHeader(0);
      for (const [type, value] of list) if (kept.has(type)) own.attribute(type, value);
      return [{ kind: name, payload: own.build().slice(GENERIC_HEADER) }];
    });
  });
}

/** @param lost is told what could not be done */
export function writeSegments(messages: readonly TscriuNetworkMessage[], lost: (what: string) => void): void {
  const names = new Set(KINDS.map(({ name }) => name));
  const own = messages.filter(({ kind }) => names.has(kind));
  if (own.length === 0) return;
  using socket = new NetlinkSocket(NETLINK.GENERIC);
  for (const { name, family, set } of KINDS)
    for (const { kind, payload } of own) {
      if (kind !== name) continue;
      const change = genericHeader(set);
      for (const [type, value] of parseAttributes(Uint8Array.from(payload))) change.attribute(type, value);
      try {
        socket.request(`cannot set a ${name}`, genericFamily(socket, family), change.build());
      } catch (error) {
        if (!(error instanceof CrError)) throw error;
        lost(error.message);
      }
    }
}
