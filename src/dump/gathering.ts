/**
 * The leaders of a tree come to our CPU before they first make a call for us: to wake another CPU takes longer than the call. An
 * agent gives its task back where it may run; until there is one, a process beside us does if we die.
 */
import { NR } from "../kernel/nr.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { Undoing } from "../kernel/undoing.ts";

/** From so many tasks on it is worth that process. */
const WORTH = 4;
const MASK_BYTES = 128;
/** Bytes of which CPU masks are made. */
const WORD = 8;

export class Gathering implements Disposable {
  readonly #undoing = new Undoing();
  /** Where those may run that nobody else gives back yet. */
  readonly #taken = new Map<number, Uint8Array>();
  readonly #isWorth: boolean;
  readonly #here = new Uint8Array(MASK_BYTES);

  /** @param cpu ours */
  constructor(tasks: number, cpu: number) {
    this.#isWorth = tasks >= WORTH && navigator.hardwareConcurrency > 1;
    this.#here[cpu >> 3] = 1 << (cpu & 7);
  }

  /**
   * Brings a stopped thread here.
   * @param affinity where it may run, see `Sched`
   * @returns the same as sched_setaffinity(2) takes it; undefined where it stays
   */
  take(tid: number, affinity: Uint8Array = new Uint8Array(0)): Uint8Array | undefined {
    const { length: used } = affinity;
    if (!this.#isWorth || used === 0 || used > MASK_BYTES) return undefined;
    const mask = new Uint8Array(new ArrayBuffer(MASK_BYTES));
    mask.set(affinity);
    const length = Math.ceil(used / WORD) * WORD;
    const before = mask.subarray(0, length);
    this.#undoing.add([{ nr: NR.sched_setaffinity, args: [tid, length, mask] }]);
    if (sys(NR.sched_setaffinity, tid, this.#here.length, addressOf(this.#here)) < 0) return undefined;
    this.#taken.set(tid, before);
    return before;
  }

  /** From now on its agent sees to that. */
  handedOver(tid: number): void {
    this.#taken.delete(tid);
  }

  [Symbol.dispose](): void {
    for (const [tid, before] of this.#taken) sys(NR.sched_setaffinity, tid, before.length, addressOf(before));
    this.#taken.clear();
    this.#undoing[Symbol.dispose]();
  }
}
