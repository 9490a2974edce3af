import { CrError, type Subject } from "../error.ts";
import type { PipeDataEntry } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, fcntl, makePipe, readable, reopen, tryRead, tryTee, tryWrite } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { pageSize } from "../kernel/page-size.ts";
import { check, sys, sysError } from "../kernel/sys.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";

/** What a pipe or FIFO holds. */
export interface PipeContent {
  /** Capacity, bytes. */
  readonly size: number;
  readonly bytes: Uint8Array;
  /**
   * Where the boundaries of packets are (pipe(2), O_DIRECT): a packet's length, or the length of plain bytes made
   * negative. Empty when there are no packets.
   */
  readonly parts: readonly number[];
}

const EAGAIN = -(ERRNO.EAGAIN ?? 11);
const EPERM = -(ERRNO.EPERM ?? 1);

/** A pipe of our own for copies; both ends never block. */
class Scratch implements Disposable {
  readonly read: number;
  readonly write: number;

  constructor(capacity: number) {
    [this.read, this.write] = makePipe(O.NONBLOCK);
    // Where more is not allowed to us, what fits decides: there is no place then for the mark in `hasPackets`.
    if (sys(NR.fcntl, this.write, F.SETPIPE_SZ, capacity + pageSize()) === EPERM)
      sys(NR.fcntl, this.write, F.SETPIPE_SZ, capacity);
  }

  [Symbol.dispose](): void {
    closeFd(this.read);
    closeFd(this.write);
  }

  /** One read(2), which ends at a packet's end. */
  take(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const got = tryRead(this.read, bytes);
    if (got === EAGAIN) return bytes.subarray(0, 0);
    return bytes.subarray(0, check(got, "cannot read the copy of a pipe"));
  }

  copyFrom(fd: number, length: number, subject: Subject): void {
    for (let left = length; left > 0; ) {
      const got = tryTee(fd, this.write, left);
      if (got <= 0) {
        const error = got === 0 || got === EAGAIN ? undefined : sysError(got, "tee", subject);
        throw new CrError("cannot copy what is in a pipe", { code: "EAGAIN", subject, cause: error });
      }
      // tee begins at the pipe's head each time: only a copy in one go is whole.
      if (got !== left)
        throw new CrError("a pipe could be copied in part only", { subject: { ...subject, bytes: got } });
      left -= got;
    }
  }
}

/** Whether the first `total` bytes of a pipe hold a packet: reading ends there, else it reaches a mark that we add. */
function hasPackets(fd: number, total: number, size: number, subject: Subject): boolean {
  using copy = new Scratch(size);
  copy.copyFrom(fd, total, subject);
  const marked = tryWrite(copy.write, new Uint8Array(1)) === 1;
  return copy.take(total + 1).length < total + (marked ? 1 : 0);
}

/**
 * The plain bytes before the packet that ends the first `length` bytes of `rest`. A read that ends among plain bytes
 * leaves some; one that reaches the packet takes all of it.
 */
