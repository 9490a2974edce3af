/** TCP connections at dump: all of them are locked, then read one after the other; none is in repair mode for longer. */
import { CrError, type Subject } from "../error.ts";
import type { FileDump, OpenFile } from "../file/kind.ts";
import { holderWords, outsideHolders } from "../file/outside.ts";
import { perRun } from "../file/per-run.ts";
import { ioctlInt, POLL, pollNow } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { getNumber, tryGetOption, trySetNumber } from "../kernel/socket.ts";
import type { Call } from "../kernel/standby.ts";
import { IPPROTO, TCP, TCP_STATE } from "../kernel/uapi/inet.ts";
import { SIOCINQ } from "../kernel/uapi/ioctl.ts";
import { MSG, SO, SOL } from "../kernel/uapi/socket.ts";
import { byPlace, type Spot } from "./elsewhere.ts";
import { type Ends, KeptLock, NetworkLock, removeStaleLocks } from "./network-lock.ts";
import { kindOfSocket } from "./socket-kind.ts";
import { PendingConnections } from "./tcp-pending.ts";
import { ENDING, readStream, unreadable } from "./tcp-read.ts";
import { callsOff, callsOn, infoOf, isInRepair, optionCall, repairOff } from "./tcp-repair.ts";
import { canReadUrgent, readUrgent } from "./tcp-urgent.ts";

/** States in which there is a connection, or one is being made. */
const CONNECTED: ReadonlySet<number> = new Set([
  TCP_STATE.ESTABLISHED,
  TCP_STATE.SYN_SENT,
  TCP_STATE.FIN_WAIT1,
  TCP_STATE.FIN_WAIT2,
  TCP_STATE.CLOSE_WAIT,
  TCP_STATE.LAST_ACK,
  TCP_STATE.CLOSING,
]);
/** Has our end been sent, or is to be once all else is? */
export function isSendingShut(state: number): boolean {
  return ENDING.has(state) || state === TCP_STATE.FIN_WAIT2;
}

export function isConnection(state: number): boolean {
  return CONNECTED.has(state);
}

/** What keeps a connection from being dumped. */
export function connectionProblem(
  file: OpenFile,
  words: string,
  dump: FileDump,
  subject: Subject,
): CrError | undefined {
  const { tcpEstablished, tcpClose } = dump.options;
  if (!tcpEstablished && !tcpClose) {
    return new CrError(`the TCP connection ${words} cannot be dumped without --tcp-established`, {
      code: "UNSUPPORTED",
      subject,
      remedy: "pass --tcp-established to dump and restore, or --tcp-close to both: then it comes back closed",
    });
  }
  if (tcpClose) return undefined;
  const fail = (why: string, remedy: string) =>
    new CrError(`the TCP connection ${words} cannot be dumped: ${why}`, { code: "UNSUPPORTED", subject, remedy });
  const name = upperProtocol(file.dup);
  if (name !== undefined) {
    const remedy = "let the program close it before the dump, or pass --tcp-close";
    return fail(`the kernel speaks ${name} on it, whose state nobody can read`, remedy);
  }
  const sharers = sharedWith(dump).get(file.link);
  if (sharers !== undefined) {
    const remedy = "have them close it first, or pass --tcp-close";
    return fail(`it is also open in ${holderWords(sharers)}, outside of the tree, and would fail there`, remedy);
  }
  guard(dump);
  const { received = 0n } = infoOf(file.dup) ?? {};
  if (!hasUrgent(file.dup)) {
    if (received > 0n) plain.set(file, received);
    return undefined;
  }
  if (canReadUrgent(file.dup) && readUrgent(file.dup)) return undefined;
  const remedy = "let the program read what waits before the dump, or pass --tcp-close";
  return fail("there is urgent data in its queue (MSG_OOB), and what lies behind it cannot be read", remedy);
}

/** Connections in which nothing was urgent, and the bytes that they had received. */
const plain = new WeakMap<OpenFile, bigint>();

