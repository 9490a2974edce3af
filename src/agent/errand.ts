/**
 * Threads that run no agent make a few calls each, all of them side by side. A thread finds its list of calls and the code that
 * makes them (`Arch.errand`) in memory that stays its process's own, and is home behind the last of them whether or not we
 * still live: its list ends with a wait for us, which our death ends too. One stop a thread.
 */
import { CrError, type Subject } from "../error.ts";
import { NR, syscallName } from "../kernel/nr.ts";
import { addressOf, sys, sysError } from "../kernel/sys.ts";
import { arch } from "./arch/index.ts";
import type { Home } from "./home.ts";
import { GATE } from "./layout.ts";
import type { Parasite } from "./parasite.ts";
import { type Arg, type CallOptions, Data, Result } from "./program.ts";
import type { Tracee } from "./tracee.ts";

/** One call of the list, words of 8 bytes: number, five arguments, result. The errand code knows it. */
const ERRAND = { nr: 0, args: 8, result: 48, size: 56, arguments: 5 } as const;

/** The list, and the data behind it. */
const MAX_CALLS = 9;
const DATA = MAX_CALLS * ERRAND.size;
const ROOM = 640;
/** What no call returns: it has not been made yet. */
const NOT_YET = 0x4000_0000_0000_0000n;
const NOT_YET_BYTE = 0x40;
const FUTEX_WAIT = 0;
/** Between two looks at the threads: 20 us. Every so often we look whether one has ended or was stopped. */
const PAUSE = new BigInt64Array([0n, 20_000n]);
const LOOK_EVERY = 64;

/** The calls that each of some threads makes: asked once, and answered by one thread after the other. */
export class Errand {
  readonly #bytes = new Uint8Array(ROOM);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #notes: (CallOptions | undefined)[] = [];
  /** Arguments that are places in the data: where they stand, and what they lie behind. */
  readonly #places: { readonly at: number; readonly offset: number }[] = [];
  #data: number = DATA;

  /** Zeroed bytes that the thread can write. */
  reserve(size: number): Data {
    const offset = this.#data;
    this.#data += (size + 7) & ~7;
    if (this.#data > ROOM) throw new CrError("more data than an errand has room for");
    return new Data(offset, this.#bytes.subarray(offset, offset + size));
  }

  call(nr: number, args: readonly Arg[], options?: CallOptions): Result {
    const at = this.length;
    if (at >= DATA || args.length > ERRAND.arguments)
      throw new CrError("more calls than an errand has room for", { subject: { call: nr } });
    this.#view.setBigInt64(at + ERRAND.nr, BigInt(nr), true);
    args.forEach((arg, i) => {
      const place = at + ERRAND.args + i * 8;
      if (arg instanceof Data) this.#places.push({ at: place, offset: arg.offset });
      else if (typeof arg === "number" || typeof arg === "bigint") this.#view.setBigInt64(place, BigInt(arg), true);
      else throw new CrError("an errand with an argument of another kind", { subject: { call: nr } });
    });
    this.#view.setBigInt64(at + ERRAND.result, NOT_YET, true);
    this.#notes.push(options);
    return new Result(this.#notes.length - 1, 0);
  }

  /** Bytes of the list. */
  get length(): number {
    return this.#notes.length * ERRAND.size;
  }

  /** Its bytes as they shall lie at an address; valid until the next call. Not after `answered`. */
  placed(address: number): Uint8Array {
    for (const { at, offset } of this.#places) this.#view.setBigInt64(at, BigInt(address + offset), true);
    return this.#bytes;
  }

  /** Whether all calls but the last have been made, by what lies in a thread's place now. */
  isDone(place: Uint8Array): boolean {
    const last = (this.#notes.length - 2) * ERRAND.size;
    // no result has such a highest byte
    return last < 0 || place[last + ERRAND.result + 7] !== NOT_YET_BYTE;
  }

  /**
   * From now on what is read is what this thread has answered.
   * @throws CrError for the first call that failed and may not
   */
  answered(place: Uint8Array, subject: Subject): void {
    this.#bytes.set(place);
    this.#notes.slice(0, -1).forEach((options, i) => {
      const result = this.#result(i);
      if (result >= 0 || result < -4095 || options?.ignore) return;
      const name = syscallName(this.#view.getUint32(i * ERRAND.size, true));
      throw sysError(result, options?.what ?? `${name} in the thread`, { ...subject, ...options?.subject });
    });
  }

  #result(index: number): number {
    return Number(this.#view.getBigInt64(index * ERRAND.size + ERRAND.result, true));
  }

  result(of: Result): number {
    return this.#result(of.index);
  }
}

/** Whether threads of this process can be sent. A filter (seccomp) must not meet their calls when we die. */
export function canSend(home: Home, parasite: Parasite): boolean {
  return home.errand !== undefined && !parasite.filtered;
}

/**
 * Sends stopped threads, at most as many as `home` has places for; they stand as they were found afterwards.
 * @param ask appends the calls and returns what reads a thread's answer
 */
export function send<T>(
  threads: readonly Tracee[],
  home: Home,
  parasite: Parasite,
  ask: (errand: Errand) => () => T,
): T[] {
  const { errand: code } = home;
  if (code === undefined) throw new Error("there is no room for the code of errands");
  const errand = new Errand();
  const answer = ask(errand);
  errand.call(NR.futex, [parasite.base + GATE.at, FUTEX_WAIT, GATE.closed, 0]);
  const places = threads.map((_, i) => home.place(i + 1).scratch);
  const frames = home.framesFor(threads, (i) => errand.placed(places[i] ?? 0));
  const sent: Sent[] = [];
  let found: Uint8Array;
  try {
    threads.forEach((thread, i) => {
      const [first, frame] = [places[i], frames[i]];
      if (first === undefined || frame === undefined) return;
      sent.push({ thread, frame });
      thread.send(arch.runErrand(thread.regs, code, frame, first, first + errand.length));
    });
    found = awaitCalls(sent, errand, home);
  } finally {
    bringBack(sent, home);
  }
  return sent.map(({ thread: { pid, tid } }, i) => {
    errand.answered(home.belowFrame(found, i, ROOM), { pid, tid });
    return answer();
  });
}

interface Sent {
  thread: Tracee;
  frame: number;
}

/** Stops the threads, wherever they are, and puts everything back as it was found. One that has ended does not hold up the others. */
function bringBack(sent: readonly Sent[], home: Home): void {
  let gone: unknown;
  for (const { thread } of sent) thread.call();
  for (const { thread, frame } of sent) {
    try {
      thread.halt();
      // without us it would go on, and then home
      if (arch.callsKeepState) thread.settle();
      else thread.restore(home.trampoline, frame);
    } catch (error) {
      gone ??= error;
    }
  }
  if (gone !== undefined) throw gone;
}

/** Waits until all threads have made their calls; returns what lies in their places then. */
function awaitCalls(sent: readonly Sent[], errand: Errand, home: Home): Uint8Array {
  for (let looks = 1; ; looks++) {
    sys(NR.nanosleep, addressOf(PAUSE), 0);
    const found = home.readPlaces(sent.length);
    const left = sent.filter((_, i) => !found || !errand.isDone(home.belowFrame(found, i, ROOM)));
    if (found && left.length === 0) return found;
    if (looks % LOOK_EVERY === 0) for (const { thread } of left) thread.notice();
  }
}
