/**
 * Looking at what is queued in a pty. The kernel does not show it: it is taken out and put back. It goes through pipes that
 * processes beside us have too: at every instant somebody can put it back, whatever becomes of us.
 */
import type { Subject } from "../error.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, makePipe, POLL, pollNow, tryRead, trySplice, tryTee } from "../kernel/fd.ts";
import { PAGE_SIZE } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { type Call, makeCalls, Standby } from "../kernel/standby.ts";
import { check, sys } from "../kernel/sys.ts";
import {
  setLockedTermiosCall,
  setTermiosCall,
  TERMIOS,
  type Termios,
  trySetLockedTermios,
  trySetTermios,
} from "../kernel/tty.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { TC } from "../kernel/uapi/ioctl.ts";
import {
  filling,
  mayType,
  nothing,
  type OpenPty,
  type PtyInside,
  STOPPED,
  type Stopped,
  settle,
} from "./tty-inside.ts";
import { delimiters, givesLines, UNLOCKED, verbatim } from "./tty-modes.ts";
import { TCOON } from "./tty-packet.ts";
import { move, moveAll, pourCalls, writeCalls } from "./tty-pour.ts";

const EAGAIN = -(ERRNO.EAGAIN ?? 11);
const EIO = -(ERRNO.EIO ?? 5);
/** More than a queue can hold. */
const MOST = 65536;
/** Key by key takes long to write down. */
const FEW = 512;
/** Lines that are put aside when we die, and pieces of what is no line. */
const LINES = 32;
const PIECES = 4;
/** Bytes that a pipe should have room for. A line takes a page. */
const ROOM = 1 << 20;

const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const times = (count: number, call: Call): Call[] => Array.from({ length: count }, () => call);

function largePipe(): [number, number] {
  const ends = makePipe(O.NONBLOCK);
  sys(NR.fcntl, ends[1], F.SETPIPE_SZ, ROOM);
  return ends;
}

/** A pipe with what was taken out of one end of a terminal. */
class Aside {
  readonly out: number;
  readonly into: number;
  readonly #slots: number;
  readonly #scratch = new Uint8Array(MOST);
  #view: readonly [out: number, into: number] | undefined;
  #used = 0;
  #bytes = 0;

  constructor(readonly subject: Subject) {
    [this.out, this.into] = largePipe();
    this.#slots = sys(NR.fcntl, this.into, F.GETPIPE_SZ, 0) / PAGE_SIZE;
  }

  /** Takes what one read gives: how many bytes, or undefined when there is nothing. */
  take(fd: number): number | undefined {
    const got = trySplice(fd, this.into, MOST);
    if (got === EAGAIN || got === EIO) return undefined;
    check(got, "cannot read what is queued in a terminal", this.subject);
    this.#used += Math.ceil(got / PAGE_SIZE);
    this.#bytes += got;
    return got;
  }

  /** Half of it is for what is taken when we die. */
  get isFull(): boolean {
    return this.#used >= this.#slots / 2;
  }

