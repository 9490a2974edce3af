/** Where the running kernel's vDSO goes beside one of another kernel. */
import type { MmEntry } from "../image/schema.gen.ts";
import { MAP, VMA } from "./vmas.ts";

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** So much room areas are left that grow by themselves: the heap upwards, stacks downwards, bytes. */
const GROWTH = 64 << 20;
/** Lowest address that a task may map. */
const LOWEST = 0x10000;

/** What a task's address space must be left free of others, in no order. */
export function occupied(mm: MmEntry): Range[] {
  const ranges = mm.vmas
    .filter((entry) => (entry.status & VMA.VSYSCALL) === 0)
    .map(({ start, end, flags }) => ({
      start: Number(start) - (flags & MAP.GROWSDOWN ? GROWTH : 0),
      end: Number(end),
    }));
  return [...ranges, { start: Number(mm.mm_start_brk), end: Number(mm.mm_brk) + GROWTH }];
}

/**
 * The place nearest to a range that is free of all others.
 * @param space size of the address space, bytes
 */
export function nearestRoom(to: Range, size: number, taken: readonly Range[], space: number): number | undefined {
  let best: number | undefined;
  let distance = Number.POSITIVE_INFINITY;
  let from = LOWEST;
  for (const { start, end } of [...taken].sort((a, b) => a.start - b.start).concat({ start: space - LOWEST, end: 0 })) {
    if (start - from >= size) {
      // of a gap above its lowest end is the nearest, of one below its highest
      const at = from >= to.end ? from : start - size;
      const far = at >= to.end ? at - to.end : to.start - (at + size);
      if (far >= 0 && far <= distance) [best, distance] = [at, far];
    }
    from = Math.max(from, end);
  }
  return best;
}

export function isFree(at: number, size: number, taken: readonly Range[]): boolean {
  return at >= LOWEST && taken.every(({ start, end }) => at + size <= start || at >= end);
}
