/**
 * Tables of the iptables that were before nf_tables (linux/netfilter_ipv4/ip_tables.h and the like): the kernel gives and takes a
 * table as a whole, and hands out what the old one counted when it takes a new one.
 */
import { readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { closeFd } from "./fd.ts";
import { NR } from "./nr.ts";
import { makeSocket } from "./socket.ts";
import { addressOf, check, sys } from "./sys.ts";
import { AF } from "./uapi/socket.ts";

const SOCK_RAW = 3;
const IPPROTO = { IP: 0, RAW: 255, IPV6: 41 } as const;
/** NFPROTO_ARP */
const ARP = 3;

/** What tables there may be: of IPv4, of IPv6, of ARP. */
export interface XtableKind {
  readonly family: number;
  /** Of the socket that is asked. */
  readonly socket: number;
  readonly level: number;
  /** The first of the options: *_SO_SET_REPLACE and *_SO_GET_INFO, *_SO_GET_ENTRIES is the next one. */
  readonly base: number;
  /** NF_*_NUMHOOKS */
  readonly hooks: number;
  /** Where an entry says how long it is (u16), and where it counts packets and bytes (u64 each). */
  readonly nextAt: number;
  readonly counterAt: number;
  /** Lists the tables that are in use. */
  readonly list: string;
}

const KINDS: readonly XtableKind[] = [
  {
    family: AF.INET,
    socket: AF.INET,
    level: IPPROTO.IP,
    base: 64,
    hooks: 5,
    nextAt: 90,
    counterAt: 96,
    list: "ip_tables_names",
  },
  {
    family: AF.INET6,
    socket: AF.INET6,
    level: IPPROTO.IPV6,
    base: 64,
    hooks: 5,
    nextAt: 142,
    counterAt: 152,
    list: "ip6_tables_names",
  },
  {
    family: ARP,
    socket: AF.INET,
    level: IPPROTO.IP,
    base: 96,
    hooks: 3,
    nextAt: 166,
    counterAt: 176,
    list: "arp_tables_names",
  },
];

/** XT_TABLE_MAXNAMELEN */
const NAME = 32;
/** A table may be this large, bytes: the kernel's own limit lies far above what anybody writes. */
const LARGEST = 64 << 20;
/** struct xt_counters, bytes: packets, bytes. */
export const COUNTER = 16;

/** A table as the kernel tells it. */
export interface Xtable {
  readonly family: number;
  readonly name: string;
  /** Bits of the hooks that it has. */
  readonly hooks: number;
  /** By hook: where its first entry begins, and the one that holds its policy, bytes. */
  readonly entries_of: readonly number[];
  readonly policies: readonly number[];
  /** Entries. */
  readonly count: number;
  readonly entries: Uint8Array;
}

export const kindOf = (family: number): XtableKind | undefined => KINDS.find((one) => one.family === family);

/** Names of the tables in use. To ask for another one would make it. */
export function xtables(): { readonly kind: XtableKind; readonly name: string }[] {
  return KINDS.flatMap((kind) => {
    try {
      const names = readFileSync(`/proc/net/${kind.list}`, "latin1").split("\n").filter(Boolean);
      // the one that was made last is listed first
      return names.reverse().map((name) => ({ kind, name }));
    } catch {
      return []; // this kernel has none of them
    }
  });
}

function withSocket<T>(kind: XtableKind, act: (fd: number) => T): T {
  const fd = makeSocket(kind.socket, SOCK_RAW, IPPROTO.RAW);
  try {
    return act(fd);
  } finally {
    closeFd(fd);
  }
}

function ask(fd: number, { level, base }: XtableKind, what: number, into: Uint8Array, name: string): void {
  const length = new Uint32Array([into.length]);
  const subject = { table: name };
  check(
    sys(NR.getsockopt, fd, level, base + what, addressOf(into), addressOf(length)),
    "cannot read a table of iptables",
    subject,
  );
}

function named(name: string, size: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(size);
  bytes.set(Buffer.from(name, "latin1").subarray(0, NAME - 1));
  return { bytes, view: new DataView(bytes.buffer) };
}

function readInfo(fd: number, kind: XtableKind, name: string): DataView {
  const info = named(name, NAME + 4 + 2 * kind.hooks * 4 + 8);
  ask(fd, kind, 0, info.bytes, name);
  return info.view;
}

/** @param name of a table in use */
export function readXtable(kind: XtableKind, name: string): Xtable {
  return withSocket(kind, (fd) => {
    const info = readInfo(fd, kind, name);
    const word = (index: number) => info.getUint32(NAME + index * 4, true);
    const words = (from: number) => Array.from({ length: kind.hooks }, (_, i) => word(from + i));
    const size = word(2 + 2 * kind.hooks);
    // the entries stand behind the name and the size, at a multiple of 8
    const rest = named(name, NAME + 8 + size);
    rest.view.setUint32(NAME, size, true);
    ask(fd, kind, 1, rest.bytes, name);
    return {
      family: kind.family,
      name,
      hooks: word(0),
      entries_of: words(1),
      policies: words(1 + kind.hooks),
      count: word(1 + 2 * kind.hooks),
      entries: rest.bytes.subarray(NAME + 8),
    };
  });
}

/**
 * Puts a table in the place of the one that is there, or makes it.
 * @param counters what its entries have counted, by what the old ones had counted in the end
 * @param expected entries of the old one; when it has others by now, nothing is done (EAGAIN)
 */
export function replaceXtable(table: Xtable, counters: (old: Uint8Array) => Uint8Array, expected?: number): void {
  const { family, name, hooks, entries_of, policies, count, entries } = table;
  const kind = kindOf(family);
  const subject = { table: name };
  if (
    kind === undefined ||
    entries.length > LARGEST ||
    entries_of.length !== kind.hooks ||
    policies.length !== kind.hooks
  )
    throw new CrError("a table of iptables that cannot be", { code: "BAD_IMAGE", subject });
  withSocket(kind, (fd) => {
    // what the kernel counted on the table that is there: whoever replaces one has to take them
    const before = expected ?? readInfo(fd, kind, name).getUint32(NAME + (1 + 2 * kind.hooks) * 4, true);
    const old = new Uint8Array(Math.max(1, before) * COUNTER);
    const pointerAt = NAME + 12 + 2 * kind.hooks * 4 + 4;
    const head = Math.ceil(pointerAt / 8) * 8 + 8;
    const { bytes, view } = named(name, head + entries.length);
    const words = [hooks, count, entries.length, ...entries_of, ...policies, before];
    for (const [i, value] of words.entries()) view.setUint32(NAME + i * 4, value, true);
    view.setBigUint64(head - 8, BigInt(addressOf(old)), true);
    bytes.set(entries, head);
    const set = sys(NR.setsockopt, fd, kind.level, kind.base, addressOf(bytes), bytes.length);
    const remedy = "this kernel may lack a match or a target that the table has; load its module first";
    check(set, "cannot make a table of iptables", subject, remedy);
    addCounters(fd, kind, table, counters(old));
  });
}

/** A fresh table has counted nothing. */
function addCounters(fd: number, kind: XtableKind, { name, count }: Xtable, counters: Uint8Array): void {
  if (counters.length !== count * COUNTER) return;
  const head = NAME + 8;
  const { bytes, view } = named(name, head + counters.length);
  view.setUint32(NAME, count, true);
  bytes.set(counters, head);
  const added = sys(NR.setsockopt, fd, kind.level, kind.base + 1, addressOf(bytes), bytes.length);
  check(added, "cannot set the counters of a table of iptables", { table: name });
}

/** An entry within a table. */
export interface XtEntry {
  /** Bytes before it. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Errors: CrError BAD_IMAGE where lengths do not fit. */
export function xtEntries({ family, name, entries }: Pick<Xtable, "family" | "name" | "entries">): XtEntry[] {
  const kind = kindOf(family);
  const view = new DataView(entries.buffer, entries.byteOffset, entries.length);
  const found: XtEntry[] = [];
  let at = 0;
  while (kind !== undefined && at < entries.length) {
    const length = at + kind.counterAt + COUNTER > entries.length ? 0 : view.getUint16(at + kind.nextAt, true);
    if (length < kind.counterAt + COUNTER || at + length > entries.length)
      throw new CrError("a table of iptables that cannot be", { code: "BAD_IMAGE", subject: { table: name } });
    found.push({ at, bytes: entries.subarray(at, at + length) });
    at += length;
  }
  return found;
}
