/**
 * Where injected code runs and how it leads home. Before a thread's first register is changed, a complete signal frame with
 * its state lies in memory where nothing lives, and the instruction after every injected call is rt_sigreturn with the
 * stack pointer at that frame: a victim whose tracer vanishes goes on by itself.
 */
import { CrError } from "../error.ts";
import { PAGE_SIZE, type RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { PAGE, scanPages } from "../kernel/pagemap.ts";
import { leadsHome } from "../kernel/ptrace.ts";
import { AT_FDCWD } from "../kernel/stat.ts";
import { addressOf, cstring, sys } from "../kernel/sys.ts";
import { arch } from "./arch/index.ts";
import { AREA } from "./layout.ts";
import type { Tracee } from "./tracee.ts";

/** What the search needs to know of a VMA. */
export interface Area {
  start: number;
  end: number;
  readable: boolean;
  writable: boolean;
  executable: boolean;
  shared: boolean;
  /** VmFlags `um`, `uw`, `ht`, `dp`, `wf`, `io`, `pf`, `ss` and such: memory that is not ours to touch. */
  special: boolean;
  /** VmFlags `lo`, `lf`: pages that are there stay there. */
  locked: boolean;
  name: string;
}

/** Pages that the injection itself brought into being: they are no part of the task's state. */
export interface OwnPages {
  start: number;
  end: number;
}

/** Bytes at the end of a text mapping: the last 32 hold the trampoline, those before the last call of a task. */
const TRAMPOLINE = 32;
const TAIL = 64;
const LONG_TAIL = 256;
const LAST_CALL = LONG_TAIL - TRAMPOLINE;
const MADV_DONTNEED = 4;
/** Threads that are away at a time: each takes a page or more, which a task without room for a last call keeps. */
const MAX_OTHERS = 32;
/** What is searched for zeros, the same memory each time: fresh memory would fault page by page. As many zeros to compare it with. */
let looked: Uint8Array = new Uint8Array(new ArrayBuffer(4 * PAGE_SIZE));
let zeros: Uint8Array = new Uint8Array(new ArrayBuffer(4 * PAGE_SIZE));

/** So many bytes to look at, until the next call. */
function lookRoom(size: number): Uint8Array {
  if (looked.length < size) [looked, zeros] = [new Uint8Array(new ArrayBuffer(size)), new Uint8Array(size)];
  return looked.subarray(0, size);
}

/** Of bytes of `lookRoom`. */
const isZero = (bytes: Uint8Array) => Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0;

/** How each frame begins that leads home, by the bytes of extended state in it. */
const heads = new Map<number, Uint8Array>();

function headOf(framed: number): Uint8Array {
  let head = heads.get(framed);
  if (!head) {
    head = arch.frame(new BigUint64Array(64), new Uint8Array(framed), 0n, 1 << 20).bytes;
    heads.set(framed, head);
  }
  return head;
}
/** So far below the stack pointer nothing of a program lives. */
const BELOW = 65536;
const O_CLOEXEC = 0o2000000;

function pagemap(pid: number, start: number, pages: number): BigUint64Array {
  const path = cstring(`/proc/${pid}/pagemap`);
  const fd = sys(NR.openat, AT_FDCWD, addressOf(path), O_CLOEXEC);
  const entries = new BigUint64Array(pages);
  if (fd >= 0) {
    sys(NR.pread64, fd, addressOf(entries), pages * 8, (start / PAGE_SIZE) * 8);
    sys(NR.close, fd);
  }
  return entries;
}

const PRESENT_OR_SWAPPED = 3n << 62n;
const FILE_PAGE = 1n << 61n;

/** Bytes at the bottom of an area that are searched. */
const LOOK = 2 << 20;

/** Where `size` bytes lie that hold nothing: never touched, or only read, so that the zero page is there. */
function firstGap(pid: number, start: number, end: number, size: number): number | undefined {
  const path = cstring(`/proc/${pid}/pagemap`);
  const fd = sys(NR.openat, AT_FDCWD, addressOf(path), O_CLOEXEC);
  if (fd < 0) return undefined;
  try {
    const held = scanPages(fd, [{ start, end }], { any: PAGE.PRESENT | PAGE.SWAPPED, none: PAGE.PFNZERO });
    let at = start;
    for (let i = 0; i < held.length; i += 3) {
      if ((held[i] ?? end) - at >= size) return at;
      at = held[i + 1] ?? end;
    }
    return end - at >= size ? at : undefined;
  } finally {
    sys(NR.close, fd);
  }
}

/** Memory of which nothing below `unused` is anybody's. */
interface Stack {
  readonly start: number;
  readonly unused: number;
  readonly isMain: boolean;
}

const isMemory = (a: Area) =>
  a.readable && a.writable && !a.shared && !a.special && (a.name === "" || a.name.startsWith("["));
const isPlain = (a: Area) => isMemory(a) && !a.locked;

/** The stack that the kernel made, and those of threads: a guard lies below, and one stack pointer is in them. */
function stacksOf(areas: readonly Area[], sps: readonly number[], isOurs: (area: Area) => boolean): Stack[] {
  const stacks: Stack[] = [];
  for (const [index, area] of areas.entries()) {
    if (!isOurs(area)) continue;
    const { start, end, name } = area;
    const inside = sps.filter((sp) => start <= sp && sp < end);
    const below = areas[index - 1];
    const isGuarded = below !== undefined && below.end === start && !below.readable && !below.writable;
    // its threads may be on other stacks just now
    if (name === "[stack]") stacks.unshift({ start, unused: Math.min(end, ...inside) - BELOW, isMain: true });
    else if (isGuarded && inside.length === 1)
      stacks.push({ start, unused: Math.min(...inside) - BELOW, isMain: false });
  }
  return stacks;
}

export class Home implements Disposable {
  /** Address of the trampoline. */
  readonly trampoline: number;
  /** Where the agent's area goes; 0 leaves it to the kernel, which finds 64-bit code no place below 4 GiB. */
  readonly room: number = 0;
  /** Lowest address of the pages for frames: one frame for the agent's thread, above it those for other threads. */
  readonly #frames: number;
  readonly #frameRoom: number;
  /** So many other threads may be away at a time. */
  readonly others: number;
  /** Address for the code of errands and of the last call, where there is room. */
  readonly #last: number | undefined;
  readonly own: OwnPages[] = [];
  #framesUsed = 0;
  #lastUsed = 0;
  #buffer = new Uint8Array(0);

  constructor(
    readonly pid: number,
    readonly memory: RemoteMemory,
    areas: readonly Area[],
    /** Bytes of extended state that its frames have room for. */
    readonly framed: number,
    /** Stack pointers of all threads. */
    sps: readonly number[],
    /** The task runs 32-bit code. */
    isI386 = false,
  ) {
    if (isI386) this.room = lowGap(pid, areas);
    this.#frameRoom = Math.ceil((arch.frameSize(framed) + 768) / PAGE_SIZE) * PAGE_SIZE;
    [this.#frames, this.others] = this.#findPlaces(areas, sps);
    this.own.push({ start: this.#frames, end: this.#frames + (this.others + 1) * this.#frameRoom });
    const padding = this.#findPadding(areas);
    this.trampoline = padding.end - TRAMPOLINE;
    this.#last = padding.long ? padding.end - LONG_TAIL : undefined;
    const page = this.trampoline - (this.trampoline % PAGE_SIZE);
    const [entry = 0n] = pagemap(pid, page, 1);
    if ((entry & PRESENT_OR_SWAPPED) === 0n || (entry & FILE_PAGE) !== 0n)
      this.own.push({ start: page, end: page + PAGE_SIZE });
    memory.write(this.trampoline, arch.trampoline);
  }

  /** Bytes at the end of a text mapping, zero in its file, that our code may have been written to. */
  get code(): OwnPages {
    const end = this.trampoline + TRAMPOLINE;
    return { start: end - LONG_TAIL, end };
  }

  /**
   * Room for the leader's frame and for those of other threads: as many as there is room for, one at least. Best in a stack: when
   * we die, threads that are home already go on while others are on their way, and what never was touched anywhere else they may
   * take for themselves, and rely on its being zero.
   */
  #findPlaces(areas: readonly Area[], sps: readonly number[]): [start: number, others: number] {
    const stacks = stacksOf(areas, sps, isPlain);
    for (const find of [
      (size: number) => this.#findInStack(stacks, size),
      (size: number) => this.#findUntouched(areas, size),
      // all of it is locked (mlockall), so that every page is there: zeroed ones of stacks are as good, and are wiped at the end
      (size: number) => this.#findInStack(stacksOf(areas, sps, isMemory), size),
    ]) {
      for (let others = Math.min(sps.length - 1, MAX_OTHERS); ; others = others >> 1) {
        const found = find((Math.max(others, 1) + 1) * this.#frameRoom);
        if (found !== undefined) return [found, Math.max(others, 1)];
        if (others <= 1) break;
      }
    }
    throw new CrError("found no untouched memory for the way home of injected calls", {
      code: "ENOMEM",
      subject: { pid: this.pid },
      remedy: "the task has no spare page in its stack or heap: let it map some memory, or stop it elsewhere",
    });
  }

  /** Zeroed pages at the bottom of a stack that is in use far above; in those of threads rather what never was touched. */
  #findInStack(stacks: readonly Stack[], size: number): number | undefined {
    for (const { start, unused, isMain } of stacks) {
      const end = Math.min(unused, start + LOOK);
      if (end - start < size) continue;
      const found = isMain ? undefined : firstGap(this.pid, start, end, size);
      const place = found ?? this.#firstZeroed(start, end, size);
      if (place !== undefined) return place;
    }
    return undefined;
  }

  /** Pages of private memory that were never touched. */
  #findUntouched(areas: readonly Area[], size: number): number | undefined {
    const usable = areas.filter((a) => isPlain(a) && a.end - a.start >= size);
    usable.sort(
      (a, b) => Number(b.name === "[stack]") - Number(a.name === "[stack]") || b.end - b.start - (a.end - a.start),
    );
    for (const area of usable) {
      const found = firstGap(this.pid, area.start, Math.min(area.end, area.start + LOOK), size);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * Where `size` bytes are zero or frames that a killed run left, by pages. What a finished run wiped is used again, too: else
   * each dump would cost a task that lives on a few pages.
   */
  #firstZeroed(start: number, end: number, size: number): number | undefined {
    let bytes: Uint8Array = new Uint8Array(0);
    let [from, bytesAt] = [start, start];
    for (let at = start; at + this.#frameRoom <= end; ) {
      if (at + this.#frameRoom > bytesAt + bytes.length) {
        // as much as is needed from here, if it is all zero: mostly it is
        bytes = lookRoom(Math.max(Math.min(from + size, end) - at, this.#frameRoom));
        bytesAt = at;
        if (!this.memory.tryRead(at, bytes)) return undefined;
        if (at + bytes.length - from >= size && isZero(bytes)) return from;
      }
      const room = bytes.subarray(at - bytesAt, at - bytesAt + this.#frameRoom);
      if (this.#isFrame(room)) at += room.length;
      else {
        const isUnused = isZero(room.subarray(0, PAGE_SIZE));
        at += PAGE_SIZE;
        if (!isUnused) from = at;
      }
      if (at - from >= size) return from;
    }
    return undefined;
  }

  /** Does a frame of ours end here? Nothing else has such alternate stack flags. */
  #isFrame(room: Uint8Array): boolean {
    const head = headOf(this.framed);
    const at = room.length - head.length;
    for (let i = 0; i < arch.frameHead; i++) if (room[at + i] !== head[i]) return false;
    return true;
  }

  /** Zero bytes behind the last instruction of a text mapping, many where there are many. */
  #findPadding(areas: readonly Area[]): { end: number; long: boolean } {
    const text = areas.filter(
      (a) => a.executable && a.readable && !a.shared && (a.name.startsWith("/") || a.name === "[vdso]"),
    );
    text.sort((a, b) => Number(a.name === "[vdso]") - Number(b.name === "[vdso]"));
    for (const size of [LONG_TAIL, TAIL]) {
      const tail = new Uint8Array(size);
      for (const { end } of text) {
        if (this.memory.tryRead(end - size, tail) && isPadding(tail)) return { end, long: size === LONG_TAIL };
      }
    }
    throw new CrError("found no unused bytes behind the task's code for injected calls", {
      code: "ENOEXEC",
      subject: { pid: this.pid },
    });
  }

  /**
   * Place of a thread's frame: 0 for the one that runs the agent.
   * @returns the place's end, and the address of some 700 bytes below the frame
   */
  place(index: number): { end: number; scratch: number } {
    const scratch = this.#frames + index * this.#frameRoom;
    return { end: scratch + this.#frameRoom, scratch };
  }

  /** Writes the frame of a thread; the places above 0 are for those that do not run the agent. */
  frameFor(tracee: Tracee, index = 0): { sp: number; scratch: number } {
    const { end, scratch } = this.place(index);
    const { bytes, sp } = arch.frame(arch.atRest(tracee.regs), tracee.fp, tracee.mask, end);
    this.#framesUsed = Math.max(this.#framesUsed, index + 1);
    this.memory.write(end - bytes.length, bytes);
    leadsHome(tracee.tid, 0, this.trampoline, TRAMPOLINE);
    return { sp, scratch };
  }

  /** Writes frames of threads other than the agent's, and something below each, at once; returns their stack pointers. */
  framesFor(tracees: readonly Tracee[], below: (i: number) => Uint8Array): number[] {
    const room = this.#frameRoom;
    const all = this.#places(tracees.length).fill(0);
    const sps = tracees.map((tracee, i) => {
      const own = all.subarray(i * room, (i + 1) * room);
      const { sp } = arch.frame(arch.atRest(tracee.regs), tracee.fp, tracee.mask, this.place(i + 1).end, own);
      own.set(below(i));
      return sp;
    });
    this.#framesUsed = Math.max(this.#framesUsed, tracees.length + 1);
    this.memory.write(this.place(1).scratch, all);
    return sps;
  }

  /** Bytes for so many places, the same ones each time: fresh memory would fault page by page. */
  #places(count: number): Uint8Array {
    const size = count * this.#frameRoom;
    if (this.#buffer.length < size) this.#buffer = new Uint8Array(new ArrayBuffer(size));
    return this.#buffer.subarray(0, size);
  }

  /** What lies in the places of the first threads other than the agent's, until the next call; undefined when it cannot be read. */
  readPlaces(count: number): Uint8Array | undefined {
    const all = this.#places(count);
    return this.memory.tryRead(this.place(1).scratch, all) ? all : undefined;
  }

  /** So many bytes of what `readPlaces` found below the frame of a thread, counted from 0. */
  belowFrame(places: Uint8Array, index: number, size: number): Uint8Array {
    return places.subarray(index * this.#frameRoom, index * this.#frameRoom + size);
  }

  /** Address of the code of errands, which is there from now on; undefined where there is no room for it. */
  get errand(): number | undefined {
    if (this.#last === undefined || this.#lastUsed > 0) return this.#last;
    this.#lastUsed = arch.errand.length;
    this.memory.write(this.#last, arch.errand);
    return this.#last;
  }

  /**
   * The end of a leader's stay: it stands behind its last call, and the frame leads home. Gives the pages of the frames back,
   * by a call that leads home without them, and puts everything as it was found.
   * @param keep the pages stay: the task may not make calls without us
   */
  leave(leader: Tracee, frame: number, keep: boolean): void {
    const code = this.#last === undefined || keep ? undefined : arch.lastCall(leader.regs, leader.mask);
    if (this.#last === undefined || code === undefined || code.length > LAST_CALL) {
      leader.restore(this.trampoline, frame);
      return;
    }
    this.memory.write(this.#last, code);
    this.#lastUsed = Math.max(this.#lastUsed, code.length);
    const size = (this.others + 1) * this.#frameRoom;
    if (leader.lastCall(this.#last, NR.madvise, [this.#frames, size, MADV_DONTNEED]) === 0) this.#framesUsed = 0;
  }

  /** Removes the trampoline and wipes the frames. No thread may be on its way home through them. */
  [Symbol.dispose](): void {
    try {
      this.memory.write(this.trampoline, new Uint8Array(arch.trampoline.length));
      if (this.#last !== undefined && this.#lastUsed > 0) this.memory.write(this.#last, new Uint8Array(this.#lastUsed));
      if (this.#framesUsed > 0) this.memory.write(this.#frames, new Uint8Array(this.#framesUsed * this.#frameRoom));
    } catch {
      // the task is gone: so are its pages
    }
  }
}

/** Bytes that the kernel keeps free below a stack, and more. */
const STACK_GAP = 2 << 20;
/** Where 32-bit programs have most room, between program and libraries. */
const LOWEST = 32 << 20;
const HIGHEST = 3 * 2 ** 30;

/** Room for the agent's area in an address space of 4 GiB. */
function lowGap(pid: number, areas: readonly Area[]): number {
  let at = LOWEST;
  for (const { start, end } of [...areas].sort((a, b) => a.start - b.start)) {
    if (start - STACK_GAP >= at + AREA.size) break;
    at = Math.max(at, end);
  }
  if (at + AREA.size <= HIGHEST) return at;
  throw new CrError("the 32-bit task has no room for the agent in its address space", {
    code: "ENOMEM",
    subject: { pid, bytes: AREA.size },
    remedy: "let it unmap some memory",
  });
}

/** The code of a last call begins like this, whatever the task. */
const lastCallHead = arch.lastCall(new BigUint64Array(64), 0n)?.slice(0, 12);

/** Nothing but zeros, or what an earlier run left when it was killed. */
function isPadding(tail: Uint8Array): boolean {
  const code = tail.subarray(tail.length - TRAMPOLINE);
  const before = tail.subarray(0, tail.length - TRAMPOLINE);
  const zero = (bytes: Uint8Array) => bytes.every((byte) => byte === 0);
  return (
    (zero(code) || startsWith(code, arch.trampoline)) &&
    (zero(before) ||
      (lastCallHead !== undefined && startsWith(before, lastCallHead)) ||
      startsWith(before, arch.errand))
  );
}

function startsWith(bytes: Uint8Array, head: Uint8Array): boolean {
  return head.every((byte, i) => bytes[i] === byte);
}
