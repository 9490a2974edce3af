/**
 * Urgent data of TCP (MSG_OOB): one byte of the stream, which the program takes from its queue before its turn, or in line with the
 * others. A peek stops in front of it, and another one goes on from there (SO_PEEK_OFF; for TCP since 6.9).
 */
import { CrError, type Subject } from "../error.ts";
import { ERRNO } from "../kernel/errno.ts";
import { ioctlInt } from "../kernel/fd.ts";
import { getNumber, tryReceive, trySetNumber } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { SIOCINQ } from "../kernel/uapi/ioctl.ts";
import { MSG, SO, SOL } from "../kernel/uapi/socket.ts";
import type { Ends } from "./network-lock.ts";
import { isAtMark } from "./queue.ts";
import { FLAG, inject } from "./tcp-packet.ts";
import { sequenceOf, setWindow } from "./tcp-repair.ts";

const EINVAL = -(ERRNO.EINVAL ?? 22);
const PEEK = MSG.PEEK | MSG.DONTWAIT;
/** Bytes of a segment of ours: whatever the loopback takes. */
const SEGMENT = 1200;
/** Milliseconds until it must have come. */
const PATIENCE = 20_000;

/** Can what lies behind urgent data be read on this kernel? */
export function canReadUrgent(fd: number): boolean {
  return getNumber(fd, SOL.SOCKET, SO.PEEK_OFF) !== undefined;
}

/** A queue with its urgent byte among the others. */
export interface Urgent {
  readonly bytes: Uint8Array;
  /** Place of the urgent byte. */
  readonly at: number;
  /** The program has taken it before its turn. */
  readonly isTaken: boolean;
}

function peek(fd: number, size: number): Uint8Array {
  const got = tryReceive(fd, new Uint8Array(size), PEEK);
  return typeof got === "number" ? new Uint8Array(0) : got.bytes;
}

/** Undefined when there is none, or the byte itself has not come yet. The program's options are as before when it returns. */
export function readUrgent(fd: number): Urgent | undefined {
  const inline = getNumber(fd, SOL.SOCKET, SO.OOBINLINE) ?? 0;
  const place = getNumber(fd, SOL.SOCKET, SO.PEEK_OFF) ?? -1;
  const byte = inline === 0 ? tryReceive(fd, new Uint8Array(1), PEEK | MSG.OOB) : 0;
  const isFirst = isAtMark(fd);
  try {
    trySetNumber(fd, SOL.SOCKET, SO.OOBINLINE, 1);
    const total = ioctlInt(fd, SIOCINQ);
    trySetNumber(fd, SOL.SOCKET, SO.PEEK_OFF, 0);
    const head = isFirst ? new Uint8Array(0) : peek(fd, total);
    trySetNumber(fd, SOL.SOCKET, SO.PEEK_OFF, head.length);
    const rest = peek(fd, total);
    if (rest.length === 0 || head.length + rest.length !== total) return undefined;
    return { bytes: Buffer.concat([head, rest]), at: head.length, isTaken: byte === EINVAL };
  } finally {
    trySetNumber(fd, SOL.SOCKET, SO.PEEK_OFF, place);
    trySetNumber(fd, SOL.SOCKET, SO.OOBINLINE, inline);
  }
}

/**
 * Has the rest of a queue come from the peer, in repair mode: its first byte is urgent.
 * @param after the sequence number behind it
 */
export function feedUrgent(
  fd: number,
  rest: Uint8Array,
  isTaken: boolean,
  place: {
    readonly ends: Ends;
    readonly scope: number;
    readonly after: number;
    readonly acknowledged: number;
    readonly key: Uint8Array | undefined;
  },
  subject: Subject,
): void {
  const { ends, scope, after, acknowledged, key } = place;
  const first = (after - rest.length) >>> 0;
  const room = Math.max(0xffff, 2 * rest.length);
  setWindow(fd, { snd_wl1: first, snd_wnd: 0, max_window: 0xffff, rcv_wnd: room, rcv_wup: first }, subject);
  for (let at = 0; at < rest.length; at += SEGMENT) {
    const payload = rest.subarray(at, at + SEGMENT);
    const flags = FLAG.ACK | FLAG.PSH | (at === 0 ? FLAG.URG : 0);
    inject(ends, { flags, sequence: first + at, acknowledged, payload, urgent: at === 0 ? 1 : 0, key }, scope, subject);
    until(fd, (first + at + payload.length) >>> 0, subject);
  }
  if (isTaken) check(tryOne(fd), "cannot take the urgent byte of a TCP connection", subject);
}

function tryOne(fd: number): number {
  const got = tryReceive(fd, new Uint8Array(1), MSG.OOB | MSG.DONTWAIT);
  return typeof got === "number" ? got : 0;
}

function until(fd: number, sequence: number, subject: Subject): void {
  const late = performance.now() + PATIENCE;
  while (sequenceOf(fd, "RECV", subject) !== sequence) {
    if (performance.now() > late) {
      throw new CrError("urgent data of ours does not come to a TCP connection", {
        code: "ETIMEDOUT",
        subject,
        remedy: "let packets of the mark 0xc114 pass the firewall",
      });
    }
    Bun.sleepSync(0.2);
  }
}
