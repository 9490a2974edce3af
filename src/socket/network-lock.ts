/**
 * Holds back the packets of connections, or all packets of a network namespace, while nobody is there to answer them: a packet
 * that finds no socket is answered by a reset. The rules are tables of nf_tables, of two kinds: one that the kernel removes
 * together with the netlink socket that made it, for as long as we are at work, and one that waits for a restore.
 */
import { readlinkSync } from "node:fs";
import { CrError } from "../error.ts";
import {
  type Expression,
  equals,
  type Field,
  holds,
  inSet,
  meta,
  NfTables,
  protocols,
  TableChanges,
  verdict,
} from "../kernel/nftables.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { parseStat } from "../kernel/proc/stat.ts";
import type { InetAddress } from "../kernel/socket.ts";
import { IPPROTO } from "../kernel/uapi/inet.ts";
import { NF, NF_INET, NFPROTO, NFT_META, NFT_TABLE_F } from "../kernel/uapi/netfilter.ts";
import { v4Of } from "./inet-address.ts";

/** Packets of our own that pass the lock carry this mark, as CRIU's do. */
export const PASSING_MARK = 0xc114;

/** Both ends of a connection, as our side sees them. */
export interface Ends {
  readonly own: Pick<InetAddress, "bytes" | "port">;
  readonly peer: Pick<InetAddress, "bytes" | "port">;
}

/** Where somebody listens. */
export interface Door {
  readonly own: Ends["own"];
  /** An IPv6 socket that takes no clients of IPv4. */
  readonly v6only: boolean;
}

/**
 * Where the rules stand on a packet's way: behind the translation of addresses for those that come, before it for those that
 * go (NF_IP_PRI_NAT_SRC is 100, NF_IP_PRI_CONNTRACK is -200). There the addresses are those that the socket knows.
 */
const PRIORITY = { in: 200, out: -300 } as const;

/** Where a header has its addresses, and how nft names their types. */
const VERSIONS = [
  { set: "conns4", protocol: NFPROTO.IPV4, bytes: 4, source: 12, destination: 16, nft: 7 },
  { set: "conns6", protocol: NFPROTO.IPV6, bytes: 16, source: 8, destination: 24, nft: 8 },
] as const;
const NFT_PORT = 13;

/** A chain without a hook: the table waits for a restore, whoever made it is done. */
const KEPT = "kept";
const COMMENT = "tscriu";

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** Lets our own packets pass. */
const OURS: readonly Expression[] = [meta(NFT_META.MARK), equals(word(PASSING_MARK)), verdict(NF.ACCEPT)];

function chains(to: TableChanges): void {
  to.chain("input", { number: NF_INET.LOCAL_IN, priority: PRIORITY.in, policy: NF.ACCEPT });
  to.chain("output", { number: NF_INET.LOCAL_OUT, priority: PRIORITY.out, policy: NF.ACCEPT });
  for (const chain of ["input", "output"]) to.rule(chain, OURS);
}

/** The key of a connection in its set: peer, its port, own address, own port; each begins a register. */
function keyOf({ own, peer }: Ends): Uint8Array {
  const port = ({ port }: { port: number }) => Uint8Array.of(port >> 8, port & 0xff, 0, 0);
  return Buffer.concat([v4Of(peer.bytes), port(peer), v4Of(own.bytes), port(own)]);
}

function forConnections(name: string, flags: number, connections: readonly Ends[]): TableChanges {
  const changes = new TableChanges(name).create(flags, comment());
  const keys = [...new Map(connections.map((one) => [Buffer.from(keyOf(one)).toString("hex"), keyOf(one)])).values()];
  VERSIONS.forEach(({ set, bytes, nft }, index) => {
    const type = (nft << 18) | (NFT_PORT << 12) | (nft << 6) | NFT_PORT;
    const length = 2 * bytes + 8;
    const own = keys.filter((key) => key.length === length);
    changes.set(set, index + 1, type, length, own);
  });
  chains(changes);
  for (const { set, protocol, bytes, source, destination } of VERSIONS) {
    const address = (offset: number): Field => ({ base: "NETWORK_HEADER", offset, length: bytes });
    const port = (offset: number): Field => ({ base: "TRANSPORT_HEADER", offset, length: 2 });
    const [from, to] = [[address(source), port(0)] as const, [address(destination), port(2)] as const];
    const only = protocols(protocol, IPPROTO.TCP);
    changes.rule("input", [...only, ...inSet(set, [...from, ...to]), verdict(NF.DROP)]);
    changes.rule("output", [...only, ...inSet(set, [...to, ...from]), verdict(NF.DROP)]);
  }
  return changes;
}

