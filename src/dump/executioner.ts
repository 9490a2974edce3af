/**
 * Ends a tree as a whole. Somebody may kill us between two of its processes, and a tree of which half is gone is worse than one
 * that lives and one that is dead: so a process of our own, which outlives us, ends them all once it has been told to.
 */

import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { letGoAfter } from "../kernel/ptrace.ts";
import { type Call, Standby } from "../kernel/standby.ts";
import { sys } from "../kernel/sys.ts";

const SIGKILL = 9;
/** Bytes. */
const MUCH_MEMORY = 64 << 20;

export class Executioner implements Disposable {
  #standby: Standby;
  #before: readonly Call[] = [];
  /** Descriptors of processes with much memory. */
  readonly #large = new Map<number, number>();

  /** Made before the tree is frozen: it costs time. */
  constructor() {
    this.#standby = new Standby();
    letGoAfter(this.#standby.pending);
  }

  /** The pid of that process; not positive where there is none. */
  get pid(): number {
    return this.#standby.pid;
  }

  /**
   * Giving much memory back takes a dying process long, so somebody else begins at once and does half of it
   * (process_mrelease(2)).
   * @param memory bytes of private memory by pid
   */
  helpToFree(memory: ReadonlyMap<number, number>): void {
    for (const [pid, bytes] of memory) {
      if (bytes < MUCH_MEMORY) continue;
      const fd = sys(NR.pidfd_open, pid, 0);
      if (fd >= 0) this.#large.set(pid, fd);
    }
    if (this.#large.size > 0) this.renew([]);
  }

  /**
   * Takes over the descriptors that we have by now.
   * @param ifWeDie calls that undo what we are about to do
   */
  renew(ifWeDie: readonly Call[]): void {
    // there is always one of them that knows what to undo
    const before = this.#standby;
    this.#standby = new Standby();
    this.#standby.ifWeDie(ifWeDie);
    letGoAfter(this.#standby.pending);
    before[Symbol.dispose]();
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
    const frees = pids.flatMap((pid) => {
      const fd = this.#large.get(pid);
      return fd === undefined ? [] : [{ nr: NR.process_mrelease, args: [fd, 0] }];
    });
    const kills = pids.map((pid) => ({ nr: NR.kill, args: [pid, SIGKILL] }));
    this.#standby.carryOut([...this.#before, ...kills, ...frees]);
  }

  /**
   * Nothing is undone nor ended any more. That process may have copies of what the tree has open, and they are gone when this
   * returns: do so before the tree runs on, which could not close anything otherwise.
   */
  [Symbol.dispose](): void {
    letGoAfter(0);
    this.#standby[Symbol.dispose]();
    for (const fd of this.#large.values()) closeFd(fd);
    this.#large.clear();
  }
}
