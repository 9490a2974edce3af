/** Categories of a page: PAGE_IS_* of linux/fs.h. */
export const PAGE = {
  /** Asynchronous write protection (userfaultfd) is on here. */
  WPALLOWED: 1,
  /** Written since it was last write-protected. */
  WRITTEN: 2,
  /** Of a file or of shared memory: not a private copy. */
  FILE: 4,
  PRESENT: 8,
  /** Not in memory but held: swapped out, or in a migration. Guard pages have this bit too. */
  SWAPPED: 16,
  /** The zero page: read from, never written. */
  PFNZERO: 32,
  /** Part of a transparent huge page or of hugetlb. */
  HUGE: 64,
  SOFT_DIRTY: 128,
  /** MADV_GUARD_INSTALL; told by Linux 6.15 and later. */
  GUARD: 256,
} as const;

/** Which pages to report, in bits of `PAGE`. */
export interface PageFilter {
  /** At least one of these. */
  readonly any?: number;
  /** Each of these. */
  readonly all?: number;
  /** None of these. Bits that the kernel does not know are left out. */
  readonly none?: number;
  /** Bits that the ranges carry. The fewer, the longer the ranges. */
  readonly report?: number;
  /** PM_SCAN bits: what is done to the pages that match. Reading the page map, as old kernels need, cannot do them. */
  readonly flags?: number;
}

/** An area of addresses, bytes; a `Vma` is one. */
export interface PageSpan {
  readonly start: number;
  readonly end: number;
  /** Bytes in memory and in swap, when smaps told them: with neither, there is nothing to read. */
  readonly rss?: number;
  readonly swap?: number;
}

/** [start, end, categories] triples, ascending; addresses in bytes, the end exclusive. */
export type PageRanges = Float64Array;

/** Where lists begin, one after the other: fresh memory for each would cost a fault. */
const common = new Float64Array(3 * 1024);

/** Page ranges in the making, one list at a time. Neighbours of one kind are joined until `cut` is called. */
export class RangeList {
  private values = common;
  private used = 0;
  private joinable = false;

  push(start: number, end: number, categories: number): void {
    const { used } = this;
    if (this.joinable && this.values[used - 2] === start && this.values[used - 1] === categories) {
      this.values[used - 2] = end;
      return;
    }
    if (used + 3 > this.values.length) {
      const larger = new Float64Array(this.values.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[used] = start;
    this.values[used + 1] = end;
    this.values[used + 2] = categories;
    this.used = used + 3;
    this.joinable = true;
  }

  /** The next range begins another span: it is kept apart even where it continues the last. */
  cut(): void {
    this.joinable = false;
  }

  take(): PageRanges {
    return this.values.slice(0, this.used);
  }
}
