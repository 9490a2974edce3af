/** What a task's private memory holds by itself: found by its page tables, which are walked once. */
import type { OwnPages } from "../agent/home.ts";
import { closeFd } from "../kernel/fd.ts";
import { PAGE, type PageFilter, PRIVATE_CONTENT, scanPages } from "../kernel/pagemap.ts";
import type { ProcDir } from "../kernel/proc/read.ts";
import { type DumpedVma, isAioRing, isUring } from "./vmas.ts";

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
/** The same of anonymous memory. Without the question for files the kernel only looks at the page table, which takes a tenth. */
const ANONYMOUS = { ...CONTENT, none: CONTENT.none & ~PAGE.FILE };
/** From so many bytes on it is worth while not to walk an area of which all is known, and to ask less where that is enough. */
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
  const scan = (areas: readonly DumpedVma[], filter: PageFilter): void => {
    const ranges = scanPages(
      pagemap,
      areas.map(({ vma }) => vma),
      filter,
    );
    let area = 0;
    for (let i = 0; i < ranges.length; i += 3) {
      const start = ranges[i] ?? 0;
      const end = ranges[i + 1] ?? 0;
      const kind = ranges[i + 2] ?? 0;
      while ((areas[area]?.vma.end ?? Number.POSITIVE_INFINITY) <= start) area++;
      const vma = areas[area];
      if (!vma) continue;
      if (kind & PAGE.GUARD) guards.push([start, end]);
      else add(start, end, vma);
    }
  };
  let between: DumpedVma[] = [];
  try {
    for (const one of vmas) {
      if (!one.hasPages) continue;
      const whole = isWhole(one);
      if (!whole && !isLarge(one)) {
        between.push(one);
        continue;
      }
      scan(between, CONTENT);
      between = [];
      // of a vDSO that holds a way home, too: it lies behind the code, and another kernel's restore needs all of that
      if (whole) (one.vma.name === "[vdso]" ? push : add)(one.vma.start, one.vma.end, one);
      else scan([one], ANONYMOUS);
    }
    scan(between, CONTENT);
  } finally {
    closeFd(pagemap);
  }
  return { runs, guards };
}

/** Anonymous memory of which so much is there, be it in memory or in swap. */
function isLarge({ vma }: DumpedVma): boolean {
  return vma.ino === 0 && vma.rss + vma.swap >= LARGE;
}

/**
 * All of it is to be saved. The vDSO, since a restore on another kernel needs its code; rings, whose pages are no anonymous
 * ones; and a large anonymous area whose every page smaps counted: zero pages and guards are not.
 */
function isWhole(one: DumpedVma): boolean {
  const { vma } = one;
  if (vma.name === "[vdso]" || isAioRing(vma) || isUring(vma)) return true;
  return isLarge(one) && vma.rss + vma.swap === vma.end - vma.start;
}
