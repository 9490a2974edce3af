import { CrError } from "../error.ts";
import { NR } from "./nr.ts";
import { pageSize } from "./page-size.ts";
import { PAGE, type PageFilter, type PageRanges, type PageSpan, RangeList } from "./pagemap-ranges.ts";
import { readPages } from "./pagemap-read.ts";
import { addressOf, check, sys } from "./sys.ts";

export { PAGE, type PageFilter, type PageRanges, type PageSpan } from "./pagemap-ranges.ts";

/** Pages that private mappings hold by themselves: what a dump must save. */
export const PRIVATE_CONTENT: PageFilter = {
  any: PAGE.PRESENT | PAGE.SWAPPED,
  none: PAGE.PFNZERO | PAGE.FILE | PAGE.GUARD,
};

/** All pages that are there, but for zero pages and guards, shared ones too. */
export const ANY_CONTENT: PageFilter = {
  any: PAGE.PRESENT | PAGE.SWAPPED,
  none: PAGE.PFNZERO | PAGE.GUARD,
};

// _IOWR('f', 16, struct pm_scan_arg)
const PAGEMAP_SCAN = 0xc060_6610;
const ARG_WORDS = 12;
/** Place of walk_end in the argument, in halves of 64 bits. */
const WALK_END = 8;
/** Regions that one ioctl can answer, 24 bytes each. */
const REGIONS = 8192;

const arg = new Uint32Array(new ArrayBuffer(ARG_WORDS * 8));
const regions = new Uint32Array(new ArrayBuffer(REGIONS * 24));
const argAddress = addressOf(arg);
const regionsAddress = addressOf(regions);

/** Sets one 64-bit member of struct pm_scan_arg. */
function put(index: number, value: number): void {
  arg[index * 2] = value % 0x1_0000_0000;
  arg[index * 2 + 1] = Math.floor(value / 0x1_0000_0000);
}

/** 64 bits at a place that counts halves. */
function wide(words: Uint32Array, index: number): number {
  return (words[index] ?? 0) + (words[index + 1] ?? 0) * 0x1_0000_0000;
}

/** One ioctl: the number of regions that it filled, or the negative errno. */
function scanOnce(pagemap: number, start: number, end: number, filter: PageFilter): number {
  const { any = 0, all = 0, none = 0, report = 0, flags = 0 } = filter;
  put(0, ARG_WORDS * 8);
  put(1, flags);
  put(2, start);
  put(3, end);
  put(4, 0);
  put(5, regionsAddress);
  put(6, REGIONS);
  put(7, 0);
  put(8, none);
  put(9, none | all);
  put(10, any);
  put(11, report);
  return sys(NR.ioctl, pagemap, PAGEMAP_SCAN, argAddress);
}

function scanKernel(pagemap: number, spans: readonly PageSpan[], filter: PageFilter): PageRanges {
  const list = new RangeList();
  const end = spans.at(-1)?.end ?? 0;
  let at = spans[0]?.start ?? 0;
  let first = 0;
  let current = -1;
  while (at < end) {
    const filled = check(scanOnce(pagemap, at, end, filter), "cannot scan the page map", { address: at });
    for (let r = 0; r < filled; r++) {
      const place = r * 6;
      const from = (regions[place] ?? 0) + (regions[place + 1] ?? 0) * 0x1_0000_0000;
      const to = (regions[place + 2] ?? 0) + (regions[place + 3] ?? 0) * 0x1_0000_0000;
      while ((spans[first]?.end ?? Number.POSITIVE_INFINITY) <= from) first++;
      for (let i = first; i < spans.length; i++) {
        const span = spans[i];
        if (!span || span.start >= to) break;
        if (i !== current) list.cut();
        current = i;
        list.push(Math.max(from, span.start), Math.min(to, span.end), regions[place + 4] ?? 0);
      }
    }
    // Where the walk ended must not be asked alone: after more than 512 ranges the kernel may name a place that it has
    // passed long since. It stops early only when the answer is full, and all before the last range has been seen.
    if (filled < REGIONS) break;
    at = Math.max(wide(arg, WALK_END), wide(regions, (REGIONS - 1) * 6 + 2));
  }
  return list.take();
}

/** Whether the kernel takes such a scan of one page of ours. */
function probe(filter: PageFilter): boolean {
  const name = Buffer.from("/proc/self/pagemap\0");
  const fd = check(sys(NR.openat, -100, addressOf(name), 0o2000000, 0), "cannot open the page map");
  const page = Math.floor(regionsAddress / pageSize()) * pageSize();
  const result = scanOnce(fd, page, page + pageSize(), filter);
  sys(NR.close, fd);
  return result >= 0;
}

let scanKnown: boolean | undefined;
let guardKnown: boolean | undefined;

/** Whether the kernel has the PAGEMAP_SCAN ioctl (Linux 6.7). */
export function hasPagemapScan(): boolean {
  scanKnown ??= probe({ any: PAGE.PRESENT });
  return scanKnown;
}

/**
 * Whether guard pages can be told from swapped ones (Linux 6.15). Between 6.13, which brought guard pages, and 6.15 they
 * look like swapped pages, and reading them faults.
 */
export function seesGuardPages(): boolean {
  guardKnown ??= probe({ any: PAGE.GUARD });
  return guardKnown;
}

/** The filter for kernels that do not know the guards' bit. */
function withoutGuards(filter: PageFilter): PageFilter {
  const { none = 0, report = 0 } = filter;
  return { ...filter, none: none & ~PAGE.GUARD, report: report & ~PAGE.GUARD };
}

/**
 * The pages of a process that a filter lets through. With the PAGEMAP_SCAN ioctl everything from the first to the last
 * span is walked at once, by page tables: what was never touched costs nothing, however large. Older kernels are asked
 * page by page (see `readPages`).
 * @param pagemap descriptor of /proc/PID/pagemap (`dir.open("pagemap")`); reading needs ptrace permission
 * @param spans areas, ascending and without overlap; a range never reaches over the border of one
 * @param method "read" asks page by page in any case
 */
export function scanPages(
  pagemap: number,
  spans: readonly PageSpan[],
  filter: PageFilter,
  method: "best" | "read" = "best",
): PageRanges {
  if (method === "read" || !hasPagemapScan()) {
    if (filter.flags) throw new CrError("this kernel cannot write-protect what it scans", { code: "ENOTTY" });
    return readPages(pagemap, spans, filter);
  }
  return scanKernel(pagemap, spans, seesGuardPages() ? filter : withoutGuards(filter));
}