/** Who else has the tree's sockets open: a walk over all of /proc, for trees with connections alone. */
const sharedWith = perRun((dump: FileDump) => {
  const links = dump.held.map(({ file }) => file.link).filter((link) => link.startsWith("socket:["));
  return outsideHolders(new Set(links), dump.pids);
});

function upperProtocol(fd: number): string | undefined {
  const protocol = tryGetOption(fd, SOL.TCP, TCP.ULP, 16);
  if (typeof protocol === "number" || protocol.length === 0) return undefined;
  return Buffer.from(protocol).toString().replace(/\0.*$/s, "");
}

/** Urgent data that waits, or the place of some that was taken: reading ends there, and so does what SIOCINQ counts. */
function hasUrgent(fd: number): boolean {
  if ((pollNow(fd, POLL.PRI) & POLL.PRI) !== 0) return true;
  if ((getNumber(fd, SOL.SOCKET, SO.OOBINLINE) ?? 0) !== 0) return false;
  trySetNumber(fd, SOL.SOCKET, SO.OOBINLINE, 1);
  const all = ioctlInt(fd, SIOCINQ);
  trySetNumber(fd, SOL.SOCKET, SO.OOBINLINE, 0);
  // after the other one: what comes meanwhile makes it larger
  return ioctlInt(fd, SIOCINQ) < all;
}

/** Connections of a run: read once all are known. */
const connections = perRun((_: FileDump): OpenFile[] => []);

/** Remembers a connection for `dumpConnections`. */
export function rememberConnection(file: OpenFile, dump: FileDump): void {
  connections(dump).push(file);
}

interface Held {
  readonly file: OpenFile;
  readonly fd: number;
  /** SO_REUSEADDR, which repair mode changes. */
  readonly reuse: boolean;
}

function hold(file: OpenFile): Held {
  const fd = file.dup;
  if (isInRepair(fd)) repairOff(fd, false);
  return { file, fd, reuse: (getNumber(fd, SOL.SOCKET, SO.REUSEADDR) ?? 0) !== 0 };
}

/** SO_OOBINLINE and SO_PEEK_OFF of sockets, as their programs have them. */
const places = new WeakMap<OpenFile, readonly (number | undefined)[]>();

/** What reading changes for a moment besides repair mode: where the program peeks, and how it gets urgent data. */
function putBack(file: OpenFile): Call[] {
  const fd = file.dup;
  const names = [SO.OOBINLINE, SO.PEEK_OFF];
  const known = places.get(file) ?? names.map((name) => getNumber(fd, SOL.SOCKET, name));
  places.set(file, known);
  return names.flatMap((name, i) => {
    const value = known[i];
    return value === undefined ? [] : [optionCall(fd, SOL.SOCKET, name, Int32Array.of(value))];
  });
}

/** Has that done if we die while the sockets are looked at. */
const guard = perRun((dump: FileDump) => {
  const files = new Set(dump.held.map(({ file }) => file).filter(({ link }) => link.startsWith("socket:[")));
  const isTcp = (file: OpenFile) => kindOfSocket(file).protocol === IPPROTO.TCP;
  dump.beside.renew([...files].filter(isTcp).flatMap(putBack));
  return true;
});

/**
 * Reads all connections that were remembered. Until the dump is over nothing reaches their sockets, and nothing leaves them.
 * @param endsOf the addresses of a connection; undefined when it has ended meanwhile
 * @param write writes what is known of the socket itself, now that it does not change any more
 */
