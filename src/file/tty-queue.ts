/** What is queued in a pty: read at dump, put back at once and at restore. */
import type { Subject } from "../error.ts";
import { CrError } from "../error.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, POLL, pollNow, tryIoctl, tryRead, tryWrite } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { check, sys } from "../kernel/sys.ts";
import { TERMIOS, tryOpenSlave, trySetTtyNumber, ttyFlag } from "../kernel/tty.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { FIO, TIOC } from "../kernel/uapi/ioctl.ts";
import { holdFlow, type Stopped, whatStopped } from "./tty-flow.ts";
import { delimiters, END_OF_FILE, LITERAL, verbatim, withModes } from "./tty-modes.ts";

const EAGAIN = -(ERRNO.EAGAIN ?? 11);
const EIO = -(ERRNO.EIO ?? 5);
/** What an image keeps of one queue. */
const MOST = 16384;
/** n_tty keeps this much; what is more waits in front of it, as it was typed. */
const LINE_BUFFER = 4095;

const PIECE = 2048;
/** Milliseconds that the kernel has to make room. */
const PATIENCE = 1000;

/** Bytes that wait for the slave. */
export interface Typed {
  readonly data: Uint8Array;
  /**
   * Lines that are complete, in a terminal that gives lines: the length of each, doubled, and 1 more where an end of file that
   * was typed ended it, which is no byte. What is behind them is a line that still grows.
   */
  readonly lines: readonly number[];
}

/** What the ends of a pty have not read yet. */
export interface PtyQueues {
  /** Written by the slave, for the master. */
  readonly toMaster: Uint8Array;
  /** Typed at the master, for the slave. */
  readonly toSlave: Typed;
}

/** What of a pty shows only when it is looked into. */
export interface PtyInside extends PtyQueues {
  readonly stopped: Stopped | undefined;
}

const nothing: Typed = { data: new Uint8Array(0), lines: [] };

function drain(fd: number): Uint8Array {
  const bytes = new Uint8Array(MOST);
  let used = 0;
  while (used < MOST) {
    const got = tryRead(fd, bytes.subarray(used));
    if (got === EAGAIN || got === EIO || got === 0) break;
    used += check(got, "cannot read what is queued in a terminal", { fd });
  }
  return bytes.slice(0, used);
}

/** Reads as the program would, a line at a time, then what is behind the last one. */
function drainSlave(master: number, slave: number, subject: Subject): Typed {
  const lines: number[] = [];
  const chunks: Uint8Array[] = [];
  withModes(master, verbatim("lines"), subject, (now) => {
    if ((now.lflag & TERMIOS.ICANON) === 0) return;
    const ends = delimiters(now);
    for (;;) {
      const bytes = new Uint8Array(MOST);
      const got = tryRead(slave, bytes);
      if (got === EAGAIN || got === EIO) return;
      check(got, "cannot read what is queued in a terminal", subject);
      const line = bytes.slice(0, got);
      lines.push(2 * got + (ends.has(line.at(-1) ?? -1) ? 0 : 1));
      chunks.push(line);
    }
  });
  chunks.push(withModes(master, verbatim("bytes"), subject, () => drain(slave)));
  return { data: Buffer.concat(chunks), lines };
}

/** The keys for each byte that the line buffer is to hold. */
function keysOf({ data, lines }: Typed, ends: ReadonlySet<number>): number[][] {
  const special = new Set([...ends, END_OF_FILE, LITERAL]);
  const literal = (byte: number) => (special.has(byte) ? [LITERAL, byte] : [byte]);
  const keys: number[][] = [];
  let at = 0;
  for (const line of lines) {
    const [length, byEof] = [line >> 1, line % 2 === 1];
    const bytes = [...data.subarray(at, at + length)];
    keys.push(...bytes.map((byte, i) => (i === length - 1 && !byEof ? [byte] : literal(byte))));
    if (byEof) keys.push([END_OF_FILE]);
    at += length;
  }
  // what another tool dumped does not tell where lines end
  for (const byte of data.subarray(at)) keys.push(lines.length > 0 ? literal(byte) : [byte]);
  return keys;
}

/**
 * Puts bytes where the next read of `fd` finds them. TIOCSTI does so at once; where the kernel forbids it they are written at
 * the other end, and a worker of the kernel brings them.
 * @param other the other end of the pty
 */
