/** The lock that CRIU makes with the iptables that was before nf_tables: its rules in the tables `filter` of IPv4 and IPv6. */
import { closeFd, tryOpen } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { sys } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { IPPROTO } from "../kernel/uapi/inet.ts";
import { NF_INET } from "../kernel/uapi/netfilter.ts";
import { AF } from "../kernel/uapi/socket.ts";
import {
  COUNTER,
  readXtable,
  replaceXtable,
  type Xtable,
  type XtableKind,
  type XtEntry,
  xtables,
  xtEntries,
} from "../kernel/xtables.ts";
import {
  CRIU_CHAIN,
  type FoundLock,
  isMarkMatch,
  type LockChain,
  type LockRule,
  portsOfTcpMatch,
  removeLocks,
  type WantedLock,
  wordsOf,
  wordsOfJump,
} from "./lock-rule.ts";

const TABLE = "filter";

/** Where struct ipt_entry and struct ip6t_entry have what the rules ask for, and what must be zero for them to ask no more. */
interface Layout {
  readonly tool: string;
  readonly address: number;
  /** Names of interfaces with their masks. */
  readonly interfaces: number;
  readonly protocol: number;
  readonly flags: number;
  /** Flags of rules that ask for a protocol (IP6T_F_PROTO). */
  readonly usual: number;
  readonly inverse: number;
  readonly targetAt: number;
  readonly matches: number;
}
const LAYOUTS: ReadonlyMap<number, Layout> = new Map([
  [
    AF.INET,
    {
      ...{ tool: "iptables-legacy", address: 4, interfaces: 16, protocol: 80, flags: 82, usual: 0, inverse: 83 },
      ...{ targetAt: 88, matches: 112 },
    },
  ],
  [
    AF.INET6,
    {
      ...{ tool: "ip6tables-legacy", address: 16, interfaces: 64, protocol: 128, flags: 131, usual: 1, inverse: 132 },
      ...{ targetAt: 140, matches: 168 },
    },
  ],
]);
const INTERFACES = 64;

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** struct xt_entry_match and xt_entry_target: size, name, revision, and what is theirs. */
interface Part {
  readonly name: string;
  readonly revision: number;
  readonly info: Uint8Array;
}
const PART = 32;

function partAt(bytes: Uint8Array, at: number): Part & { readonly size: number } {
  const size = viewOf(bytes).getUint16(at, true);
  const name = Buffer.from(bytes.subarray(at + 2, at + 31))
    .toString("latin1")
    .replace(/\0.*$/s, "");
  return { size, name, revision: bytes[at + 31] ?? 0, info: bytes.subarray(at + PART, at + size) };
}

/** The target's name, and where it sends a packet: the verdict of the standard one, whose name is empty. */
function targetOf(bytes: Uint8Array, layout: Layout): Part & { readonly verdict: number } {
  const part = partAt(bytes, viewOf(bytes).getUint16(layout.targetAt, true));
  return { ...part, verdict: part.info.length >= 4 ? viewOf(part.info).getInt32(0, true) : 0 };
}

/** -NF_DROP - 1 */
const DROP = -1;

function matchesOf(bytes: Uint8Array, layout: Layout): Part[] {
  const found: Part[] = [];
  const end = viewOf(bytes).getUint16(layout.targetAt, true);
  for (let at = layout.matches; at + PART <= end; ) {
    const part = partAt(bytes, at);
    if (part.size < PART) return [];
    found.push(part);
    at += part.size;
  }
  return found;
}

/** What a rule of the lock says; undefined for one that says anything else, or more. */
function readRule(bytes: Uint8Array, chain: LockChain, layout: Layout): LockRule | undefined {
  const { address, interfaces, protocol, flags, usual, inverse } = layout;
  const field = (index: number) => bytes.subarray(index * address, (index + 1) * address);
  const target = targetOf(bytes, layout);
  const matches = matchesOf(bytes, layout);
  const ports = matches.flatMap((match) => portsOfTcpMatch(match) ?? [])[0];
  const is =
    [2, 3].every((index) => field(index).every((byte) => byte === 0xff)) &&
    bytes.subarray(interfaces, interfaces + INTERFACES).every((byte) => byte === 0) &&
    viewOf(bytes).getUint16(protocol, true) === IPPROTO.TCP &&
    ((bytes[flags] ?? 0) & ~usual) === 0 &&
    bytes[inverse] === 0 &&
    target.name === "" &&
    target.verdict === DROP &&
    matches.length === 2 &&
    matches.some(isMarkMatch);
  if (!is || ports === undefined) return undefined;
  const view = viewOf(ports);
  return { chain, from: field(0), to: field(1), sport: view.getUint16(0), dport: view.getUint16(2) };
}

