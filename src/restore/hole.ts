/** Where the agent lives while address spaces are rebuilt: a range that no task of the set uses. */
import { AREA } from "../agent/layout.ts";
import { THREAD_PAGE } from "../agent/puppet.ts";
import { CrError } from "../error.ts";
import { PARKING } from "../memory/vdso.ts";
import type { SavedTask } from "./set.ts";

/** Between where programs and where stacks and libraries usually lie. */
const LOWEST = 0x100_0000_0000;
const HIGHEST = 0x6000_0000_0000;

export interface Hole {
  /** The agent's area. */
  base: number;
  /** Room for the vDSO on its way. */
  parking: number;
}

/** Finds the hole; the areas of all tasks count, since children inherit their parent's agent. */
export function findHole(tasks: readonly SavedTask[]): Hole {
  const areas = tasks.flatMap((t) => t.mm?.vmas ?? []).map((v) => ({ start: Number(v.start), end: Number(v.end) }));
  areas.sort((a, b) => a.start - b.start);
  const threads = Math.max(...tasks.map((t) => t.threads.length));
  const size = PARKING + AREA.size + (threads + 1) * THREAD_PAGE;
  let at = LOWEST;
  for (const { start, end } of areas) {
    if (end <= at) continue;
    if (start - at >= size) break;
    at = end;
  }
  if (at + size > HIGHEST) {
    throw new CrError("the address spaces of the tree leave no room for the restorer", {
      code: "ENOMEM",
      subject: { bytes: size },
    });
  }
  return { parking: at, base: at + PARKING };
}
