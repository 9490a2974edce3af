/** TCP sockets whose connection is over, or was refused: what nobody has read yet, and the error that nobody was told. */
import type { Subject } from "../error.ts";
import type { FileDump, FileRestore, OpenFile } from "../file/kind.ts";
import type { InetSkEntry, TcpStreamEntry } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, F, fcntl, POLL, pollNow } from "../kernel/fd.ts";
import {
  getNumber,
  type InetAddress,
  inetAddress,
  makeSocket,
  ownAddress,
  parseInetAddress,
  tryBind,
  tryConnect,
} from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { IPPROTO, TCP_STATE } from "../kernel/uapi/inet.ts";
import { SO, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { bytesOf } from "./inet-address.ts";
import { awaitState, FLAG, inject } from "./tcp-packet.ts";
import { fill, readReceived, widen } from "./tcp-queue.ts";
import { infoOf, repairOff, repairOn, setSequence, setWindow } from "./tcp-repair.ts";

const EADDRNOTAVAIL = -(ERRNO.EADDRNOTAVAIL ?? 99);
const EINPROGRESS = -(ERRNO.EINPROGRESS ?? 115);
const ECONNRESET = ERRNO.ECONNRESET ?? 104;
const ECONNREFUSED = ERRNO.ECONNREFUSED ?? 111;
/** Ports to try for a peer that never existed. */
const PEER_PORTS = 4096;

/** Writes what is left of a connection. The kernel does not say which error waits without forgetting it: we guess. */
export function dumpEnded(file: OpenFile, dump: FileDump): void {
  const fd = file.dup;
  const info = infoOf(fd);
  const isFailed = (pollNow(fd, POLL.ERR) & POLL.ERR) !== 0;
  const never = info?.receiveSpace === 0;
  if (info === undefined || (never && !isFailed)) return;
  const inq = readReceived(fd, { pid: file.pid, fd: file.fd, path: file.link });
  const nothing = { inq_seq: inq.length, outq_len: 0, outq_seq: 0, opt_mask: 0, snd_wscale: 0, mss_clamp: 536 };
  const stream: TcpStreamEntry & { extra: { inq: Uint8Array; outq: Uint8Array } } = {
    inq_len: inq.length,
    ...nothing,
    extra: { inq, outq: new Uint8Array(0) },
  };
  if (isFailed) stream.tscriu_error = never ? ECONNREFUSED : ECONNRESET;
  if (never) stream.tscriu_never = true;
  dump.images.write("TCP_STREAM", file.stat.ino, [stream]);
}

/**
 * Brings such a socket back: a connection lives for a moment, with nobody, and is reset; a call is made where nobody listens.
 * @returns false when the images hold nothing of that kind: the socket is left alone
 */
export function reviveEnded(fd: number, entry: InetSkEntry, scope: number, restore: FileRestore): boolean {
  const [stream] = restore.images.read("TCP_STREAM", entry.ino);
  if (stream === undefined) return false;
  const subject: Subject = { file: entry.id };
  const { family } = entry;
  const bound = { family, bytes: bytesOf(entry.src_addr, family), port: entry.src_port, scope };
  const isAny = bound.bytes.every((byte) => byte === 0);
  // In repair mode a port is shared with whoever has it: a listener, the remains of other connections.
  repairOn(fd, subject);
  if (!isAny || bound.port !== 0) check(tryBind(fd, inetAddress(bound)), "cannot bind a TCP socket", subject);
  const place = isAny ? { ...bound, bytes: loopbackOf(bound.bytes.length) } : bound;
  if (stream.tscriu_never) beRefused(fd, place, subject);
  else beReset(fd, place, stream.extra.inq, subject);
  if (stream.tscriu_error === undefined) getNumber(fd, SOL.SOCKET, SO.ERROR);
  return true;
}

function beReset(fd: number, place: InetAddress, received: Uint8Array, subject: Subject): void {
  setSequence(fd, "RECV", 0, subject);
  const peer = connectToNobody(fd, place, subject);
  const own = parseInetAddress(ownAddress(fd)) ?? place;
  widen(fd, received.length, 0);
  fill(fd, "RECV", received, subject);
  const heard = received.length;
  setWindow(fd, { snd_wl1: heard, snd_wnd: 0, max_window: 0xffff, rcv_wnd: 0xffff, rcv_wup: heard }, subject);
  inject({ own, peer }, { flags: FLAG.RST, sequence: heard, acknowledged: 0 }, place.scope, subject);
  awaitState(fd, TCP_STATE.CLOSE, subject);
  repairOff(fd, false);
}

function connectToNobody(fd: number, own: InetAddress, subject: Subject): InetAddress {
  for (let port = 1; ; port++) {
    const peer = { ...own, port };
    const result = tryConnect(fd, inetAddress(peer));
    if (result === 0) return peer;
    if (result !== EADDRNOTAVAIL || port === PEER_PORTS) check(result, "cannot connect a TCP socket", subject);
  }
}

/** Calls a port that somebody has and at which nobody listens. */
function beRefused(fd: number, place: InetAddress, subject: Subject): void {
  const deaf = makeSocket(place.family, SOCK.STREAM, IPPROTO.TCP, subject);
  try {
    check(tryBind(deaf, inetAddress({ ...place, port: 0 })), "cannot bind a TCP socket", subject);
    repairOff(fd, false);
    fcntl(fd, F.SETFL, O.NONBLOCK, "cannot set a socket's flags", subject);
    const result = tryConnect(fd, ownAddress(deaf));
    if (result !== EINPROGRESS) check(result, "cannot connect a TCP socket", subject);
    awaitState(fd, TCP_STATE.CLOSE, subject);
  } finally {
    closeFd(deaf);
  }
}

function loopbackOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(length === 4 ? [127, 0, 0, 1] : [1], length === 4 ? 0 : 15);
  return bytes;
}
