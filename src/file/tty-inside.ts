/** What is inside a pty, and the calls that put it there. */

import { ERRNO } from "../kernel/errno.ts";
import { tryIoctl } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import type { Call } from "../kernel/standby.ts";
import { setLockedTermiosCall, setTermiosCall, type Termios } from "../kernel/tty.ts";
import { TC, TIOC, TIOCPKT } from "../kernel/uapi/ioctl.ts";
import { delimiters, END_OF_FILE, LITERAL, STOP, stopping, UNLOCKED, verbatim } from "./tty-modes.ts";
import { afterwards, TCOOFF, TCOON, whileEmpty } from "./tty-packet.ts";

/** n_tty keeps this much; what is more waits in front of it, as it was typed. */
const LINE_BUFFER = 4095;
/** What makes output that was stopped go on: a key, or tcflow(3). Numbers as images keep them. */
export const STOPPED = { key: 1, call: 2 } as const;
export type Stopped = (typeof STOPPED)[keyof typeof STOPPED];

export function stoppedOf(number: number | undefined): Stopped | undefined {
  return Object.values(STOPPED).find((how) => how === number);
}

/** Bytes that wait for the slave. */
export interface Typed {
  readonly data: Uint8Array;
  /**
   * Lines that are complete, in a terminal that gives lines: the length of each, doubled, and 1 more where an end of file that
   * was typed ended it, which is no byte. What is behind them is a line that still grows.
   */
  readonly lines: readonly number[];
}

export interface PtyInside {
  /** Written by the slave, for the master. */
  readonly toMaster: Uint8Array;
  /** Typed at the master, for the slave. */
  readonly toSlave: Typed;
  readonly stopped: Stopped | undefined;
  /** `packetStatus`. */
  readonly status: number;
}

export const nothing: PtyInside = {
  toMaster: new Uint8Array(0),
  toSlave: { data: new Uint8Array(0), lines: [] },
  stopped: undefined,
  status: 0,
};

/** A pty of ours, and its modes as they are to be. */
export interface OpenPty {
  readonly master: number;
  /** -1 where nobody has opened it yet. */
  readonly slave: number;
  readonly modes: Termios;
  readonly locks: Termios;
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

function typing(fd: number, keys: Iterable<number>): Call[] {
  return [...keys].map((key) => ({ nr: NR.ioctl, args: [fd, TIOC.STI, Uint8Array.of(key)] }));
}

/** Does the kernel let us type (TIOCSTI)? It looks at the key after that. */
export function mayType(slave: number): boolean {
  return tryIoctl(slave, TIOC.STI) === -(ERRNO.EFAULT ?? 14);
}

const write = (fd: number, bytes: Uint8Array): Call => ({ nr: NR.write, args: [fd, bytes, bytes.length] });

/** Waits for what is on its way: what comes after finds it in the line buffer, unless there was something already. */
export function settle(fd: number): Call {
  const POLLIN = 1;
  return { nr: NR.ppoll, args: [Int32Array.of(fd, POLLIN), 1, new BigInt64Array(2), 0, 0] };
}

/** What does not fit into the line buffers, and comes last. */
export interface Rest {
  readonly fd: number;
  readonly bytes: Uint8Array;
}

export interface Filling {
  readonly calls: Call[];
  /** Comes behind the calls. */
  readonly rest: Rest[];
  /** Sets the modes, when all is there. */
  readonly last: Call[];
}

/** Bits that come from filling the pty itself, or can only be set while it is empty. */
function isFirst({ status, toMaster, toSlave, stopped }: PtyInside): boolean {
  const isRead = toSlave.data.length + toSlave.lines.length > 0;
  return (
    (isRead && (status & TIOCPKT.FLUSHREAD) !== 0) ||
    (toMaster.length > 0 && (status & TIOCPKT.FLUSHWRITE) !== 0) ||
    (stopped !== undefined && (status & TIOCPKT.STOP) !== 0)
  );
}

/**
 * How everything is put into a pty whose queues are empty. Bits of packet mode that are set first may be joined by some that tell
 * of what is so anyway: whether output flows, and which keys stop it.
 * @param byKey key by key, by TIOCSTI, so that modes which are set later change nothing; else at once
 * @param more comes behind it, before the modes are set
 */
export function filling(pty: OpenPty, inside: PtyInside, byKey: boolean, more = false): Filling {
  const { master, slave, modes, locks } = pty;
  const { toMaster, toSlave, stopped, status } = inside;
  const early = more || isFirst(inside);
  const first = stopped === undefined ? toMaster.subarray(0, LINE_BUFFER) : toMaster;
  const bits = slave < 0 ? [] : whileEmpty(pty, status);
  const calls = [
    ...(early ? bits : []),
    setLockedTermiosCall(master, UNLOCKED),
    setTermiosCall(master, verbatim(modes, "keys")),
  ];
  const flow = (how: number): Call => ({ nr: NR.ioctl, args: [slave, TC.XONC, how] });
  if (stopped === STOPPED.call) calls.push(flow(TCOON));
  if (slave < 0) calls.push(...typing(master, first));
  else if (first.length > 0) calls.push(write(slave, first));
  if (stopped === STOPPED.call) calls.push(flow(TCOOFF));
  if (stopped === STOPPED.key) {
    calls.push(setTermiosCall(master, stopping(modes)), write(master, Uint8Array.of(STOP)), settle(slave));
    calls.push(setTermiosCall(master, verbatim({ ...modes, iflag: stopping(modes).iflag }, "keys")));
  }
  const keys = keysOf(toSlave, delimiters(modes));
  const typed = keys.slice(0, LINE_BUFFER).flat();
  if (byKey) calls.push(...typing(slave, typed));
  else if (typed.length > 0) calls.push(write(master, Uint8Array.from(typed)), settle(slave));
  const last = [
    setTermiosCall(master, modes),
    ...(early ? [] : bits),
    ...(bits.length > 0 ? afterwards(pty, status, stopped !== undefined) : []),
    setLockedTermiosCall(master, locks),
  ];
  const rest = [
    { fd: slave, bytes: toMaster.subarray(first.length) },
    { fd: master, bytes: Uint8Array.from(keys.slice(LINE_BUFFER).map((key) => key.at(-1) ?? 0)) },
  ];
  return { calls, last, rest: rest.filter(({ bytes }) => bytes.length > 0) };
}
