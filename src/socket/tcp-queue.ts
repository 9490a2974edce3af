/** The bytes in a TCP socket's queues, read without taking them, and put into a socket in repair mode. */
import { CrError, type Subject } from "../error.ts";
import { ioctlInt } from "../kernel/fd.ts";
import { tryReceive, trySend, trySetNumber } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { SIOCINQ } from "../kernel/uapi/ioctl.ts";
import { MSG, SO, SOL } from "../kernel/uapi/socket.ts";
import { FromFront } from "./queue.ts";
import { type Queue, selectQueue } from "./tcp-repair.ts";

/** A segment of which a part is acknowledged stays whole in the queue: at most this much too much is read, bytes. */
const ACKNOWLEDGED = 128 * 1024;
/** Bytes that are put into a queue at once. */
const CHUNK = 64 * 1024;
const MOST = 0x3fff_ffff;

function peek(fd: number, size: number, subject: Subject): Uint8Array {
  const got = tryReceive(fd, new Uint8Array(new ArrayBuffer(size)), MSG.PEEK | MSG.DONTWAIT);
  if (typeof got !== "number") return got.bytes;
  check(got, "cannot read the queue of a TCP socket", subject);
  return new Uint8Array(0);
}

/** Bytes that wait to be read by the program. */
export function readReceived(fd: number, subject: Subject): Uint8Array {
  const length = Math.max(0, ioctlInt(fd, SIOCINQ));
  if (length === 0) return new Uint8Array(0);
  using _front = new FromFront(fd);
  return peek(fd, length, subject);
}

/** Bytes that the peer has not acknowledged, in repair mode. */
export function readSent(fd: number, length: number, subject: Subject): Uint8Array {
  if (length === 0) return new Uint8Array(0);
  selectQueue(fd, "SEND", subject);
  const bytes = peek(fd, length + ACKNOWLEDGED, subject);
  return bytes.subarray(Math.max(0, bytes.length - length));
}

/** Room for the queues; `applyOptions` gives the buffers their sizes later. */
export function widen(fd: number, received: number, sent: number): void {
  for (const [name, force, bytes] of [
    [SO.RCVBUF, SO.RCVBUFFORCE, received],
    [SO.SNDBUF, SO.SNDBUFFORCE, sent],
  ] as const) {
    const size = Math.min(MOST, bytes * 4 + (1 << 20));
    if (trySetNumber(fd, SOL.SOCKET, force, size) < 0) trySetNumber(fd, SOL.SOCKET, name, size);
  }
}

/** Puts bytes into a queue, in repair mode: what goes into the send queue counts as sent. */
export function fill(fd: number, queue: Queue, bytes: Uint8Array, subject: Subject): void {
  if (bytes.length === 0) return;
  selectQueue(fd, queue, subject);
  write(fd, bytes, subject);
}

export function write(fd: number, bytes: Uint8Array, subject: Subject): void {
  for (let at = 0; at < bytes.length; ) {
    const message = { bytes: bytes.subarray(at, at + CHUNK), rights: [], credentials: undefined };
    const put = check(trySend(fd, message), "cannot fill the queue of a TCP connection", { ...subject, bytes: at });
    if (put === 0) throw new CrError("the queue of a TCP connection takes no more", { subject });
    at += put;
  }
}
