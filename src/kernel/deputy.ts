/**
 * Traces in our stead: a process beside us, in our memory, makes the ptrace and wait calls. PTRACE_O_SUSPEND_SECCOMP ends with
 * the tracer, and a task under a filter that makes calls for us would then die of them: the deputy outlives us until all that it
 * traces are home. Each call costs a switch to it and back.
 */
import { CrError } from "../error.ts";
import { ANSWERED, Desk, OWN_WORDS } from "./beside.ts";
import { addressOf, startDeputy } from "./sys.ts";

/** `struct deputy` of ffi/beside.c, in words of 8 bytes, behind those of every desk. */
const WORD = {
  parent: OWN_WORDS,
  count: OWN_WORDS + 1,
  room: OWN_WORDS + 2,
  wards: OWN_WORDS + 3,
  pending: OWN_WORDS + 4,
  size: OWN_WORDS + 5,
} as const;
const STACK = 65536;
/** Threads that it can bring home. */
const ROOM = 65536;
/** Words of what is kept of each. */
const WARD = 5;

export class Deputy implements Disposable {
  readonly #desk = new Desk(WORD.size);
  readonly #words = this.#desk.words;
  readonly #stack = new Uint8Array(new ArrayBuffer(STACK));
  /** `struct ward` of each: thread id, then start and size of code, twice. */
  readonly #wards = new BigInt64Array(new ArrayBuffer(ROOM * WARD * 8));
  readonly #pid: number;

  constructor() {
    this.#words[WORD.parent] = BigInt(process.pid);
    this.#words[WORD.room] = BigInt(ROOM);
    this.#words[WORD.wards] = BigInt(addressOf(this.#wards));
    const top = addressOf(this.#stack) + STACK;
    this.#pid = startDeputy(this.#desk.address, top - (top % 16));
    if (this.#pid < 0) throw new CrError("cannot start a process that traces for us", { code: "EAGAIN" });
  }

  /** Makes the call in the deputy: its result, or the negative errno. */
  call(nr: number, ...args: number[]): number {
    return this.#desk.ask(nr, args);
  }

  /**
   * Tells of code that a thread runs for us and that ends in rt_sigreturn: there it is on its way home.
   * @param place 0 or 1: of each thread two such places are kept
   */
  expect(tid: number, place: 0 | 1, start: number, size: number): void {
    const count = Number(this.#words[WORD.count]);
    for (let at = 0; at < count * WARD; at += WARD)
      if (Number(this.#wards[at]) === tid) this.#wards.set([BigInt(start), BigInt(size)], at + 1 + place * 2);
  }

  /** When we die, it lets nobody go as long as this word is not 0; without an address at once. */
  letGoAfter(pending: number): void {
    this.#words[WORD.pending] = BigInt(pending);
  }

  /** What it traces still is let go by the kernel. */
  [Symbol.dispose](): void {
    if (this.#desk.state === ANSWERED) this.#desk.dismiss(this.#pid);
  }
}
