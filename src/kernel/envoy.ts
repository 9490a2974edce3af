/**
 * Goes to other namespaces in our stead: a process beside us, with our memory and descriptors, makes the calls. We cannot: our
 * threads share their root, and any may start another one at any time. Each call costs a switch to it and back.
 */
import { CrError } from "../error.ts";
import { NR } from "./nr.ts";
import { addressOf, startEnvoy, sys } from "./sys.ts";

/** `struct envoy` of ffi/shim.c, in words of 8 bytes; the state is the first 4 bytes. */
const WORD = { nr: 1, args: 2, result: 8, parent: 9, size: 10 } as const;
const ASKED = 1;
const DISMISSED = 2;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const STACK = 65536;
const [EINTR, WALL] = [-4, 0x40000000];

/** A system call as `sys` makes it: by us, or by an envoy. */
export type Caller = typeof sys;

export class Envoy implements Disposable {
  readonly #words = new BigInt64Array(new ArrayBuffer(WORD.size * 8));
  readonly #state = new Int32Array(this.#words.buffer);
  readonly #stack = new Uint8Array(new ArrayBuffer(STACK));
  readonly #address = addressOf(this.#words);
  readonly pid: number;
  /** Makes a call there: the result, or the negative errno. Descriptors that come of it are ours. */
  readonly call: Caller;

  constructor() {
    this.#words[WORD.parent] = BigInt(process.pid);
    const top = addressOf(this.#stack) + STACK;
    this.pid = startEnvoy(this.#address, top - (top % 16));
    if (this.pid < 0) throw new CrError("cannot start a process that goes to other namespaces", { code: "EAGAIN" });
    this.call = (nr, ...args) => this.#ask(nr, args);
  }

  #ask(nr: number, args: readonly (number | undefined)[]): number {
    this.#words[WORD.nr] = BigInt(nr);
    for (let i = 0; i < 6; i++) this.#words[WORD.args + i] = BigInt(args[i] ?? 0);
    Atomics.store(this.#state, 0, ASKED);
    sys(NR.futex, this.#address, FUTEX_WAKE, 1);
    while (Atomics.load(this.#state, 0) === ASKED) sys(NR.futex, this.#address, FUTEX_WAIT, ASKED);
    return Number(this.#words[WORD.result]);
  }

  [Symbol.dispose](): void {
    Atomics.store(this.#state, 0, DISMISSED);
    sys(NR.futex, this.#address, FUTEX_WAKE, 1);
    while (sys(NR.wait4, this.pid, 0, WALL, 0) === EINTR);
    // it ran on it until now
    addressOf(this.#stack);
  }
}
