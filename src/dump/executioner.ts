/**
 * Ends a tree as a whole. Somebody may kill us between two of its processes, and a tree of which half is gone is worse than one
 * that lives and one that is dead: so a process of our own, which outlives us, ends them all once it has been told to.
 */

import { NR } from "../kernel/nr.ts";
import { type Call, Standby } from "../kernel/standby.ts";

const SIGKILL = 9;

export class Executioner implements Disposable {
  #standby: Standby;
  #before: readonly Call[] = [];

  /** Made before the tree is frozen: it costs time. */
  constructor() {
    this.#standby = new Standby();
  }

  /**
   * Takes over the descriptors that we have by now.
   * @param ifWeDie calls that undo what we are about to do
   */
  renew(ifWeDie: readonly Call[]): void {
    // one after the other: the new one would hold the gate of the old one open
    this.#standby[Symbol.dispose]();
    this.#standby = new Standby();
    this.#standby.ifWeDie(ifWeDie);
  }

  /** What to do when we die, in place of what was said before. */
  ifWeDie(calls: readonly Call[]): void {
    this.#standby.ifWeDie(calls);
  }

  /** What comes first when the tree is ended; from then on nothing is undone. */
  beforeTheEnd(calls: readonly Call[]): void {
    this.#before = calls;
  }

  /** Ends the processes, by SIGKILL. Returns when all of them have got it. */
  end(pids: readonly number[]): void {
    this.#standby.carryOut([...this.#before, ...pids.map((pid) => ({ nr: NR.kill, args: [pid, SIGKILL] }))]);
  }

  [Symbol.dispose](): void {
    this.#standby[Symbol.dispose]();
  }
}
