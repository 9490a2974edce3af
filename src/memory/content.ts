/** What a task's private memory holds by itself: found by its page tables, which are walked once. */
import type { OwnPages } from "../agent/home.ts";
import { closeFd } from "../kernel/fd.ts";
import { PAGE, PRIVATE_CONTENT, scanPages } from "../kernel/pagemap.ts";
import type { ProcDir } from "../kernel/proc/read.ts";
import { type DumpedVma, isAioRing } from "./vmas.ts";

/** Ranges of a task's pages to be saved. */
export interface PageRuns {
  /** [start, end] pairs, ascending; parallel to `vma`. */
  readonly starts: number[];
  readonly ends: number[];
  readonly vmas: DumpedVma[];
  bytes: number;
}

export interface Content {
  /** The pages of private areas that are neither zero nor the file's own. */
  readonly runs: PageRuns;
  /** Guard regions (MADV_GUARD_INSTALL), [start, end] pairs. They are invisible but for the page map. */
  readonly guards: (readonly [start: number, end: number])[];
}

/** Pages to be saved, and guards among them, which look like swapped pages. */
const CONTENT = { ...PRIVATE_CONTENT, none: (PRIVATE_CONTENT.none ?? 0) & ~PAGE.GUARD, report: PAGE.GUARD };
/** From so many bytes on it is worth while not to walk an area of which all is known. */
const LARGE = 2 << 20;

/** @param own pages that only our injection touched: they are no part of the task */
export function findContent(dir: ProcDir, vmas: readonly DumpedVma[], own: readonly OwnPages[]): Content {
  const runs: PageRuns = { starts: [], ends: [], vmas: [], bytes: 0 };
  const guards: [number, number][] = [];
  const push = (start: number, end: number, vma: DumpedVma): void => {
    runs.starts.push(start);
    runs.ends.push(end);
    runs.vmas.push(vma);
    runs.bytes += end - start;
  };
  const add = (start: number, end: number, vma: DumpedVma): void => {
    let at = start;
    for (const mine of own) {
      if (mine.end <= at || mine.start >= end) continue;
      if (mine.start > at) push(at, mine.start, vma);
      at = Math.max(at, mine.end);
    }
    if (at < end) push(at, end, vma);
  };
  const pagemap = dir.open("pagemap");
  let between: DumpedVma[] = [];
  const scan = (): void => {
    const areas = between;
    between = [];
    const ranges = scanPages(
      pagemap,
      areas.map(({ vma }) => vma),
      CONTENT,
    );
    let area = 0;
    for (let i = 0; i < ranges.length; i += 3) {
      const [start = 0, end = 0, kind = 0] = [ranges[i], ranges[i + 1], ranges[i + 2]];
      while ((areas[area]?.vma.end ?? Number.POSITIVE_INFINITY) <= start) area++;
      const vma = areas[area];
      if (!vma) continue;
      if (kind & PAGE.GUARD) guards.push([start, end]);
      else add(start, end, vma);
    }
  };
  try {
    for (const one of vmas) {
      if (!one.hasPages) continue;
      if (!isWhole(one)) {
        between.push(one);
        continue;
      }
      scan();
      add(one.vma.start, one.vma.end, one);
    }
    scan();
  } finally {
    closeFd(pagemap);
  }
  return { runs, guards };
}

/**
 * All of it is to be saved. The vDSO, since a restore on another kernel needs its code; rings, whose pages are no anonymous
 * ones; and a large anonymous area whose every page smaps counted, be it in memory or in swap: zero pages and guards are not.
 */
function isWhole({ vma }: DumpedVma): boolean {
  if (vma.name === "[vdso]" || isAioRing(vma)) return true;
  const size = vma.end - vma.start;
  return size >= LARGE && vma.ino === 0 && vma.rss + vma.swap === size;
}
