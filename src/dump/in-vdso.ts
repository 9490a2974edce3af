/**
 * Threads that were stopped inside the vDSO. Another kernel's restore replaces some of its instructions, and a vDSO that a restore
 * put there is no part of the task: so such threads are let out of it, which takes them no time.
 */
import { arch } from "../agent/arch/index.ts";
import type { Tracee } from "../agent/tracee.ts";
import { CrError } from "../error.ts";
import { RemoteMemory } from "../kernel/memory.ts";
import { readMaps } from "../kernel/proc/maps.ts";
import type { ProcDir } from "../kernel/proc/read.ts";
import { jumps } from "../memory/vdso-jump.ts";
import { MARK_SIZE, readMark } from "../memory/vdso-mark.ts";

interface Place {
  readonly start: number;
  readonly end: number;
  /** It is left out of the images. */
  readonly passing: boolean;
}

/** The vDSOs of one task, looked for when a thread may be in one. */
export class VdsoPlaces {
  #places: readonly Place[] | undefined;

  constructor(
    readonly pid: number,
    readonly dir: ProcDir,
  ) {}

  #find(): readonly Place[] {
    const maps = readMaps(this.dir);
    using memory = new RemoteMemory(this.pid);
    return maps
      .filter(({ name }) => name === "[vdso]")
      .flatMap(({ start, end }) => {
        const mark = readMark(memory.read(start, MARK_SIZE));
        const own = mark && maps.find((vma) => vma.start === mark.vdso);
        const here = { start, end, passing: mark !== undefined };
        return own ? [here, { start: own.start, end: own.end, passing: false }] : [here];
      });
  }

  /** Which of these threads are in one. */
  inside(threads: readonly Tracee[]): Tracee[] {
    return threads.filter((thread) => this.#placeOf(thread));
  }

  #placeOf({ regs }: Tracee): Place | undefined {
    // whose vDSO makes all its calls, and is never replaced
    if (arch.isI386(regs)) return undefined;
    // most threads wait in calls that the vDSO does not make
    const call = arch.interrupted(regs);
    if (call && !Object.values(jumps.calls).includes(call.nr)) return undefined;
    const ip = arch.ip(regs);
    this.#places ??= this.#find();
    return this.#places.find(({ start, end }) => start < ip && ip < end);
  }

  /** @throws CrError when a thread is where nothing will be after the restore */
  check(threads: readonly Tracee[]): void {
    for (const thread of threads) {
      if (this.#placeOf(thread)?.passing !== true) continue;
      throw new CrError("a thread is inside the vDSO that a restore put beside its own", {
        code: "EAGAIN",
        subject: { pid: this.pid, tid: thread.tid, address: arch.ip(thread.regs) },
        remedy: "dump again; if the task is stopped, continue it (SIGCONT) first",
      });
    }
  }
}
