/**
 * Looking into a pty, and filling one. The kernel does not show what is queued: it is read and put back, by a process beside us,
 * so that nothing is lost if we die meanwhile.
 */
import type { Subject } from "../error.ts";
import { CrError } from "../error.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, ioctlInt, makePipe, POLL, pollNow, tryRead, tryWrite } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { type Call, Standby } from "../kernel/standby.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import {
  readLockedTermios,
  readTermios,
  setTermiosCall,
  TERMIOS,
  type Termios,
  tryOpenSlave,
  trySetLockedTermios,
  trySetTermios,
  trySetTtyNumber,
  ttyFlag,
  ttyNumberCall,
} from "../kernel/tty.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { FIO, TIOC } from "../kernel/uapi/ioctl.ts";
import {
  filling,
  mayType,
  nothing,
  type OpenPty,
  type PtyInside,
  type Rest,
  STOPPED,
  type Stopped,
  settle,
} from "./tty-inside.ts";
import { delimiters, givesLines, UNLOCKED, verbatim } from "./tty-modes.ts";

const EAGAIN = -(ERRNO.EAGAIN ?? 11);
const EIO = -(ERRNO.EIO ?? 5);
/** More than a queue can hold. */
const MOST = 65536;
const FEW = 512;
/** Lines that are put aside when we die. */
const LINES = 32;
const SPLICE_F_NONBLOCK = 2;
/**
 * Bytes that the kernel stores without a gap, up to its limit and the one that may pass it (tty_buffer.c); behind that it takes
 * small pieces only.
 */
const PIECES = [1792, 1792, 1792, 1792, 1024, 1792] as const;
const SMALL = 256;
/** What a fresh pty takes in front of its line buffer. Small pieces that it has used once it takes beyond that. */
const ENOUGH = 9984;
const USED_ONCE = 32;
/** Milliseconds that the kernel has to make room. */
const PATIENCE = 1000;

/** In pieces that fill the kernel's buffers: it takes as many as it took before. What was read lies around until a worker comes. */
function writeAll({ fd, bytes }: Rest, subject: Subject): void {
  let patience = PATIENCE;
  let turn = 0;
  for (let at = 0; at < bytes.length; ) {
    const size = PIECES[turn++] ?? SMALL;
    const done = tryWrite(fd, bytes.subarray(at, at + size));
    if (done !== EAGAIN) at += check(done, "cannot put bytes into a terminal", subject);
    else if (size > SMALL) turn = PIECES.length;
    else if (patience-- > 0) {
      Bun.sleepSync(1);
      turn = 0;
    } else
      throw new CrError("a terminal does not take all of its bytes", {
        code: "EAGAIN",
        subject: { ...subject, taken: at, of: bytes.length },
      });
  }
}

/** Makes a pty that is empty, and gives bytes as they are, one that has been used: it takes more. */
function useOnce(from: number, to: number, subject: Subject): void {
  const bytes = new Uint8Array(SMALL);
  for (let i = 0; i < USED_ONCE; i++) writeAll({ fd: from, bytes }, subject);
  const into = new Uint8Array(USED_ONCE * SMALL);
  let patience = PATIENCE;
  for (let left = into.length; left > 0; ) {
    const got = tryRead(to, into);
    if (got !== EAGAIN) left -= check(got, "cannot empty a new terminal", subject);
    else if (patience-- > 0) Bun.sleepSync(1);
    else throw new CrError("a new terminal does not give what it took", { code: "EAGAIN", subject });
  }
}

/** A master that does not wait, answers without packet mode's bytes, and whose slave opens; and the calls that undo it. */
function plainly(master: number): { change: Call[]; undo: Call[] } {
  const switches = [
    { request: FIO.NBIO, is: (sys(NR.fcntl, master, F.GETFL, 0) & O.NONBLOCK) !== 0, wanted: true },
    { request: TIOC.PKT, is: ttyFlag(master, TIOC.GPKT), wanted: false },
    { request: TIOC.SPTLCK, is: ttyFlag(master, TIOC.GPTLCK), wanted: false },
  ].filter(({ is, wanted }) => is !== wanted);
  const set = (on: boolean, request: number) => ttyNumberCall(master, request, on ? 1 : 0);
  return {
    change: switches.map(({ request, wanted }) => set(wanted, request)),
    undo: switches.map(({ request, is }) => set(is, request)),
  };
}

