/**
 * TCP connections at restore: made in repair mode, behind the lock, without a packet to anybody. They wake, all at once, in one
 * go with the tree's first step.
 */

import { CrError, type Subject } from "../error.ts";
import type { FileRestore } from "../file/kind.ts";
import type { InetSkEntry, TcpStreamEntry } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { F } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { type InetAddress, inetAddress, tryBind, tryConnect, trySetNumber, tryShutdown } from "../kernel/socket.ts";
import type { Call } from "../kernel/standby.ts";
import { check } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { IPPROTO, TCP, TCP_QUEUE, TCP_STATE } from "../kernel/uapi/inet.ts";
import { MSG, SHUT, SOL } from "../kernel/uapi/socket.ts";
import { fromHere, isHere, perPlace } from "./elsewhere.ts";
import { flowOf } from "./flow-labels.ts";
import { addressWords, bytesOf } from "./inet-address.ts";
import { type Ends, KeptLock, NetworkLock, removeStaleLocks } from "./network-lock.ts";
import { isLocked, removeOthersLock } from "./others-lock.ts";
import { keyOf } from "./tcp-md5.ts";
import { awaitState, FLAG, inject, type Segment } from "./tcp-packet.ts";
import { pendingEnds, returnPending } from "./tcp-pending.ts";
import { fill, widen, write } from "./tcp-queue.ts";
import {
  callsOff,
  callsOn,
  OPTION,
  optionCall,
  recomputeSegments,
  repairOff,
  repairOn,
  selectQueue,
  setAgreed,
  setSequence,
  setTimestamp,
  setWindow,
  type Window,
  windowCall,
} from "./tcp-repair.ts";
import { feedUrgent } from "./tcp-urgent.ts";

const EADDRINUSE = -(ERRNO.EADDRINUSE ?? 98);
const EADDRNOTAVAIL = -(ERRNO.EADDRNOTAVAIL ?? 99);

const { ESTABLISHED, SYN_SENT, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK, CLOSING } = TCP_STATE;
const CONNECTED: ReadonlySet<number> = new Set([ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK, CLOSING]);
/** States in which the peer has said that it sends nothing more, and those in which we have. */
const PEER_ENDED: ReadonlySet<number> = new Set([CLOSE_WAIT, LAST_ACK, CLOSING]);
const WE_ENDED: ReadonlySet<number> = new Set([FIN_WAIT1, FIN_WAIT2, LAST_ACK, CLOSING]);

type Stream = TcpStreamEntry & { extra: { inq: Uint8Array; outq: Uint8Array } };

/** A connection, or an attempt at one. */
export function isTcpConnection(entry: InetSkEntry): boolean {
  return entry.proto === IPPROTO.TCP && (CONNECTED.has(entry.state) || entry.state === SYN_SENT);
}

function endsOf(entry: InetSkEntry): { own: InetAddress; peer: InetAddress } {
  const { family } = entry;
  const own = { family, bytes: bytesOf(entry.src_addr, family), port: entry.src_port, scope: 0 };
  return { own, peer: { family, bytes: bytesOf(entry.dst_addr, family), port: entry.dst_port, scope: 0 } };
}

function connectionWords(entry: InetSkEntry): string {
  const { own, peer } = endsOf(entry);
  return `${addressWords(own)} -> ${addressWords(peer)}`;
}

interface Revived {
  readonly fd: number;
  readonly reuse: boolean;
  /** Set when it wakes: until then nothing that was not sent may go. */
  readonly window: Window | undefined;
  /** There is something to send that nothing else would set going. */
  readonly push: boolean;
  readonly nodelay: boolean;
}

function endsHere(restore: FileRestore): Ends[] {
  const sockets = [...restore.entries.values()].flatMap(({ isk }) => (isk && isHere(isk, restore) ? [isk] : []));
  return [...sockets.filter(isTcpConnection).map(endsOf), ...sockets.flatMap(pendingEnds)];
}

/** The connections of one restore that are in the network namespace in which it is made. */
class Connections {
  readonly #revived: Revived[] = [];
  readonly #attempts: Call[] = [];
  readonly #lock: NetworkLock | undefined;