/** The flags of a packet that asks for a connection (RFC 9293), without and with those of congestion notification (RFC 3168). */
const SYN = [0x02, 0xc2] as const;

/** Packets that ask for a connection to one of these doors are dropped: whoever sent them will send them again. */
function forDoors(name: string, doors: readonly Door[]): TableChanges {
  const changes = new TableChanges(name).create(NFT_TABLE_F.OWNER, comment());
  const port = ({ port }: Ends["own"]) => Uint8Array.of(port >> 8, port & 0xff, 0, 0);
  const isAny = ({ own }: Door) => own.bytes.every((byte) => byte === 0);
  const unique = (keys: Uint8Array[]) => [
    ...new Map(keys.map((key) => [Buffer.from(key).toString("hex"), key])).values(),
  ];
  changes.chain("input", { number: NF_INET.LOCAL_IN, priority: PRIORITY.in, policy: NF.ACCEPT });
  changes.rule("input", OURS);
  VERSIONS.forEach(({ protocol, bytes, destination, nft }, index) => {
    const at = (door: Door) => v4Of(door.own.bytes);
    const named = doors.filter((door) => !isAny(door) && at(door).length === bytes);
    const any = doors.filter(
      (door) => isAny(door) && (door.own.bytes.length === bytes || (bytes === 4 && !door.v6only)),
    );
    const address: Field = { base: "NETWORK_HEADER", offset: destination, length: bytes };
    const to: Field = { base: "TRANSPORT_HEADER", offset: 2, length: 2 };
    const [one, all] = [`named${index}`, `any${index}`];
    const keys = named.map((door) => Buffer.concat([at(door), port(door.own)]));
    changes.set(one, 2 * index + 1, (nft << 6) | NFT_PORT, bytes + 4, unique(keys));
    changes.set(all, 2 * index + 2, NFT_PORT, 4, unique(any.map((door) => port(door.own))));
    for (const flags of SYN) {
      const asks = [
        ...protocols(protocol, IPPROTO.TCP),
        ...holds({ base: "TRANSPORT_HEADER", offset: 13, length: 1 }, Uint8Array.of(flags)),
      ];
      changes.rule("input", [...asks, ...inSet(one, [address, to]), verdict(NF.DROP)]);
      changes.rule("input", [...asks, ...inSet(all, [to]), verdict(NF.DROP)]);
    }
  });
  return changes;
}

/** Who made a table: pid, when it began (clock ticks), its pid namespace. */
function comment(): string {
  return `${COMMENT} ${process.pid} ${beginOf(process.pid)} ${pidNamespace()}`;
}

function beginOf(pid: number): number | undefined {
  try {
    using dir = new ProcDir(pid);
    return parseStat(dir.text("stat")).starttime;
  } catch {
    return undefined;
  }
}

const pidNamespace = () => readlinkSync("/proc/self/ns/pid");

const NO_NFTABLES = new Set(["EPROTONOSUPPORT", "EAFNOSUPPORT", "EOPNOTSUPP", "EINVAL", "ENOENT"]);

/** Is it what a kernel says that has no nf_tables, or not what was asked for? */
export function isWithout(error: unknown): boolean {
  return error instanceof CrError && NO_NFTABLES.has(error.code);
}

function lockError(error: unknown): unknown {
  if (!(error instanceof CrError)) return error;
  const remedy = NO_NFTABLES.has(error.code)
    ? "load nf_tables (nf_tables, nf_tables_inet), or hold the packets back yourself and pass --network-lock skip"
    : "hold the packets back yourself and pass --network-lock skip";
  return new CrError("cannot lock the network", { code: error.code, cause: error, remedy });
}

function openTables(fd: number | undefined): NfTables {
  try {
    return new NfTables(fd);
  } catch (error) {
    throw lockError(error);
  }
}

let count = 0;

/** A lock that lasts as long as this object, and as long as somebody has its socket open: at most until we die. */
export class NetworkLock implements Disposable {
  readonly #tables: NfTables;
  readonly #name = `tscriu-${process.pid}-${++count}`;
  #isGone = false;