function make(calls: readonly Call[]): void {
  for (const { nr, args } of calls) sys(nr, ...args.map((arg) => (typeof arg === "number" ? arg : addressOf(arg))));
}

/** Has a slave been open, and is it closed by now? */
export function slaveClosed(master: number): boolean {
  return (pollNow(master, POLL.IN) & POLL.HUP) !== 0;
}

const has = (fd: number, event: number) => (pollNow(fd, event) & event) !== 0;

/** Nothing waits at either end, and output flows: seen without a touch. A line that still grows does not show. */
function isQuiet(master: number, slave: number, modes: Termios): boolean {
  if (has(master, POLL.IN)) return false;
  return (
    slave < 0 ||
    (!givesLines(modes) && !has(slave, POLL.IN) && ioctlInt(slave, FIO.NREAD) === 0 && has(slave, POLL.OUT))
  );
}

function modesOf(master: number, subject: Subject): Pick<OpenPty, "modes" | "locks"> {
  const [modes, locks] = [readTermios(master), readLockedTermios(master)];
  if (modes && locks) return { modes, locks };
  throw new CrError("the modes of a terminal cannot be read", { code: "EIO", subject });
}

/**
 * @param hasSlave whether somebody holds the slave. Where nobody ever did we must not open it: the master would see that.
 */
export function lookInside(master: number, hasSlave: boolean, subject: Subject): PtyInside {
  const { modes, locks } = modesOf(master, subject);
  const locked = ttyFlag(master, TIOC.GPTLCK);
  if (locked) trySetTtyNumber(master, TIOC.SPTLCK, 0);
  const opens = hasSlave || slaveClosed(master);
  const slave = opens ? tryOpenSlave(master, O.RDWR | O.NONBLOCK) : -1;
  if (locked) trySetTtyNumber(master, TIOC.SPTLCK, 1);
  if (opens) check(slave, "cannot open the slave of a pty", subject);
  if (isQuiet(master, slave, modes)) {
    if (slave >= 0) closeFd(slave);
    return nothing;
  }
  // a master without a slave gets its bytes back by a slave too, which was closed before
  const emptied = new Emptied({ master, slave, modes, locks }, subject);
  try {
    return emptied.look();
  } finally {
    if (slave >= 0) closeFd(slave);
  }
}

/** A pty that is being emptied, and is filled again at the end, or when we die. */
class Emptied {
  /** For what is still there when we die: it has to come behind what we have taken out. */
  readonly #aside = makePipe(O.NONBLOCK);
  readonly #standby = new Standby();
  readonly #around: { change: Call[]; undo: Call[] };
  readonly #mayType: boolean;
  #inside = nothing;

  constructor(
    readonly pty: OpenPty,
    readonly subject: Subject,
  ) {
    this.#around = plainly(pty.master);
    this.#mayType = mayType(pty.slave);
  }