export function dumpConnections(
  dump: FileDump,
  endsOf: (file: OpenFile) => Ends | undefined,
  write: (file: OpenFile) => void,
): void {
  const pending = new PendingConnections(dump);
  const spots = byPlace(connections(dump).splice(0).map(hold), dump).map((spot, i) => ({
    spot,
    pending: i === 0 ? pending : undefined,
    ends: [] as Ends[],
    lock: undefined as NetworkLock | undefined,
  }));
  const held = spots.flatMap(({ spot }) => spot.members);
  if (held.length === 0 && pending.listeners.length === 0) return;
  for (const one of spots) {
    const { spot } = one;
    if (spot.members.length === 0 && !one.pending?.listeners.length) continue;
    spot.at(() => {
      one.ends.push(...spot.members.flatMap(({ file }) => endsOf(file) ?? []));
      const all = [...one.ends, ...(one.pending?.expected ?? [])];
      if (dump.options.networkLock !== "skip") one.lock = lockAll(dump, all);
    });
  }
  const open = [...callsOff(held, false), ...held.flatMap(({ file }) => putBack(file))];
  const undo = () => [...open, ...pending.undo];
  dump.onFailure(() => {
    for (const { fd, reuse } of held) if (isInRepair(fd)) repairOff(fd, reuse);
  });
  dump.beside.renew(open);
  for (const { spot } of spots)
    if (spot.members.length > 0)
      spot.at(() => {
        for (const one of spot.members) read(one, dump, write);
      });
  // last, so that they are away for as short as can be
  pending.take((more) => dump.beside.renew([...undo(), ...more]));
  for (const listener of pending.listeners) write(listener);
  if (dump.options.fate !== "kill") {
    pending.putBack();
    for (const { lock } of spots) lock?.[Symbol.dispose]();
    dump.beside.ifWeDie([]);
    return;
  }
  dump.beforeTheEnd(() => {
    // whoever holds a network of the tree keeps it there, and processes that are none of the tree's in it; else the lock goes with it
    const kept = spots.flatMap(({ spot, lock, ends, pending: waiting }) =>
      lock ? [{ spot, lock, ends: [...ends, ...(waiting?.ends ?? [])] }] : [],
    );
    return farewell(dump, held, undo(), kept);
  });
}

function read({ file, fd, reuse }: Held, dump: FileDump, write: (file: OpenFile) => void): void {
  write(file);
  const subject = { pid: file.pid, fd: file.fd, path: file.link };
  const { state = TCP_STATE.CLOSE, received = 0n } = infoOf(fd) ?? {};
  const isUrgent = plain.get(file) !== received && hasUrgent(fd);
  if (isUrgent && !canReadUrgent(fd)) throw unreadable(subject);
  if (isConnection(state))
    dump.images.write("TCP_STREAM", file.stat.ino, [readStream(fd, reuse, state, subject, isUrgent)]);
}

function lockAll(dump: FileDump, ends: readonly Ends[]): NetworkLock {
  const stale = removeStaleLocks();
  if (stale.length > 0) dump.log.info(`Removed the network lock of a run that is gone: ${stale.join(" ")}`);
  const lock = NetworkLock.ofConnections(ends);
  dump.onFailure(() => lock[Symbol.dispose]());
  return lock;
}

const send = (fd: number, datagram: Uint8Array): Call => ({
  nr: NR.sendto,
  args: [fd, datagram, datagram.length, MSG.DONTWAIT, 0, 0],
});

/** A lock that is to wait for the restore, in its network namespace. */
interface Kept {
  readonly spot: Spot<Held>;
  readonly lock: NetworkLock;
  readonly ends: readonly Ends[];
}

/**
 * The tree is about to end: the locks become ones that wait for the restore. If we die before the end has begun, a process
 * beside us takes that back; once it has begun, that process goes through with it.
 */
function farewell(
  dump: FileDump,
  held: readonly Held[],
  undo: readonly Call[],
  locks: readonly Kept[],
): readonly Call[] {
  const silence = callsOn(held.map(({ fd }) => fd));
  if (locks.length === 0) return silence;
  const kept = new KeptLock(dump.runId);
  dump.beside.ifWeDie([...undo, ...locks.map(({ lock }) => send(lock.fd, lock.removalOf(kept)))]);
  for (const { spot } of locks) dump.onFailure(() => spot.at(() => kept.remove()));
  for (const { spot, ends } of locks) spot.at(() => kept.lockConnections(ends));
  return [...locks.map(({ lock }) => send(lock.fd, lock.keeping(kept))), ...silence];
}