  private constructor(make: (name: string) => TableChanges, fd?: number) {
    this.#tables = openTables(fd);
    try {
      this.#tables.change("cannot make a table of nf_tables", make(this.#name));
    } catch (error) {
      this.#tables[Symbol.dispose]();
      throw lockError(error);
    }
  }

  /** Holds these connections' packets back. Errors: CrError that knows the way without. */
  static ofConnections(connections: readonly Ends[], fd?: number): NetworkLock {
    return new NetworkLock((name) => forConnections(name, NFT_TABLE_F.OWNER, connections), fd);
  }

  /** Holds back those who ask for a connection. */
  static ofDoors(doors: readonly Door[]): NetworkLock {
    return new NetworkLock((name) => forDoors(name, doors));
  }

  /** The netlink socket, for `requestOf`. */
  get fd(): number {
    return this.#tables.link.fd;
  }

  /** A datagram for the lock's socket that removes it. */
  get removal(): Uint8Array {
    return this.#tables.link.encodeBatch(new TableChanges(this.#name).remove().batch);
  }

  /** A datagram for the lock's socket that removes a lock which waits for a restore. */
  removalOf(kept: KeptLock): Uint8Array {
    return this.#tables.link.encodeBatch(new TableChanges(kept.name).remove().batch);
  }

  /** A datagram for the lock's socket: a lock waits for a restore from now on, whatever becomes of us. */
  keeping(kept: KeptLock): Uint8Array {
    return this.#tables.link.encodeBatch(new TableChanges(kept.name).chain(KEPT).batch);
  }

  /** Again, it does nothing: who takes a lock back by and by may fail later, and takes back everything. */
  [Symbol.dispose](): void {
    if (this.#isGone) return;
    this.#isGone = true;
    try {
      removeIfThere(this.#tables, this.#name);
    } finally {
      this.#tables[Symbol.dispose]();
    }
  }
}

function removeIfThere(tables: NfTables, name: string): boolean {
  try {
    tables.change("cannot remove a table of nf_tables", new TableChanges(name).remove());
    return true;
  } catch (error) {
    if (error instanceof CrError && error.code === "ENOENT") return false;
    throw error;
  }
}

/** Letters of a table's name that CRIU has room for: it looks for no longer ones. */
const NAME_SIZE = 26;

/** A lock between a dump and the restore of its images. CRIU's has the same name. */
export class KeptLock {
  readonly name: string;

  /** @param runId dump_criu_run_id of the inventory */
  constructor(runId: string) {
    this.name = `CRIU-${runId}`.slice(0, NAME_SIZE);
  }

  /** Makes it. Until `NetworkLock.keeping` is sent, it counts as ours, and goes when somebody finds us dead. */
  lockConnections(connections: readonly Ends[], fd?: number): void {
    using tables = new NfTables(fd);
    try {
      tables.change("cannot make a table of nf_tables", forConnections(this.name, 0, connections));
    } catch (error) {
      throw lockError(error);
    }
  }

  /** Removes it: false when there is none. */
  remove(fd?: number): boolean {
    try {
      using tables = new NfTables(fd);
      return removeIfThere(tables, this.name);
    } catch (error) {
      if (isWithout(error)) return false;
      throw error;
    }
  }
}

/**
 * Removes what dead ones left: locks whose maker is gone, and that do not wait for a restore.
 * @returns names of the tables
 */
export function removeStaleLocks(fd?: number): string[] {
  try {
    using tables = new NfTables(fd);
    return tables
      .tables()
      .filter(({ name, comment, flags }) => !(flags & NFT_TABLE_F.OWNER) && isStale(comment) && !isKept(tables, name))
      .filter(({ name }) => removeIfThere(tables, name))
      .map(({ name }) => name);
  } catch (error) {
    if (isWithout(error)) return [];
    throw error;
  }
}

function isStale(comment: string | undefined): boolean {
  const [who, pid, begin, namespace] = comment?.split(" ") ?? [];
  return who === COMMENT && namespace === pidNamespace() && String(beginOf(Number(pid))) !== begin;
}

function isKept(tables: NfTables, name: string): boolean {
  return tables.chains(name).includes(KEPT);
}
