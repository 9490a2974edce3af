import type { Subject } from "../error.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, POLL, pollNow } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { getNumber, type Message, tryReceive, trySetNumber } from "../kernel/socket.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { MSG, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";

const EAGAIN = -(ERRNO.EAGAIN ?? 11);
const PEEK = MSG.PEEK | MSG.DONTWAIT;
/** sockios.h; the answer is an int. */
const SIOCATMARK = 0x8905;

export interface Queued extends Message {
  /** A byte out of band (send(2), MSG_OOB) that waits, or the place of one that was taken: streams stop there. */
  readonly urgent?: "waits" | "taken";
}

/** For a scope a peek begins at the front of the queue, whatever place the program has set, and moves nothing. */
export class FromFront implements Disposable {
  readonly #before: number;

  constructor(readonly fd: number) {
    this.#before = getNumber(fd, SOL.SOCKET, SO.PEEK_OFF) ?? -1;
    if (this.#before >= 0) trySetNumber(fd, SOL.SOCKET, SO.PEEK_OFF, -1);
  }

  [Symbol.dispose](): void {
    if (this.#before >= 0) trySetNumber(this.fd, SOL.SOCKET, SO.PEEK_OFF, this.#before);
  }
}

/** Reads a queue without consuming; `SO_PEEK_OFF` makes the next peek begin where the last one ended. */
class Peeker implements Disposable {
  readonly #before: number;
  #buffer = new Uint8Array(new ArrayBuffer(256 * 1024));

  constructor(
    readonly fd: number,
    readonly subject: Subject,
  ) {
    this.#before = getNumber(fd, SOL.SOCKET, SO.PEEK_OFF) ?? -1;
    this.seek(0);
  }

  /** How programs peek is theirs: put back at once. */
  [Symbol.dispose](): void {
    trySetNumber(this.fd, SOL.SOCKET, SO.PEEK_OFF, this.#before);
  }

  seek(offset: number): void {
    check(
      trySetNumber(this.fd, SOL.SOCKET, SO.PEEK_OFF, offset),
      "cannot look into the queue of a socket",
      this.subject,
    );
  }

  get offset(): number {
    return getNumber(this.fd, SOL.SOCKET, SO.PEEK_OFF) ?? 0;
  }

  /** What lies at the offset, whole if it is a datagram; undefined at the end. Its descriptors are the caller's. */
  next(atLeast: number): Message | undefined {
    for (let size = Math.max(this.#buffer.length, atLeast); ; size *= 4) {
      if (size > this.#buffer.length) this.#buffer = new Uint8Array(new ArrayBuffer(size));
      const from = this.offset;
      const message = peek(this.fd, this.#buffer, this.subject);
      if (message === undefined || !(message.flags & MSG.TRUNC)) return message;
      for (const fd of message.rights) closeFd(fd);
      this.seek(from);
    }
  }
}

function peek(fd: number, into: Uint8Array, subject: Subject): Message | undefined {
  const message = tryReceive(fd, into, PEEK);
  if (typeof message !== "number") return message;
  if (message === EAGAIN) return undefined;
  check(message, "cannot look into the queue of a socket", subject);
  return undefined;
}

/**
 * All messages that wait in a unix socket, first one first; nothing is consumed. Descriptors in them become ours.
 * @param type SOCK_*
 * @param queued bytes of a stream that wait (SIOCINQ); of other types whatever
 */
export function readQueue(fd: number, type: number, queued: number, subject: Subject): Queued[] {
  const state = pollNow(fd, POLL.IN | POLL.PRI);
  // Looking would take a pending error away, so where there is nothing but an error we do not look.
  if ((state & POLL.IN) === 0 || (queued === 0 && (type === SOCK.STREAM || (state & POLL.ERR) !== 0))) return [];
  return type === SOCK.STREAM
    ? readStream(fd, queued, (state & POLL.PRI) !== 0, subject)
    : readPackets(fd, type, subject);
}

function readPackets(fd: number, type: number, subject: Subject): Message[] {
  const messages: Message[] = [];
  using peeker = new Peeker(fd, subject);
  for (;;) {
    const message = peeker.next(0);
    if (message === undefined || (type === SOCK.SEQPACKET && isEnd(fd, message))) return messages;
    messages.push(message);
  }
}

/** A connection that is shut tells its end, again and again, by an empty answer instead of EAGAIN. */
function isEnd(fd: number, message: Message): boolean {
  if (message.bytes.length > 0 || message.rights.length > 0) return false;
  return (pollNow(fd, POLL.RDHUP | POLL.IN) & (POLL.RDHUP | POLL.HUP)) !== 0;
}

/**
 * A stream without descriptors, credentials or urgent bytes gives all of its bytes to one peek, and no option is touched. A
 * peek ends behind the message that brings descriptors, and does not tell where that one begins: plain bytes before it and
 * the message become one, and the descriptors come with its first byte.
 */
function readStream(fd: number, queued: number, isUrgent: boolean, subject: Subject): Queued[] {
  using _front = new FromFront(fd);
  const whole = peek(fd, new Uint8Array(queued), subject);
  if (whole?.bytes.length === queued && whole.rights.length === 0 && !whole.credentials && !isUrgent) return [whole];
  for (const right of whole?.rights ?? []) closeFd(right);
  const messages: Message[] = [];
  using peeker = new Peeker(fd, subject);
  for (let at = 0; at < queued; ) {
    const message = peeker.next(queued - at);
    if (message === undefined || message.bytes.length === 0) break;
    messages.push(message);
    at += message.bytes.length;
    peeker.seek(at);
  }
  return withMarks(fd, messages, isUrgent);
}

/**
 * Finds the places of urgent bytes among what was peeked: a peek stops in front of one for no other reason. It steps over one
 * that is the very first, unless SO_OOBINLINE is on; that option in turn hides which byte it is (unix(7)).
 */
function withMarks(fd: number, messages: readonly Message[], isUrgent: boolean): Queued[] {
  const peeked = isUrgent ? tryReceive(fd, new Uint8Array(1), PEEK | MSG.OOB) : -EAGAIN;
  const known = typeof peeked === "number" ? undefined : peeked;
  const isFirst = isAtMark(fd);
  const found: Queued[] = isFirst && known ? [{ ...known, urgent: "waits" }] : [];
  const stops = messages.map((message, i) => {
    const before = messages[i - 1];
    return before === undefined ? isFirst && known === undefined : !isOther(before, message);
  });
  const canBe = (message: Message) => known === undefined || known.bytes[0] === message.bytes[0];
  let at = -1;
  if (isUrgent && found.length === 0) {
    at = messages.findIndex((message, i) => stops[i] && canBe(message));
    if (at < 0) at = messages.findIndex((message, i) => i > 0 && canBe(message));
  }
  for (const [i, message] of messages.entries()) {
    if (stops[i] && i !== at) found.push({ ...NOTHING, urgent: "taken" });
    found.push(...(i === at ? splitUrgent(message) : [message]));
  }
  return found;
}

const NOTHING: Message = {
  bytes: new Uint8Array(0),
  rights: [],
  credentials: undefined,
  from: new Uint8Array(0),
  flags: 0,
};

/** Why a peek may stop between two messages: descriptors, or other credentials. */
function isOther(before: Message, message: Message): boolean {
  const [a, b] = [before.credentials, message.credentials];
  return before.rights.length > 0 || a?.pid !== b?.pid || a?.uid !== b?.uid || a?.gid !== b?.gid;
}

function splitUrgent(message: Message): Queued[] {
  const { bytes } = message;
  if (bytes.length === 1) return [{ ...message, urgent: "waits" }];
  return [
    { ...message, bytes: bytes.slice(0, 1), rights: [], urgent: "waits" },
    { ...message, bytes: bytes.slice(1) },
  ];
}

/** Does the urgent byte come next? */
export function isAtMark(fd: number): boolean {
  const answer = new Int32Array(1);
  return sys(NR.ioctl, fd, SIOCATMARK, addressOf(answer)) === 0 && answer[0] === 1;
}
