/**
 * Tables of the iptables that were before nf_tables (linux/netfilter_ipv4/ip_tables.h and the like): the kernel gives and takes a
 * table as a whole, as it is, counters included.
 */
import { readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import type { TscriuXtable } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { makeSocket } from "../kernel/socket.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { AF } from "../kernel/uapi/socket.ts";

const SOCK_RAW = 3;
const IPPROTO = { IP: 0, RAW: 255, IPV6: 41 } as const;
/** NFPROTO_ARP */
const ARP = 3;

interface Kind {
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

const KINDS: readonly Kind[] = [
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
/** struct xt_counters, bytes. */
const COUNTER = 16;

/** Names of the tables in use, by what they are of. */
export function xtables(): { readonly kind: Kind; readonly name: string }[] {
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

function ask(fd: number, { level, base }: Kind, what: number, into: Uint8Array, name: string): void {
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

export function readXtables(): TscriuXtable[] {
  return xtables().map(({ kind, name }) => {
    const fd = makeSocket(kind.socket, SOCK_RAW, IPPROTO.RAW);
    try {
      const info = named(name, NAME + 4 + 2 * kind.hooks * 4 + 8);
      ask(fd, kind, 0, info.bytes, name);
      const word = (index: number) => info.view.getUint32(NAME + index * 4, true);
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
    } finally {
      closeFd(fd);
    }
  });
}

/** Makes the tables again in the namespace that we are in. */
export function writeXtables(tables: readonly TscriuXtable[]): void {
  for (const { family, name, hooks, entries_of, policies, count, entries } of tables) {
    const kind = KINDS.find((one) => one.family === family);
    const subject = { table: name };
    if (
      kind === undefined ||
      entries.length > LARGEST ||
      entries_of.length !== kind.hooks ||
      policies.length !== kind.hooks
    )
      throw new CrError("a table of iptables that cannot be", { code: "BAD_IMAGE", subject });
    // what the kernel counted on the table that is there: whoever replaces one has to take them
    const before = readCount(kind, name);
    const counters = new Uint8Array(Math.max(1, before) * COUNTER);
    const pointerAt = NAME + 12 + 2 * kind.hooks * 4 + 4;
    const head = Math.ceil(pointerAt / 8) * 8 + 8;
    const { bytes, view } = named(name, head + entries.length);
    const words = [hooks, count, entries.length, ...entries_of, ...policies, before];
    for (const [i, value] of words.entries()) view.setUint32(NAME + i * 4, value, true);
    view.setBigUint64(head - 8, BigInt(addressOf(counters)), true);
    bytes.set(entries, head);
    const fd = makeSocket(kind.socket, SOCK_RAW, IPPROTO.RAW);
    try {
      const set = sys(NR.setsockopt, fd, kind.level, kind.base, addressOf(bytes), bytes.length);
      const remedy = "this kernel may lack a match or a target that the table has; load its module first";
      check(set, "cannot make a table of iptables again", subject, remedy);
      // it wrote there until now
      addressOf(counters);
      addCounters(fd, kind, name, entries, count);
    } finally {
      closeFd(fd);
    }
  }
}

/** A fresh table has counted nothing. */
function addCounters(fd: number, kind: Kind, name: string, entries: Uint8Array, count: number): void {
  const from = new DataView(entries.buffer, entries.byteOffset, entries.length);
  const head = NAME + 8;
  const { bytes, view } = named(name, head + count * COUNTER);
  view.setUint32(NAME, count, true);
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + kind.counterAt + COUNTER > entries.length) return; // no table that the kernel took
    bytes.set(entries.subarray(at + kind.counterAt, at + kind.counterAt + COUNTER), head + i * COUNTER);
    at += from.getUint16(at + kind.nextAt, true);
  }
  const added = sys(NR.setsockopt, fd, kind.level, kind.base + 1, addressOf(bytes), bytes.length);
  check(added, "cannot set the counters of a table of iptables", { table: name });
}

function readCount(kind: Kind, name: string): number {
  const fd = makeSocket(kind.socket, SOCK_RAW, IPPROTO.RAW);
  try {
    const info = named(name, NAME + 4 + 2 * kind.hooks * 4 + 8);
    ask(fd, kind, 0, info.bytes, name);
    return info.view.getUint32(NAME + (1 + 2 * kind.hooks) * 4, true);
  } finally {
    closeFd(fd);
  }
}