  /** A copy of what lies in it. */
  look(): Uint8Array {
    const bytes = new Uint8Array(this.#bytes);
    if (bytes.length === 0) return bytes;
    this.#view ??= largePipe();
    const [out, into] = this.#view;
    tryTee(this.out, into, bytes.length);
    for (let at = 0; at < bytes.length; )
      at += check(tryRead(out, bytes.subarray(at)), "cannot look at what was queued in a terminal", this.subject);
    return bytes;
  }

  /** The calls that empty it. */
  get drain(): Call[] {
    return times(PIECES, { nr: NR.read, args: [this.out, this.#scratch, MOST] });
  }

  empty(): void {
    makeCalls(this.drain);
    this.#used = 0;
    this.#bytes = 0;
  }

  close(): void {
    for (const fd of [this.out, this.into, ...(this.#view ?? [])]) closeFd(fd);
  }
}

/** A pty that is being emptied, and is filled again at the end, or when we die. */
export class Emptied {
  readonly #toMaster: Aside;
  readonly #toSlave: Aside;
  /** Its end comes after that of the other, which was started later and so keeps it waiting. */
  readonly #later: Standby;
  readonly #standby: Standby;
  readonly #mayType: boolean;
  /** Output may be stopped: it is not known yet. */
  readonly #isStuck: boolean;
  /** What is known and does not lie aside any more: it comes before what does. */
  #known: PtyInside;
  /** As in `Typed`: lines that lie aside. */
  readonly #lines: number[] = [];

  constructor(
    readonly pty: OpenPty,
    readonly subject: Subject,
    /** What makes the master plain, and what undoes that. */
    readonly around: { change: Call[]; undo: Call[] },
    /** `packetStatus`: what makes the master plain takes it away. */
    status: number,
  ) {
    this.#known = { ...nothing, status };
    this.#toMaster = new Aside(subject);
    this.#toSlave = new Aside(subject);
    this.#later = new Standby();
    this.#standby = new Standby();
    this.#mayType = mayType(pty.slave);
    this.#isStuck = pty.slave >= 0 && !this.#takesOutput;
  }

  get #takesOutput(): boolean {
    return (pollNow(this.pty.slave, POLL.OUT) & POLL.OUT) !== 0;
  }

  look(): PtyInside {
    try {
      const inside = this.#takeOut();
      this.#fill(inside);
      return inside;
    } finally {
      this.#later[Symbol.dispose]();
      for (const one of [this.#toMaster, this.#toSlave]) one.close();
    }
  }

  #takeOut(): PtyInside {
    this.#standby.ifWeDie(this.#putBack());
    try {
      makeCalls(this.around.change);
      this.#empty();
      return this.#all();
    } catch (error) {
      this.#standby.carryOut(this.#putBack());
      throw error;
    }
  }

  #empty(): void {
    const { master, slave } = this.pty;
    while ((this.#toMaster.take(master) ?? 0) > 0) if (slave < 0 || this.#toMaster.isFull) this.#absorb();
    if (slave < 0) return;
    trySetLockedTermios(master, UNLOCKED);
    this.#lookAtFlow();
    this.#emptySlave();
  }

  /** A slave with an empty queue in front of it that takes nothing is stopped: by a call, if it is so without IXON too. */
  #lookAtFlow(): void {
    if (this.#takesOutput) return;
    this.#absorb();
    trySetTermios(this.pty.master, this.#flowing());
    const stopped: Stopped = this.#takesOutput ? STOPPED.key : STOPPED.call;
    this.#learn({ ...this.#known, stopped });
  }

  /** Modes in which no key stops the output. */
  #flowing(): Termios {
    const modes = verbatim(this.pty.modes, "lines");
    return { ...modes, iflag: modes.iflag & ~TERMIOS.IXON };
  }

  /** Reads as the program would, a line at a time, then what is behind the last one. */
  #emptySlave(): void {
    const { master, slave, modes } = this.pty;
    trySetTermios(master, verbatim(modes, "lines"));
    for (const ends = delimiters(modes); givesLines(modes); ) {
      const got = this.#toSlave.take(slave);
      if (got === undefined) break;
      const aside = this.#toSlave.look();
      const line = aside.subarray(aside.length - got);
      const isEnded = ends.has(line.at(-1) ?? -1);
      this.#lines.push(2 * got + (isEnded ? 0 : 1));
      // what a pipe cannot tell: an end of file, a literal one in the middle
      const isPlain = isEnded && !line.subarray(0, -1).some((byte) => ends.has(byte));
      if (!isPlain || this.#toSlave.isFull) this.#absorb();
    }
    trySetTermios(master, verbatim(modes, "bytes"));
    while ((this.#toSlave.take(slave) ?? 0) > 0) if (this.#toSlave.isFull) this.#absorb();
  }

  /** What is known, and behind it what lies aside. */
  #all(): PtyInside {
    const { toMaster, toSlave, stopped, status } = this.#known;
    const lines = [...toSlave.lines, ...this.#lines];
    const data = join(toSlave.data, this.#toSlave.look());
    return { toMaster: join(toMaster, this.#toMaster.look()), toSlave: { data, lines }, stopped, status };
  }

  /** Takes note of what lies aside, and throws it away. */
  #absorb(): void {
    const known = this.#all();
    this.#learn(known, [...this.#toMaster.drain, ...this.#toSlave.drain]);
    this.#toMaster.empty();
    this.#toSlave.empty();
    this.#lines.length = 0;
    this.#learn(known);
  }

  /** @param first what has to be done before it is put back, if we die now */
  #learn(known: PtyInside, first: readonly Call[] = []): void {
    this.#known = known;
    this.#standby.ifWeDie([...first, ...this.#putBack()]);
  }

  /** What puts everything back: what is known, what lies aside, what is still there. The agents go home when that is done. */
  #putBack(): Call[] {
    const { master, slave, modes } = this.pty;
    const [known, toMaster, toSlave] = [this.#known, this.#toMaster, this.#toSlave];
    // key by key takes long to write down again and again, at once may be mixed with what the modes make of it
    const byKey = this.#mayType && known.toSlave.data.length <= FEW;
    const { calls, rest, last } = filling(this.pty, known, byKey, true);
    const writes = rest.flatMap(({ fd, bytes }) => writeCalls(fd, bytes));
    const set = (which: "lines" | "bytes") => setTermiosCall(master, verbatim(modes, which));
    const takeRest = times(PIECES, move(master, toMaster.into, MOST));
    // we may die before it is plain: a master that waits would hold up whoever drains it
    const plain = this.around.change;
    if (slave < 0) return [...plain, ...takeRest, ...calls, ...writes, ...last, ...this.around.undo];
    const flow: Call[] = [{ nr: NR.ioctl, args: [slave, TC.XONC, TCOON] }, setTermiosCall(master, this.#flowing())];
    return [
      ...plain,
      setLockedTermiosCall(master, UNLOCKED),
      set("lines"),
      ...times(LINES, move(slave, toSlave.into, MOST)),
      set("bytes"),
      ...times(PIECES, move(slave, toSlave.into, MOST)),
      ...takeRest,
      ...(this.#isStuck && known.stopped === undefined ? flow : []),
      ...calls,
      ...writes,
      ...pourCalls(toMaster.out, slave),
      set("lines"),
      ...pourCalls(toSlave.out, master),
      settle(slave),
      ...last,
      ...this.around.undo,
    ];
  }

  #fill(inside: PtyInside): void {
    const { master, slave } = this.pty;
    const { calls, rest, last } = filling(this.pty, inside, this.#mayType);
    const end = [...last, ...this.around.undo];
    if (rest.length === 0) {
      this.#standby.carryOut([...calls, ...end]);
      return;
    }
    // what does not fit is put there by us, who can wait for room; it lies aside meanwhile
    const [{ out: forMaster }, { out: forSlave }] = [this.#toMaster, this.#toSlave];
    this.#later.ifWeDie([...pourCalls(forMaster, slave), ...pourCalls(forSlave, master), ...end]);
    const aside = rest.map(({ fd, bytes }): Call => {
      const { into } = fd === master ? this.#toSlave : this.#toMaster;
      return { nr: NR.write, args: [into, bytes, bytes.length] };
    });
    this.#standby.carryOut([...this.#toMaster.drain, ...this.#toSlave.drain, ...calls, ...aside]);
    try {
      for (const { fd, bytes } of rest) moveAll(fd === master ? forSlave : forMaster, fd, bytes.length, this.subject);
    } finally {
      makeCalls(end);
    }
  }
}