function plainBefore(rest: Scratch, length: number, size: number): number {
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    using probe = new Scratch(size);
    probe.copyFrom(rest.read, length, {});
    probe.take(middle);
    if (readable(probe.read) > 0) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Splits the content; `rest` is used up. */
function split(rest: Scratch, bytes: Uint8Array, size: number): number[] {
  const parts: number[] = [];
  // The mark makes plain bytes at the end differ from a packet there; it is no part of the content.
  const marked = tryWrite(rest.write, new Uint8Array(1)) === 1;
  for (let at = 0; at < bytes.length; ) {
    using probe = new Scratch(size);
    probe.copyFrom(rest.read, readable(rest.read), {});
    const length = probe.take(bytes.length - at + 1).length;
    const atEnd = at + length >= bytes.length;
    const plain = at + length > bytes.length ? length : plainBefore(rest, length, size);
    if (atEnd && (plain === length || (!marked && plain === length - 1))) {
      parts.push(at - bytes.length);
      break;
    }
    if (plain > 0) parts.push(-plain);
    parts.push(length - plain);
    if (plain > 0) rest.take(plain);
    rest.take(length - plain);
    at += length;
  }
  return parts;
}

/**
 * Copies what is in a pipe, without consuming it.
 * @param fd a descriptor of ours that may read
 */
export function readPipe(fd: number, subject: Subject): PipeContent {
  const size = fcntl(fd, F.GETPIPE_SZ, 0, "cannot ask for a pipe's capacity", subject);
  const total = readable(fd, subject);
  if (total === 0) return { size, bytes: new Uint8Array(0), parts: [] };
  using copy = new Scratch(size);
  copy.copyFrom(fd, total, subject);
  const bytes = new Uint8Array(total);
  for (let at = 0; at < total; ) {
    const chunk = copy.take(total - at);
    if (chunk.length === 0) throw new CrError("the copy of a pipe is shorter than the pipe", { subject });
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (!hasPackets(fd, total, size, subject)) return { size, bytes, parts: [] };
  copy.copyFrom(fd, total, subject);
  return { size, bytes, parts: split(copy, bytes, size) };
}

/**
 * Gives a pipe its capacity and its bytes.
 * @param fd any descriptor of ours for the pipe
 */
export function fillPipe(fd: number, content: PipeContent, subject: Subject): void {
  if (content.size > 0) {
    const remedy = "raise /proc/sys/fs/pipe-max-size, or restore as root";
    check(sys(NR.fcntl, fd, F.SETPIPE_SZ, content.size), "cannot give a pipe its capacity", subject, remedy);
  }
  if (content.bytes.length === 0) return;
  const plain = reopen(fd, O.WRONLY | O.NONBLOCK, "cannot open a pipe for filling", subject);
  const packets = content.parts.length > 0 ? reopen(fd, O.WRONLY) : -1;
  try {
    // open(2) refuses O_DIRECT on a pipe, fcntl(2) does not.
    if (packets >= 0) fcntl(packets, F.SETFL, O.NONBLOCK | O.DIRECT, "cannot fill a pipe with packets", subject);
    let at = 0;
    for (const part of content.parts.length > 0 ? content.parts : [-content.bytes.length]) {
      const bytes = content.bytes.subarray(at, at + Math.abs(part));
      if (part < 0 && at + bytes.length < content.bytes.length) putApart(plain, bytes, subject);
      else put(part > 0 ? packets : plain, bytes, subject);
      at += bytes.length;
    }
  } finally {
    closeFd(plain);
    if (packets >= 0) closeFd(packets);
  }
}

/** Adds plain bytes that a packet follows: what write(2) has put there would swallow it, what tee(2) has does not. */
function putApart(fd: number, bytes: Uint8Array, subject: Subject): void {
  using copy = new Scratch(bytes.length + pageSize());
  put(copy.write, bytes, subject);
  const done = tryTee(copy.read, fd, bytes.length);
  if (done !== bytes.length) throw new CrError("a pipe cannot take all of its bytes", { code: "EAGAIN", subject });
}

function put(fd: number, bytes: Uint8Array, subject: Subject): void {
  for (let at = 0; at < bytes.length; ) {
    const done = tryWrite(fd, bytes.subarray(at));
    if (done === EAGAIN)
      throw new CrError("a pipe cannot take all of its bytes", {
        code: "EAGAIN",
        subject: { ...subject, bytes: bytes.length - at },
        remedy: "raise /proc/sys/fs/pipe-user-pages-soft, or restore as root",
      });
    at += check(done, "cannot fill a pipe", subject);
  }
}

/** The content that an entry of pipes-data.img or fifo-data.img describes. */
export function contentOf(entry: PipeDataEntry, bytes: Uint8Array): PipeContent {
  checkParts(entry.tscriu_parts, bytes.length, { pipe: entry.pipe_id });
  return { size: entry.size ?? 0, bytes, parts: entry.tscriu_parts };
}

/** The entry for a content: the mirror of `contentOf`. */
export function dataEntry(pipeId: number, content: PipeContent): PipeDataEntry & { extra: Uint8Array } {
  return {
    pipe_id: pipeId,
    bytes: content.bytes.length,
    size: content.size,
    tscriu_parts: [...content.parts],
    extra: content.bytes,
  };
}

/** Checks that the parts of an image make up its bytes. */
function checkParts(parts: readonly number[], bytes: number, subject: Subject): void {
  let sum = 0;
  for (const part of parts) {
    if (part === 0 || part > pageSize())
      throw new CrError("a pipe's image has an impossible packet", { code: "BAD_IMAGE", subject });
    sum += Math.abs(part);
  }
  if (parts.length > 0 && sum !== bytes) {
    throw new CrError("a pipe's packets are not as long as its bytes", { code: "BAD_IMAGE", subject });
  }
}