/** Where the chains of the lock lie: from the first entry to the one that holds the policy, which is none of the rules. */
function chainOf(at: number, { entries_of, policies }: Xtable): LockChain | undefined {
  const within = (hook: number) => at >= (entries_of[hook] ?? 0) && at < (policies[hook] ?? 0);
  if (within(NF_INET.LOCAL_IN)) return "INPUT";
  return within(NF_INET.LOCAL_OUT) ? "OUTPUT" : undefined;
}

/** Entries of the chain that locks a whole namespace: from the one that names it to the one before the next chain's name. */
function criuChain(entries: readonly XtEntry[], layout: Layout): XtEntry[] {
  const isHead = ({ bytes }: XtEntry) => targetOf(bytes, layout).name === "ERROR";
  const nameOf = ({ bytes }: XtEntry) =>
    Buffer.from(targetOf(bytes, layout).info).toString("latin1").replace(/\0.*$/s, "");
  const first = entries.findIndex((entry) => isHead(entry) && nameOf(entry) === CRIU_CHAIN);
  if (first < 0) return [];
  const next = entries.findIndex((entry, index) => index > first && isHead(entry));
  return entries.slice(first, next);
}

/** The table without some entries: whatever leads behind them leads to where that lies then. */
function without(table: Xtable, entries: readonly XtEntry[], gone: ReadonlySet<XtEntry>, layout: Layout): Xtable {
  const places = new Map<number, number>();
  const kept: Uint8Array[] = [];
  let end = 0;
  for (const entry of entries) {
    places.set(entry.at, end);
    if (gone.has(entry)) continue;
    kept.push(new Uint8Array(entry.bytes));
    end += entry.bytes.length;
  }
  const moved = (at: number) => places.get(at) ?? at;
  for (const bytes of kept) {
    const { name, verdict } = targetOf(bytes, layout);
    const at = viewOf(bytes).getUint16(layout.targetAt, true) + PART;
    if (name === "" && verdict >= 0) viewOf(bytes).setInt32(at, moved(verdict), true);
  }
  const { entries_of, policies, count } = table;
  return {
    ...table,
    entries_of: entries_of.map(moved),
    policies: policies.map(moved),
    count: count - gone.size,
    entries: Buffer.concat(kept),
  };
}

function findIn(kind: XtableKind, layout: Layout, { isLock, isWhole }: WantedLock): FoundLock[] {
  const table = readXtable(kind, TABLE);
  const entries = xtEntries(table);
  const chain = isWhole ? criuChain(entries, layout) : [];
  const [head, first] = chain;
  const gone = new Set<XtEntry>(chain);
  const words = entries.flatMap((entry) => {
    const within = chainOf(entry.at, table);
    const lock = within && readRule(entry.bytes, within, layout);
    if (lock && isLock(lock)) {
      gone.add(entry);
      return [wordsOf(lock)];
    }
    const { name, verdict } = targetOf(entry.bytes, layout);
    if (!within || !head || name !== "" || verdict !== first?.at) return [];
    gone.add(entry);
    return [wordsOfJump(within)];
  });
  if (words.length === 0) return [];
  const remove = () => {
    const counters = (old: Uint8Array) =>
      Buffer.concat(
        entries.flatMap((entry, index) =>
          gone.has(entry) ? [] : [old.subarray(index * COUNTER, (index + 1) * COUNTER)],
        ),
      );
    replaceXtable(without(table, entries, gone, layout), counters, table.count);
  };
  return [{ tool: layout.tool, words, remove }];
}

/** What iptables itself holds while it changes a table, for two at a time would lose one's changes. */
const GUARD = "/run/xtables.lock";
const LOCK_EX_NB = 2 | 4;
/** So often it is asked for, milliseconds apart. */
const TRIES = { count: 100, apart: 10 } as const;

function guarded<T>(act: () => T): T {
  const fd = tryOpen(GUARD, O.RDONLY | O.CLOEXEC);
  if (fd < 0) return act(); // nobody has changed a table here yet
  try {
    for (let tries = 1; sys(NR.flock, fd, LOCK_EX_NB) < 0 && tries < TRIES.count; tries++) Bun.sleepSync(TRIES.apart);
    return act();
  } finally {
    closeFd(fd);
  }
}

/** Removes it where we are. @returns what could not be removed, as words of iptables */
export function removeLegacyLock(wanted: WantedLock): string[] {
  const inUse = xtables().filter(({ name }) => name === TABLE);
  const places = inUse.flatMap(({ kind }) => {
    const layout = LAYOUTS.get(kind.family);
    return layout ? [{ kind, layout }] : [];
  });
  const find = () => places.flatMap(({ kind, layout }) => findIn(kind, layout, wanted));
  // most have none: these need no guard
  return find().length === 0 ? [] : guarded(() => removeLocks(find));
}