function putBefore(fd: number, keys: readonly number[][], other: number, subject: Subject): void {
  const one = new Uint8Array(1);
  const now = keys.slice(0, LINE_BUFFER).flat();
  let at = 0;
  for (; at < now.length; at++) {
    one[0] = now[at] ?? 0;
    if (tryIoctl(fd, TIOC.STI, one) < 0) break;
  }
  writeAll(other, now.slice(at), subject);
  // asking waits for the worker: what is in the line buffer is as it is, whatever modes come
  if (at < now.length) pollNow(fd, POLL.IN);
  writeAll(
    other,
    keys.slice(LINE_BUFFER).map((key) => key.at(-1) ?? 0),
    subject,
  );
}

/**
 * In pieces that the kernel packs without a gap: it takes as many as it took before. What was read lies around until a worker
 * comes by.
 */
function writeAll(fd: number, bytes: readonly number[], subject: Subject): void {
  let patience = PATIENCE;
  for (let at = 0; at < bytes.length; ) {
    const done = tryWrite(fd, Uint8Array.from(bytes.slice(at, at + PIECE)));
    if (done !== EAGAIN) at += check(done, "cannot put bytes into a terminal", subject);
    else if (patience-- > 0) Bun.sleepSync(1);
    else throw new CrError("a terminal does not take all of its bytes", { code: "EAGAIN", subject });
  }
}

/** Makes a master's description not wait for a while, answer without packet mode's bytes, and its slave one that opens. */
function plainly<T>(master: number, use: () => T): T {
  const blocks = (sys(NR.fcntl, master, F.GETFL, 0) & O.NONBLOCK) === 0;
  const packets = ttyFlag(master, TIOC.GPKT);
  const locked = ttyFlag(master, TIOC.GPTLCK);
  if (blocks) trySetTtyNumber(master, FIO.NBIO, 1);
  if (packets) trySetTtyNumber(master, TIOC.PKT, 0);
  if (locked) trySetTtyNumber(master, TIOC.SPTLCK, 0);
  try {
    return use();
  } finally {
    if (locked) trySetTtyNumber(master, TIOC.SPTLCK, 1);
    if (packets) trySetTtyNumber(master, TIOC.PKT, 1);
    if (blocks) trySetTtyNumber(master, FIO.NBIO, 0);
  }
}

/** Has a slave been open, and is it closed by now? */
export function slaveClosed(master: number): boolean {
  return (pollNow(master, POLL.IN) & POLL.HUP) !== 0;
}

/**
 * Looks into a pty. The kernel cannot show what is queued, so it is read and put back at once.
 * @param hasSlave whether somebody holds the slave. Where nobody ever did we must not open it: the master would see that.
 */
export function lookInside(master: number, hasSlave: boolean, subject: Subject): PtyInside {
  return plainly(master, () => {
    const opens = hasSlave || slaveClosed(master);
    const slave = opens
      ? check(tryOpenSlave(master, O.RDWR | O.NONBLOCK), "cannot open the slave of a pty", subject)
      : -1;
    try {
      // Asking waits for what is on its way through the kernel.
      const toMaster = (pollNow(master, POLL.IN) & POLL.IN) !== 0 ? drain(master) : nothing.data;
      if (slave < 0) {
        fill(master, slave, { toMaster, toSlave: nothing }, subject);
        return { toMaster, toSlave: nothing, stopped: undefined };
      }
      const stopped = whatStopped(master, slave, subject);
      const toSlave = drainSlave(master, slave, subject);
      fill(master, slave, { toMaster, toSlave }, subject);
      if (stopped !== undefined) holdFlow(master, slave, stopped, subject);
      return { toMaster, toSlave, stopped };
    } finally {
      if (slave >= 0) closeFd(slave);
    }
  });
}

function fill(master: number, slave: number, { toMaster, toSlave }: PtyQueues, subject: Subject): void {
  if (toMaster.length > 0) {
    const keys = [...toMaster].map((byte) => [byte]);
    withModes(master, verbatim("bytes"), subject, () => putBefore(master, keys, slave, subject));
  }
  if (toSlave.data.length + toSlave.lines.length === 0) return;
  withModes(master, verbatim("keys"), subject, (now) =>
    putBefore(slave, keysOf(toSlave, delimiters(now)), master, subject),
  );
}

/** Puts the bytes into a pty that was just made and has its modes. `slave` is any description of its slave. */
export function writeInside(master: number, slave: number, inside: PtyInside, subject: Subject): void {
  plainly(master, () => {
    fill(master, slave, inside, subject);
    if (inside.stopped !== undefined) holdFlow(master, slave, inside.stopped, subject);
  });
}
