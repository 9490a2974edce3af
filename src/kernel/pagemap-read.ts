import { NR } from "./nr.ts";
import { pageSize } from "./page-size.ts";
import { PAGE, type PageFilter, type PageRanges, type PageSpan, RangeList } from "./pagemap-ranges.ts";
import { addressOf, check, sys } from "./sys.ts";

// the upper half of an entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst)
const PRESENT = 1 << 31;
const SWAPPED = 1 << 30;
const FILE = 1 << 29;
const GUARD = 1 << 26;
const SOFT_DIRTY = 1 << 23;
const PFN_HIGH = 0x7f_ffff;

const ENTRIES = 64 * 1024;
const entries = new Uint32Array(new ArrayBuffer(ENTRIES * 8));
const entriesAddress = addressOf(entries);

function readEntries(pagemap: number, address: number, count: number): number {
  const at = (address / pageSize()) * 8;
  const got = sys(NR.pread64, pagemap, entriesAddress, Math.min(count, ENTRIES) * 8, at);
  return Math.floor(check(got, "cannot read the page map", { address }) / 8);
}

interface FramePair {
  readonly low: number;
  readonly high: number;
}

let zeroFrame: FramePair | null | undefined;

/**
 * The page frame number of the zero page: that of all memory which was read and never written. Null where frame numbers are
 * hidden (no CAP_SYS_ADMIN) or the kernel has no such page, as in some virtual machines: zeros then count as content.
 */
function findZeroFrame(): FramePair | null {
  const size = pageSize();
  const [PROT_READ, MAP_PRIVATE_ANONYMOUS, PIECE] = [1, 0x22, 8];
  const address = check(sys(NR.mmap, 0, 2 * size, PROT_READ, MAP_PRIVATE_ANONYMOUS, -1, 0), "cannot map a page");
  const name = Buffer.from("/proc/self/pagemap\0");
  const fd = check(sys(NR.openat, -100, addressOf(name), 0o2000000, 0), "cannot open the page map");
  try {
    // mincore reads nothing: the kernel itself must touch the pages
    const sink = new Uint8Array(new ArrayBuffer(2 * PIECE));
    const pieces = [addressOf(sink), 2 * PIECE, address, PIECE, address + size, PIECE];
    const iov = new BigUint64Array(pieces.map(BigInt));
    check(sys(NR.process_vm_readv, process.pid, addressOf(iov), 1, addressOf(iov) + 16, 2, 0), "cannot read a page");
    readEntries(fd, address, 2);
    const [low = 0, high = 0, otherLow, otherHigh = 0] = entries;
    const frame = { low, high: high & PFN_HIGH };
    // two pages of their own would have two frames, which are other memory's later
    const isOne = otherLow === low && (otherHigh & PFN_HIGH) === frame.high;
    return isOne && (frame.low !== 0 || frame.high !== 0) ? frame : null;
  } finally {
    sys(NR.close, fd);
    sys(NR.munmap, address, 2 * size);
  }
}

/**
 * What `scanPages` does, for kernels before 6.7: reads an entry of 8 bytes for every page of the spans. Untouched spans
 * are skipped when smaps told so; another one costs some 3 ms per GiB. HUGE, WRITTEN and WPALLOWED are never set.
 * @param pagemap descriptor of /proc/PID/pagemap
 */
export function readPages(pagemap: number, spans: readonly PageSpan[], filter: PageFilter): PageRanges {
  if (zeroFrame === undefined) zeroFrame = findZeroFrame();
  const zero = zeroFrame ?? { low: -1, high: -1 };
  const size = pageSize();
  const { any = 0, all = 0, none = 0, report = 0 } = filter;
  const list = new RangeList();
  for (const span of spans) {
    list.cut();
    if (span.rss === 0 && span.swap === 0) continue;
    for (let at = span.start; at < span.end; ) {
      const got = readEntries(pagemap, at, (span.end - at) / size);
      if (got === 0) break;
      for (let i = 0; i < got; i++, at += size) {
        const high = entries[i * 2 + 1] ?? 0;
        if (high === 0) continue;
        let categories = 0;
        if (high & PRESENT) {
          categories = PAGE.PRESENT;
          if ((high & PFN_HIGH) === zero.high && entries[i * 2] === zero.low) categories |= PAGE.PFNZERO;
        }
        if (high & SWAPPED) categories |= PAGE.SWAPPED;
        if (high & FILE) categories |= PAGE.FILE;
        if (high & GUARD) categories |= PAGE.GUARD;
        if (high & SOFT_DIRTY) categories |= PAGE.SOFT_DIRTY;
        if (categories & none || (categories & all) !== all || (any !== 0 && !(categories & any))) continue;
        list.push(at, at + size, categories & report);
      }
    }
  }
  return list.take();
}
