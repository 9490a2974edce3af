/** Where the agent lives while address spaces are rebuilt: a range that no task of the set uses. */
import { AREA } from "../agent/layout.ts";
import { THREAD_PAGE } from "../agent/puppet.ts";
import { CrError } from "../error.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { parseStat } from "../kernel/proc/stat.ts";
import { PARKING } from "../memory/vdso.ts";
import type { SavedTask } from "./set.ts";

/** Size of a task's address space here, bytes: the next power of two above our stack. 2^47 on x86_64, 2^39 to 2^48 on aarch64. */
export function addressSpace(): number {
  using dir = new ProcDir(process.pid);
  return 2 ** Math.ceil(Math.log2(parseStat(dir.text("stat")).startStack));
}

/** Bytes that 32-bit code can address. */
export const I386_SPACE = 2 ** 32;

export interface Hole {
  /** The agent's area. */
  base: number;
  /** Room for the vDSO on its way. */
  parking: number;
  /** Where the agents of all tasks end. */
  end: number;
}

/**
 * Finds the hole; the areas of all tasks count, since children inherit their parent's agent.
 * @param space size of an address space, bytes
 */
export function findHole(tasks: readonly SavedTask[], space = addressSpace()): Hole {
  // between where programs and where stacks and libraries usually lie
  const lowest = space / 128;
  const highest = (space / 4) * 3;
  const areas: { start: number; end: number }[] = [];
  for (const { mm } of tasks) {
    for (const vma of mm?.vmas ?? []) {
      const [start, end] = [Number(vma.start), Number(vma.end)];
      if (end > lowest && start < highest) areas.push({ start, end });
    }
  }
  areas.sort((a, b) => a.start - b.start);
  const threads = Math.max(...tasks.map((t) => t.threads.length));
  const size = PARKING + AREA.size + (threads + 1) * THREAD_PAGE;
  let at = lowest;
  for (const { start, end } of areas) {
    if (end <= at) continue;
    if (start - at >= size) break;
    at = end;
  }
  if (at + size > highest) {
    throw new CrError("the address spaces of the tree leave no room for the restorer", {
      code: "ENOMEM",
      subject: { bytes: size },
    });
  }
  return { parking: at, base: at + PARKING, end: at + size };
}
