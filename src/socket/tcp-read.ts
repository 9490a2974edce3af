/** Reads what only repair mode tells of a connection. None is in it for longer than that takes. */
import { CrError, type Subject } from "../error.ts";
import type { TcpStreamEntry } from "../image/schema.gen.ts";
import { ioctlInt } from "../kernel/fd.ts";
import { TCP_STATE } from "../kernel/uapi/inet.ts";
import { SIOCINQ, SIOCOUTQ, SIOCOUTQNSD } from "../kernel/uapi/ioctl.ts";
import { readReceived, readSent } from "./tcp-queue.ts";
import { infoOf, peerMss, repairOff, repairOn, sequenceOf, timestampOf, windowOf } from "./tcp-repair.ts";
import { readUrgent } from "./tcp-urgent.ts";

/** Packets that were under way when the lock came may still change a socket: it is read again, so often. */
const TRIES = 100;
/** States in which our end was sent, and the peer has not acknowledged it yet. */
export const ENDING: ReadonlySet<number> = new Set([TCP_STATE.FIN_WAIT1, TCP_STATE.CLOSING, TCP_STATE.LAST_ACK]);

/** What tcp-stream images hold. */
export type Stream = TcpStreamEntry & { extra: { inq: Uint8Array; outq: Uint8Array } };

/** @param reuse SO_REUSEADDR, which repair mode changes. @param hasUrgent there is urgent data in its queue. Errors: CrError EAGAIN when it does not stand still. */
export function readStream(fd: number, reuse: boolean, state: number, subject: Subject, hasUrgent = false): Stream {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = ioctlInt(fd, SIOCINQ);
    const urgent = hasUrgent ? readUrgent(fd) : undefined;
    const inq = urgent?.bytes ?? readReceived(fd, subject);
    if (inq.length < before || (hasUrgent && urgent === undefined)) throw unreadable(subject);
    const stream = readInRepair(fd, reuse, state, inq, subject);
    const info = infoOf(fd);
    const isStill = info?.state === state && ioctlInt(fd, SIOCINQ) === before;
    if (!isStill || stream === undefined) continue;
    if (urgent) stream.tscriu_urgent = urgent.at;
    if (urgent?.isTaken) stream.tscriu_taken = true;
    return { ...stream, opt_mask: info.mask, snd_wscale: info.sndWscale, rcv_wscale: info.rcvWscale };
  }
  throw new CrError("a TCP connection keeps changing while it is read", {
    code: "EAGAIN",
    subject,
    remedy: "do without --network-lock skip",
  });
}

/** Urgent data keeps what a connection has received from being read. */
export function unreadable(subject: Subject): CrError {
  return new CrError("what a TCP connection has received cannot be read whole: there is urgent data in it (MSG_OOB)", {
    code: "UNSUPPORTED",
    subject,
    remedy: "let the program read what waits before the dump",
  });
}

/** What only repair mode tells, without what both ends agreed on; undefined when the queues changed meanwhile. */
function readInRepair(
  fd: number,
  reuse: boolean,
  state: number,
  inq: Uint8Array,
  subject: Subject,
): Stream | undefined {
  repairOn(fd, subject);
  try {
    const inqSeq = sequenceOf(fd, "RECV", subject);
    const outqSeq = sequenceOf(fd, "SEND", subject);
    const [queued, unsent] = [ioctlInt(fd, SIOCOUTQ), ioctlInt(fd, SIOCOUTQNSD)];
    const end = ENDING.has(state) ? 1 : 0;
    const outqLen = state === TCP_STATE.SYN_SENT ? 0 : Math.max(0, queued - end);
    const outq = readSent(fd, outqLen, subject);
    const window = state === TCP_STATE.SYN_SENT ? undefined : windowOf(fd);
    const entry: Stream = {
      inq_len: inq.length,
      inq_seq: inqSeq,
      outq_len: outqLen,
      outq_seq: outqSeq,
      opt_mask: 0,
      snd_wscale: 0,
      mss_clamp: peerMss(fd),
      timestamp: timestampOf(fd),
      unsq_len: state === TCP_STATE.SYN_SENT ? 0 : Math.max(0, unsent - (unsent > 0 ? end : 0)),
      ...window,
      extra: { inq, outq },
    };
    const isSame = sequenceOf(fd, "RECV", subject) === inqSeq && ioctlInt(fd, SIOCOUTQ) === queued;
    return isSame && outq.length === outqLen ? entry : undefined;
  } finally {
    repairOff(fd, reuse);
  }
}
