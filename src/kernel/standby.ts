/** A process of our own beside us that makes system calls for us, whatever becomes of us meanwhile. */
import { bringHere } from "./elsewhere.ts";
import { closeFd, makePipe, tryWrite } from "./fd.ts";
import { wait } from "./ptrace.ts";
import { addressOf, startStandby, sys } from "./sys.ts";

const STACK = 32768;
const EINTR = -4;
/** Of a call in a list: its number and six arguments. */
export const WORDS = 7;

/** A system call: its number, and what it takes. Memory is kept alive, and may change until the call is made. */
export interface Call {
  readonly nr: number;
  readonly args: readonly (number | ArrayBufferView)[];
}

/** Makes them at once, whatever comes of each. */
export function makeCalls(calls: readonly Call[]): void {
  for (const { nr, args } of calls) sys(nr, ...args.map((arg) => (typeof arg === "number" ? arg : addressOf(arg))));
}

/** The calls as ts_standby takes them. */
function listOf(calls: readonly Call[]): BigInt64Array {
  const list = new BigInt64Array(new ArrayBuffer((1 + calls.length * WORDS) * 8));
  list[0] = BigInt(calls.length);
  calls.forEach(({ nr, args }, index) => {
    const words = [nr, ...args.map((arg) => (typeof arg === "number" ? arg : addressOf(arg)))];
    for (let i = 0; i < words.length; i++) list[1 + index * WORDS + i] = BigInt(words[i] ?? 0);
  });
  return list;
}

/**
 * Waits until it is told to, or until we die. It shares our memory, and has copies of the descriptors that we had when it was
 * made; those stay open as long as it lives. Only SIGKILL ends it early.
 */
export class Standby implements Disposable {
  readonly #orders = new BigInt64Array(new ArrayBuffer(40));
  readonly #stack = new Uint8Array(new ArrayBuffer(STACK));
  readonly #gate: number;
  readonly #open: number;
  readonly #pid: number;
  /** The lists, and what they point to. */
  readonly #kept = new Map<number, unknown>();
  #done = false;

  constructor() {
    [this.#gate, this.#open] = makePipe();
    this.#orders.set([BigInt(this.#gate), BigInt(this.#open), 0n, 0n, 1n]);
    const top = addressOf(this.#stack) + STACK;
    this.#pid = startStandby(addressOf(this.#orders), top - (top % 16));
  }

  /** False where no process could be started: nobody does anything when we die. */
  get isThere(): boolean {
    return this.#pid > 0;
  }

  /** Its pid; not positive where it is not there. */
  get pid(): number {
    return this.#pid;
  }

  /** Address of a word that is 0 once all is done that it ever does. */
  get pending(): number {
    return this.isThere ? addressOf(this.#orders) + 32 : 0;
  }

  /** What to do when we die, from now on and in place of what was said before. */
  ifWeDie(calls: readonly Call[]): void {
    this.#set(3, calls);
  }

  /** The same by a list that changes later: how many calls, then the words of each. */
  ifWeDieBy(list: BigInt64Array<ArrayBuffer>): void {
    this.#keep(3, list, list);
  }

  /** Makes these calls, also if we die in the middle. Returns when all are made, and the process has ended. */
  carryOut(calls: readonly Call[]): void {
    this.#set(2, calls);
    if (this.isThere) bringHere(this.#pid);
    if (!this.isThere || tryWrite(this.#open, Uint8Array.of(1)) !== 1) makeCalls(calls);
    this[Symbol.dispose]();
  }

  #set(place: number, calls: readonly Call[]): void {
    const list = listOf(calls);
    this.#keep(place, list, [list, calls]);
  }

  #keep(place: number, list: BigInt64Array, what: unknown): void {
    this.#orders[place] = BigInt(addressOf(list));
    // what was there before is no longer read: that begins at our death
    this.#kept.set(place, what);
  }

  /** Ends it; what was to be done at our death is not done. */
  [Symbol.dispose](): void {
    if (this.#done) return;
    this.#done = true;
    // a later one may hold the gate open: an end of file would not come
    this.#orders[3] = 0n;
    if (this.#orders[2] === 0n && this.isThere) tryWrite(this.#open, Uint8Array.of(0));
    closeFd(this.#open);
    if (this.#pid > 0) while (wait(this.#pid) === EINTR);
    closeFd(this.#gate);
  }
}