  constructor(readonly restore: FileRestore) {
    const ends = endsHere(restore);
    if (isLocked(restore)) this.#lock = this.#takeLock(ends);
    const there = fromHere(restore);
    restore.atRelease(() => {
      there(() => removeOthersLock(ends, restore));
      return this.#wake();
    });
  }

  #takeLock(ends: readonly Ends[]): NetworkLock {
    const { log } = this.restore;
    const stale = removeStaleLocks();
    if (stale.length > 0) log.info(`Removed the network lock of a run that is gone: ${stale.join(" ")}`);
    const lock = NetworkLock.ofConnections(ends);
    this.restore.atDispose(() => lock[Symbol.dispose]());
    return lock;
  }

  add(revived: Revived): void {
    this.#revived.push(revived);
  }

  /** Connects, once the tree wakes. */
  attempt(fd: number, address: Uint8Array, flags: number): void {
    const set = (value: number): Call => ({ nr: NR.fcntl, args: [fd, F.SETFL, value] });
    this.#attempts.push(set(flags | O.NONBLOCK), { nr: NR.connect, args: [fd, address, address.length] }, set(flags));
  }

  #wake(): readonly Call[] {
    const unlock: Call[] = [];
    const runId = this.restore.images.inventory.dump_criu_run_id;
    if (this.#lock) {
      const { fd } = this.#lock;
      const send = (datagram: Uint8Array): Call => ({
        nr: NR.sendto,
        args: [fd, datagram, datagram.length, MSG.DONTWAIT, 0, 0],
      });
      if (runId !== undefined) unlock.push(send(this.#lock.removalOf(new KeptLock(runId))));
      unlock.push(send(this.#lock.removal));
    }
    const windows = this.#revived.flatMap(({ fd, window }) => (window ? [windowCall(fd, window)] : []));
    const pushes = this.#revived
      .filter(({ push }) => push)
      .flatMap(({ fd, nodelay }) =>
        (nodelay ? [1] : [1, 0]).map((value) => optionCall(fd, SOL.TCP, TCP.NODELAY, Int32Array.of(value))),
      );
    // out of repair mode before the lock goes, which takes long: if we die now the tasks run, and must find their sockets in order.
    // What the peers are to be asked would be lost then: that is done once more behind the lock
    const ask = [...callsOn(this.#revived.map(({ fd }) => fd)), ...callsOff(this.#revived, true)];
    const asked = unlock.length > 0 ? ask : [];
    const off = callsOff(this.#revived, unlock.length === 0);
    return [...windows, ...off, ...unlock, ...asked, ...pushes, ...this.#attempts];
  }
}

/** Connections that come back closed: nobody waits for the lock that the dump left any more. */
const forgotten = perPlace((restore: FileRestore) => {
  const ends = endsHere(restore);
  const there = fromHere(restore);
  restore.atRelease(() => {
    there(() => {
      removeOthersLock(ends, restore);
      const runId = restore.images.inventory.dump_criu_run_id;
      if (runId !== undefined && isLocked(restore)) new KeptLock(runId).remove();
    });
    return [];
  });
  return true;
});

export function forgetConnections(restore: FileRestore): void {
  forgotten(restore);
}

const connections = perPlace((restore: FileRestore) => new Connections(restore));

/** Refuses connections that nobody gave leave to restore. */
export function checkConnection(entry: InetSkEntry, restore: Pick<FileRestore, "options">): void {
  const { tcpEstablished, tcpClose } = restore.options;
  const isPending = entry.tscriu_pending.length > 0;
  if (!(isTcpConnection(entry) || isPending) || tcpEstablished || tcpClose) return;
  const words = isPending ? "TCP connections that wait to be accepted" : `the TCP connection ${connectionWords(entry)}`;
  throw new CrError(`the images hold ${words}`, {
    code: "UNSUPPORTED",
    subject: { file: entry.id },
    remedy: "pass --tcp-established to restore too, or --tcp-close to bring it back closed",
  });
}

/** Has the connections that waited at a listener wait there again. */
export function restorePending(fd: number, entry: InetSkEntry, scope: number, restore: FileRestore): void {
  if (restore.options.tcpClose) forgetConnections(restore);
  else {
    connections(restore);
    returnPending(fd, entry, scope, restore);
  }
}

/** Turns a fresh socket into the connection. @param scope index of the interface, for link-local addresses */
export function reviveConnection(fd: number, entry: InetSkEntry, scope: number, restore: FileRestore): void {
  const subject: Subject = { file: entry.id, connection: connectionWords(entry) };
  const run = connections(restore);
  const stream: Stream = restore.images.one("TCP_STREAM", entry.ino);
  if (entry.state === SYN_SENT) {
    prepareAttempt(fd, entry, scope, stream, run, subject);
    return;
  }
  checkStream(entry, stream, subject);
  place(fd, entry, scope, stream, restore, subject);
  const { opt_mask: mask, snd_wscale: sndWscale, rcv_wscale: rcvWscale = 0, mss_clamp: mss } = stream;
  setAgreed(fd, { mask, sndWscale, rcvWscale, mss }, subject);
  if (mask & OPTION.TIMESTAMPS && stream.timestamp !== undefined) setTimestamp(fd, stream.timestamp, subject);
  widen(fd, stream.inq_len, stream.outq_len);
  const window = windowIn(stream);
  const unsent = stream.unsq_len ?? 0;
  fill(fd, "RECV", stream.extra.inq.subarray(0, stream.tscriu_urgent), subject);
  fill(fd, "SEND", stream.extra.outq.subarray(0, stream.outq_len - unsent), subject);
  end(fd, entry, scope, stream, subject);
  selectNone(fd, subject);
  if (window && unsent === 0) setWindow(fd, window, subject);
  recomputeSegments(fd);
  const [reuse, nodelay] = [entry.opts.reuseaddr ?? false, entry.tcp_opts?.nodelay ?? false];
  run.add({ fd, reuse, nodelay, window: unsent > 0 ? window : undefined, push: unsent > 0 && !entry.tcp_opts?.cork });
}

function checkStream({ state }: InetSkEntry, stream: Stream, subject: Subject): void {
  const { inq_len, outq_len, unsq_len = 0, extra, snd_wscale, rcv_wscale = 0 } = stream;
  const isRight = extra.inq.length === inq_len && extra.outq.length === outq_len && unsq_len <= outq_len;
  if (isRight && snd_wscale <= 14 && rcv_wscale <= 14 && CONNECTED.has(state)) return;
  throw new CrError("the state of a TCP connection in the images makes no sense", { code: "BAD_IMAGE", subject });
}

/** Binds and connects, in repair mode: no packet leaves. */
function place(
  fd: number,
  entry: InetSkEntry,
  scope: number,
  stream: Stream,
  restore: FileRestore,
  subject: Subject,
): void {
  const { own, peer } = endsOf(entry);
  repairOn(fd, subject);
  checkAddress(tryBind(fd, inetAddress({ ...own, scope })), entry, "bind", subject);
  const [start, first] = starts(entry, stream);
  setSequence(fd, "RECV", start, subject);
  setSequence(fd, "SEND", first, subject);
  checkAddress(tryConnect(fd, inetAddress({ ...peer, scope, flow: flowOf(entry) })), entry, "connect", subject);
  restore.log.debug(`Revived ${connectionWords(entry)}`);
}

/** Sequence numbers of the first byte in each queue. An end takes one number. */
function starts({ state }: InetSkEntry, { inq_seq, inq_len, outq_seq, outq_len }: Stream): [number, number] {
  return [
    (inq_seq - inq_len - (PEER_ENDED.has(state) ? 1 : 0)) >>> 0,
    (outq_seq - outq_len - (WE_ENDED.has(state) ? 1 : 0)) >>> 0,
  ];
}

function checkAddress(result: number, entry: InetSkEntry, step: "bind" | "connect", subject: Subject): void {
  const { own, peer } = endsOf(entry);
  if (result === EADDRINUSE || (result === EADDRNOTAVAIL && step === "connect")) {
    throw new CrError(`the TCP connection ${addressWords(own)} -> ${addressWords(peer)} is in use`, {
      code: "EADDRINUSE",
      subject: { file: entry.id },
      remedy: "end whoever has it (ss -tnp), or pass --tcp-close to bring it back closed",
    });
  }
  if (result === EADDRNOTAVAIL) {
    throw new CrError(`this machine does not have the address ${addressWords(own)} of a TCP connection`, {
      code: "EADDRNOTAVAIL",
      subject: { file: entry.id, peer: addressWords(peer) },
      remedy: "give the address to an interface first (ip address add), or pass --tcp-close to bring it back closed",
    });
  }
  check(result, `cannot ${step} a TCP socket`, subject);
}

function windowIn(stream: Stream): Window | undefined {
  const { snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup } = stream;
  if (snd_wl1 === undefined || snd_wnd === undefined || max_window === undefined) return undefined;
  if (rcv_wnd === undefined || rcv_wup === undefined) return undefined;
  return { snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup };
}

function selectNone(fd: number, subject: Subject): void {
  check(trySetNumber(fd, SOL.TCP, TCP.REPAIR_QUEUE, TCP_QUEUE.NONE), "cannot leave a queue of a TCP socket", subject);
}

/** What was not sent yet, and the ends of both directions. */
function end(fd: number, entry: InetSkEntry, scope: number, stream: Stream, subject: Subject): void {
  const { state } = entry;
  const unsent = stream.extra.outq.subarray(stream.outq_len - (stream.unsq_len ?? 0));
  const ends = endsOf(entry);
  const heard = (stream.inq_seq - (PEER_ENDED.has(state) ? 1 : 0)) >>> 0;
  const acknowledged = (stream.outq_seq - stream.outq_len - (WE_ENDED.has(state) ? 1 : 0)) >>> 0;
  if (stream.tscriu_urgent !== undefined) {
    const place = { ends, scope, after: heard, acknowledged, key: keyOf(entry, ends.peer.bytes) };
    feedUrgent(fd, stream.extra.inq.subarray(stream.tscriu_urgent), stream.tscriu_taken ?? false, place, subject);
  }
  // open for our own packets, and shut for data of ours
  const narrow = { snd_wl1: heard, snd_wnd: 0, max_window: 0xffff, rcv_wnd: 0xffff, rcv_wup: heard };
  setWindow(fd, { ...narrow, max_window: stream.max_window ?? 0xffff }, subject);
  const hear = (segment: Segment, becomes: number): void => {
    inject(ends, { ...segment, key: keyOf(entry, ends.peer.bytes) }, scope, subject);
    awaitState(fd, becomes, subject);
  };
  const peerEnds = (becomes: number) => hear({ flags: FLAG.FIN | FLAG.ACK, sequence: heard, acknowledged }, becomes);
  const shut = () => check(tryShutdown(fd, SHUT.WR), "cannot end a TCP connection", subject);
  if (state === CLOSE_WAIT || state === LAST_ACK) peerEnds(CLOSE_WAIT);
  if (unsent.length > 0) {
    // Outside of repair mode, where it is not taken for sent; the window is shut.
    setWindow(fd, { ...narrow, snd_wl1: heard, rcv_wup: heard, max_window: stream.max_window ?? 0xffff }, subject);
    repairOff(fd, false);
    write(fd, unsent, subject);
    if (WE_ENDED.has(state)) shut();
    repairOn(fd, subject);
  } else if (WE_ENDED.has(state)) {
    selectQueue(fd, "SEND", subject);
    shut();
  }
  if (state === CLOSING) peerEnds(CLOSING);
  if (state === FIN_WAIT2) hear({ flags: FLAG.ACK, sequence: heard, acknowledged: stream.outq_seq }, FIN_WAIT2);
}

/** A connection that was being made is made again, from the same place and with the same number, when the tree wakes. */
function prepareAttempt(
  fd: number,
  entry: InetSkEntry,
  scope: number,
  stream: Stream,
  run: Connections,
  subject: Subject,
): void {
  const { own, peer } = endsOf(entry);
  repairOn(fd, subject);
  checkAddress(tryBind(fd, inetAddress({ ...own, scope })), entry, "bind", subject);
  setSequence(fd, "SEND", stream.outq_seq - 1, subject);
  repairOff(fd, false);
  run.attempt(fd, inetAddress({ ...peer, scope, flow: flowOf(entry) }), entry.flags);
}
