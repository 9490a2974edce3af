import { NR } from "../kernel/nr.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { PINS } from "./layout.ts";
import type { Area } from "./program.ts";

/**
 * Threads that are on our CPU while we talk to them: waking another CPU is what costs. The agent gives the old affinity back if we
 * die; `takeBack` does otherwise. Not under seccomp, where the agent could not.
 */
export class Pins {
  /** Those threads as we see them. */
  readonly #tids: number[] = [];
  /** Where the leader is pinned, and what it calls itself. */
  #leads: { readonly cpu: number; readonly own: number } | undefined;

  constructor(
    readonly area: Pick<Area, "bytes" | "view">,
    readonly leader: number,
    readonly filtered: boolean,
  ) {}

  /**
   * @param own what the thread calls itself: the agent knows no other number
   * @param before where it might run, if it is there already
   */
  put(tid: number, cpu: number, own: number, before?: Uint8Array): void {
    const count = this.#tids.length;
    if (this.filtered || count >= PINS.max) return;
    const { bytes, view } = this.area;
    const at = PINS.at + count * PINS.size;
    const mask = bytes.subarray(at + PINS.mask, at + PINS.size);
    if (before) mask.set(before);
    const length = before?.length ?? sys(NR.sched_getaffinity, tid, mask.length, addressOf(mask));
    if (length < 0) return;
    view.setUint32(at, own, true);
    view.setUint32(at + 4, length, true);
    this.#tids.push(tid);
    view.setUint32(PINS.count, count + 1, true);
    if (tid === this.leader) this.#leads = { cpu, own };
    if (before) return;
    const one = new Uint8Array(PINS.size - PINS.mask);
    one[cpu >> 3] = 1 << (cpu & 7);
    sys(NR.sched_setaffinity, tid, one.length, addressOf(one));
  }

  /** Undoes the last ones until `left` remain. */
  takeBack(left = 0): void {
    while (this.#tids.length > left) {
      const tid = this.#tids.pop() ?? -1;
      const { bytes, view } = this.area;
      const at = PINS.at + this.#tids.length * PINS.size;
      const length = view.getUint32(at + 4, true);
      sys(NR.sched_setaffinity, tid, length, addressOf(bytes.subarray(at + PINS.mask)));
      view.setUint32(PINS.count, this.#tids.length, true);
    }
  }

  /** From now on the leader may run on all CPUs that it is allowed, until what is returned is called. */
  roam(): () => void {
    const leads = this.#leads;
    this.takeBack();
    return () => {
      if (leads !== undefined) this.put(this.leader, leads.cpu, leads.own);
    };
  }
}