  look(): PtyInside {
    const { master, slave } = this.pty;
    this.#found({});
    try {
      make(this.#around.change);
      this.#drain(master, (bytes) => this.#found({ toMaster: bytes }));
      if (slave >= 0) {
        trySetLockedTermios(master, UNLOCKED);
        this.#lookAtFlow();
        this.#drainSlave();
      }
    } finally {
      this.#fill();
      for (const end of this.#aside) closeFd(end);
    }
    return this.#inside;
  }

  #fill(): void {
    const { calls, rest, last } = filling(this.pty, this.#inside, this.#mayType);
    const { undo } = this.#around;
    if (rest.length === 0) {
      this.#standby.carryOut([...calls, ...last, ...undo]);
      return;
    }
    // what does not fit is put there by us, who can wait for room
    using later = new Standby();
    later.ifWeDie([...last, ...undo]);
    this.#standby.carryOut(calls);
    try {
      for (const one of rest) writeAll(one, this.subject);
    } finally {
      make([...last, ...undo]);
    }
  }

  /**
   * What was taken out, and what is to be done with it if we die: the agents go home when that is done. No call comes between a
   * read and this.
   */
  #found(more: Partial<PtyInside>): void {
    this.#inside = { ...this.#inside, ...more };
    const { master, slave, modes } = this.pty;
    const { toMaster, toSlave } = this.#inside;
    const [outOf, into] = this.#aside;
    const move = (from: number, to: number): Call => ({
      nr: NR.splice,
      args: [from, 0, to, 0, MOST, SPLICE_F_NONBLOCK],
    });
    const set = (which: "lines" | "bytes") => setTermiosCall(master, verbatim(modes, which));
    const fill = (what: Partial<PtyInside>): Call[] => {
      // key by key takes long to write down again and again, at once may be mixed with what the modes make of it
      const byKey = this.#mayType && toSlave.data.length <= FEW;
      const { calls, rest, last } = filling(this.pty, { ...nothing, ...what }, byKey);
      const writes = rest.map(({ fd, bytes }): Call => ({ nr: NR.write, args: [fd, bytes, bytes.length] }));
      return [...calls, ...writes, ...last];
    };
    const others = Array.from({ length: LINES }, () => move(slave, into));
    this.#standby.ifWeDie([
      ...(slave < 0 ? [] : [set("lines"), ...others, set("bytes"), move(slave, into), ...fill({ toSlave })]),
      ...(slave < 0 ? [] : [set("lines"), move(outOf, master), settle(slave)]),
      move(master, into),
      ...fill({ toMaster, stopped: this.#inside.stopped }),
      ...(slave < 0 ? [] : [move(outOf, slave)]),
      ...this.#around.undo,
    ]);
  }

  #drain(fd: number, found: (bytes: Uint8Array) => void, before = new Uint8Array(0)): void {
    const bytes = new Uint8Array(before.length + MOST);
    bytes.set(before);
    for (let used = before.length; used < bytes.length; ) {
      const got = tryRead(fd, bytes.subarray(used));
      if (got === EAGAIN || got === EIO || got === 0) return;
      used += check(got, "cannot read what is queued in a terminal", this.subject);
      found(bytes.subarray(0, used));
    }
  }

  /** A slave with an empty queue in front of it that takes nothing is stopped: by a call, if it is so without IXON too. */
  #lookAtFlow(): void {
    const { master, slave, modes } = this.pty;
    if (has(slave, POLL.OUT)) return;
    const without = verbatim(modes, "lines");
    trySetTermios(master, { ...without, iflag: without.iflag & ~TERMIOS.IXON });
    const stopped: Stopped = has(slave, POLL.OUT) ? STOPPED.key : STOPPED.call;
    this.#found({ stopped });
  }

  /** Reads as the program would, a line at a time, then what is behind the last one. */
  #drainSlave(): void {
    const { master, slave, modes } = this.pty;
    const lines: number[] = [];
    let data = new Uint8Array(0);
    trySetTermios(master, verbatim(modes, "lines"));
    for (const ends = delimiters(modes); givesLines(modes); ) {
      const bytes = new Uint8Array(MOST);
      const got = tryRead(slave, bytes);
      if (got === EAGAIN || got === EIO) break;
      check(got, "cannot read what is queued in a terminal", this.subject);
      const line = bytes.slice(0, got);
      lines.push(2 * got + (ends.has(line.at(-1) ?? -1) ? 0 : 1));
      data = new Uint8Array(Buffer.concat([data, line]));
      this.#found({ toSlave: { data, lines } });
    }
    trySetTermios(master, verbatim(modes, "bytes"));
    this.#drain(slave, (all) => this.#found({ toSlave: { data: all, lines } }), data);
  }
}

/** Puts the bytes into a pty that was just made and has its modes. `slave` is any description of its slave. */
export function writeInside(master: number, slave: number, inside: PtyInside, subject: Subject): void {
  if (inside.toMaster.length + inside.toSlave.data.length + inside.toSlave.lines.length === 0 && !inside.stopped)
    return;
  const { change, undo } = plainly(master);
  make(change);
  const pty = { master, slave, ...modesOf(master, subject) };
  const { calls, rest, last } = filling(pty, inside, mayType(slave));
  const large = rest.filter(({ bytes }) => bytes.length > ENOUGH);
  if (large.length > 0) trySetLockedTermios(master, UNLOCKED);
  if (large.length > 0) trySetTermios(master, verbatim(pty.modes, "bytes"));
  for (const { fd } of large) useOnce(fd, fd === master ? slave : master, subject);
  make(calls);
  for (const one of rest) writeAll(one, subject);
  make([...last, ...undo]);
}
