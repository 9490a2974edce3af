/**
 * Traces in our stead: a process beside us, in our memory, makes the ptrace and wait calls. PTRACE_O_SUSPEND_SECCOMP ends with
 * the tracer, and a task under a filter that makes calls for us would then die of them: the deputy outlives us until all that it
 * traces are home. Each call costs a switch to it and back.
 */
import { CrError } from "../error.ts";
import { NR } from "./nr.ts";
import { addressOf, startDeputy, sys } from "./sys.ts";

/** `struct deputy` of ffi/shim.c, in words of 8 bytes; the state is the first 4 bytes. */
const WORD = { nr: 1, args: 2, result: 8, parent: 9, count: 10, room: 11, wards: 12, pending: 13, size: 14 } as const;
const ANSWERED = 0;
const ASKED = 1;
const DISMISSED = 2;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const STACK = 65536;
/** Threads that it can bring home. */
const ROOM = 65536;

export class Deputy implements Disposable {
  readonly #words = new BigInt64Array(new ArrayBuffer(WORD.size * 8));
  readonly #state = new Int32Array(this.#words.buffer);
  readonly #stack = new Uint8Array(new ArrayBuffer(STACK));
  /** Thread id and trampoline of each. */
  readonly #wards = new BigInt64Array(new ArrayBuffer(ROOM * 16));
  readonly #address = addressOf(this.#words);
  readonly #pid: number;

  constructor() {
    this.#words[WORD.parent] = BigInt(process.pid);
    this.#words[WORD.room] = BigInt(ROOM);
    this.#words[WORD.wards] = BigInt(addressOf(this.#wards));
    const top = addressOf(this.#stack) + STACK;
    this.#pid = startDeputy(this.#address, top - (top % 16));
    if (this.#pid < 0) throw new CrError("cannot start a process that traces for us", { code: "EAGAIN" });
  }

  /** Makes the call in the deputy: its result, or the negative errno. */
  call(nr: number, ...args: number[]): number {
    this.#words[WORD.nr] = BigInt(nr);
    for (let i = 0; i < 6; i++) this.#words[WORD.args + i] = BigInt(args[i] ?? 0);
    Atomics.store(this.#state, 0, ASKED);
    sys(NR.futex, this.#address, FUTEX_WAKE, 1);
    while (Atomics.load(this.#state, 0) === ASKED) sys(NR.futex, this.#address, FUTEX_WAIT, ASKED);
    return Number(this.#words[WORD.result]);
  }

  /** Tells where the injected calls of a thread run: there it is on its way, whatever its signal mask. */
  expect(tid: number, trampoline: number): void {
    const count = Number(this.#words[WORD.count]);
    for (let i = 0; i < count; i++) if (Number(this.#wards[2 * i]) === tid) this.#wards[2 * i + 1] = BigInt(trampoline);
  }

  /** When we die, it lets nobody go as long as this word is not 0; without an address at once. */
  letGoAfter(pending: number): void {
    this.#words[WORD.pending] = BigInt(pending);
  }

  /** What it traces still is let go by the kernel. */
  [Symbol.dispose](): void {
    if (Atomics.load(this.#state, 0) !== ANSWERED) return;
    Atomics.store(this.#state, 0, DISMISSED);
    sys(NR.futex, this.#address, FUTEX_WAKE, 1);
    const [EINTR, WALL] = [-4, 0x40000000];
    while (sys(NR.wait4, this.#pid, 0, WALL, 0) === EINTR);
  }
}
