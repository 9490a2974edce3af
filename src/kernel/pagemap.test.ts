import { toArrayBuffer } from "bun:ffi";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NR } from "./nr.ts";
import { pageSize } from "./page-size.ts";
import {
  ANY_CONTENT,
  hasPagemapScan,
  PAGE,
  type PageFilter,
  type PageSpan,
  PRIVATE_CONTENT,
  scanPages,
  seesGuardPages,
} from "./pagemap.ts";
import { RangeList } from "./pagemap-ranges.ts";
import { readSmaps } from "./proc/maps.ts";
import { ProcDir } from "./proc/read.ts";
import { parseStat } from "./proc/stat.ts";
import { must, sys } from "./sys.ts";
import { MADV, MAP, PROT } from "./uapi/mman.ts";

const SIZE = pageSize();
const HUGE = 2 << 20;
const GIB = 2 ** 30;
const RW = PROT.READ | PROT.WRITE;
const PRIVATE = MAP.PRIVATE | MAP.ANONYMOUS;
const root = process.getuid?.() === 0;

const self = new ProcDir(process.pid);
const mapped: [number, number][] = [];
let pagemap = -1;
beforeAll(() => {
  pagemap = self.open("pagemap");
});
afterAll(() => {
  closeSync(pagemap);
  self[Symbol.dispose]();
  for (const [address, bytes] of mapped) sys(NR.munmap, address, bytes);
});

function map(bytes: number, flags: number = PRIVATE, fd = -1, prot: number = RW): number {
  const address = must(NR.mmap, [0, bytes, prot, flags, fd, 0]);
  mapped.push([address, bytes]);
  return address;
}

function memory(address: number, bytes: number): Uint8Array {
  return new Uint8Array(toArrayBuffer(address as unknown as Parameters<typeof toArrayBuffer>[0], 0, bytes));
}

/** Ranges as [first page, end page, categories] from `base` on. */
function pages(ranges: Float64Array, base: number): number[][] {
  const rows: number[][] = [];
  for (let i = 0; i < ranges.length; i += 3) {
    const [start = 0, end = 0, categories = 0] = ranges.subarray(i, i + 3);
    rows.push([(start - base) / SIZE, (end - base) / SIZE, categories]);
  }
  return rows;
}

/** Whether memory that was only read takes no page of its own: some virtual machines' kernels have no zero page. */
let zeroPage = false;
beforeAll(() => {
  const base = map(SIZE);
  expect(memory(base, SIZE)[0]).toBe(0);
  zeroPage = readSmaps(self).find((area) => area.start <= base && base < area.end)?.rss === 0;
});

const methods = (hasPagemapScan() ? ["best", "read"] : ["read"]) as ("best" | "read")[];

describe.each(methods)("method %s", (method) => {
  const scan = (spans: readonly PageSpan[], filter: PageFilter) => scanPages(pagemap, spans, filter, method);

  test("private memory: what was written, not what was read or left alone", () => {
    const base = map(8 * SIZE);
    const bytes = memory(base, 8 * SIZE);
    bytes[1 * SIZE] = 1;
    bytes[2 * SIZE] = 1;
    const sum = (bytes[4 * SIZE] ?? 0) + (bytes[6 * SIZE] ?? 0);
    expect(sum).toBe(0);
    bytes[6 * SIZE + 5] = 1;
    const span = [{ start: base, end: base + 8 * SIZE }];
    const isContent = !zeroPage || (!root && method === "read");
    const zero = isContent ? [[4, 5, 0]] : [];
    expect(pages(scan(span, PRIVATE_CONTENT), base)).toEqual([[1, 3, 0], ...zero, [6, 7, 0]]);
    if (!root || !zeroPage) return;
    const report = PAGE.PRESENT | PAGE.PFNZERO;
    expect(pages(scan(span, { any: PAGE.PRESENT, report }), base)).toEqual([
      [1, 3, PAGE.PRESENT],
      [4, 5, PAGE.PRESENT | PAGE.PFNZERO],
      [6, 7, PAGE.PRESENT],
    ]);
    expect(pages(scan(span, { all: PAGE.PFNZERO }), base)).toEqual([[4, 5, 0]]);
  });

  test("a private file mapping: its own copies alone", () => {
    const dir = mkdtempSync(join(tmpdir(), "pagemap-"));
    const path = join(dir, "file");
    writeFileSync(path, Buffer.alloc(6 * SIZE, 7));
    const fd = openSync(path, "r+");
    try {
      const base = map(6 * SIZE, MAP.PRIVATE, fd);
      const bytes = memory(base, 6 * SIZE);
      for (let page = 0; page < 6; page++) expect(bytes[page * SIZE]).toBe(7);
      bytes[3 * SIZE] = 1;
      const span = [{ start: base, end: base + 6 * SIZE }];
      expect(pages(scan(span, PRIVATE_CONTENT), base)).toEqual([[3, 4, 0]]);
      expect(pages(scan(span, { ...ANY_CONTENT, report: PAGE.FILE }), base)).toEqual([
        [0, 3, PAGE.FILE],
        [3, 4, 0],
        [4, 6, PAGE.FILE],
      ]);
      // RELRO: what is written and then protected is still content
      must(NR.mprotect, [base, 6 * SIZE, PROT.NONE]);
      expect(pages(scan(span, PRIVATE_CONTENT), base)).toEqual([[3, 4, 0]]);
    } finally {
      closeSync(fd);
      rmSync(dir, { recursive: true });
    }
  });

  test("shared memory belongs to nobody alone", () => {
    const base = map(4 * SIZE, MAP.SHARED | MAP.ANONYMOUS);
    memory(base, 4 * SIZE)[SIZE] = 1;
    const span = [{ start: base, end: base + 4 * SIZE }];
    expect(pages(scan(span, PRIVATE_CONTENT), base)).toEqual([]);
    expect(pages(scan(span, ANY_CONTENT), base)).toEqual([[1, 2, 0]]);
  });

  test("ranges end at the borders of the spans", () => {
    const base = map(10 * SIZE);
    memory(base, 10 * SIZE).fill(1);
    const span = (from: number, to: number) => ({ start: base + from * SIZE, end: base + to * SIZE });
    const spans = [span(1, 3), span(3, 4), span(6, 7), span(9, 10)];
    expect(pages(scan(spans, PRIVATE_CONTENT), base)).toEqual([
      [1, 3, 0],
      [3, 4, 0],
      [6, 7, 0],
      [9, 10, 0],
    ]);
    expect(pages(scan([], PRIVATE_CONTENT), base)).toEqual([]);
  });

  test("guard pages are neither content nor forgotten", () => {
    const base = map(8 * SIZE);
    memory(base, 8 * SIZE).fill(1);
    if (sys(NR.madvise, base + 2 * SIZE, 3 * SIZE, MADV.GUARD_INSTALL) < 0) return; // before 6.13
    const span = [{ start: base, end: base + 8 * SIZE }];
    if (!seesGuardPages()) return; // before 6.15
    expect(pages(scan(span, PRIVATE_CONTENT), base)).toEqual([
      [0, 2, 0],
      [5, 8, 0],
    ]);
    expect(pages(scan(span, { all: PAGE.GUARD, report: PAGE.GUARD }), base)).toEqual([[2, 5, PAGE.GUARD]]);
  });

  test("the huge zero page is no content", () => {
    const area = map(4 * HUGE);
    const base = Math.ceil(area / HUGE) * HUGE;
    if (!zeroPage || sys(NR.madvise, base, 2 * HUGE, MADV.HUGEPAGE) < 0) return; // no huge pages here
    const bytes = memory(base, 2 * HUGE);
    expect(bytes[SIZE]).toBe(0);
    bytes[HUGE] = 1;
    const ranges = pages(scan([{ start: base, end: base + HUGE }], PRIVATE_CONTENT), base);
    expect(ranges).toEqual(root || method === "best" || ranges.length === 0 ? [] : [[1, 2, 0]]);
    const [touched] = pages(scan([{ start: base, end: base + 2 * HUGE }], PRIVATE_CONTENT), base);
    expect(touched?.[0]).toBe(HUGE / SIZE);
  });

  test.each([20_000, 8192])("as many ranges as one answer holds, and more: %p", (count) => {
    const base = map(count * 2 * SIZE);
    // pages of 4 KiB, whatever the machine prefers
    sys(NR.madvise, base, count * 2 * SIZE, MADV.NOHUGEPAGE);
    const bytes = memory(base, count * 2 * SIZE);
    for (let i = 0; i < count; i++) bytes[i * 2 * SIZE] = 1;
    const ranges = scan([{ start: base, end: base + count * 2 * SIZE }], PRIVATE_CONTENT);
    expect(ranges.length).toBe(count * 3);
    expect(pages(ranges.subarray(-3), base)).toEqual([[count * 2 - 2, count * 2 - 1, 0]]);
    sys(NR.munmap, base, count * 2 * SIZE);
  });
});

test("a reservation of 100 GiB holds two pages", () => {
  const bytes = 100 * GIB;
  const base = map(bytes, PRIVATE | MAP.NORESERVE);
  sys(NR.madvise, base, bytes, MADV.NOHUGEPAGE);
  memory(base + 64 * GIB, SIZE)[0] = 1;
  memory(base + bytes - SIZE, SIZE)[0] = 1;
  const area = readSmaps(self).find((one) => one.start <= base && base < one.end);
  const expected = [
    [(64 * GIB) / SIZE, (64 * GIB) / SIZE + 1, 0],
    [bytes / SIZE - 1, bytes / SIZE, 0],
  ];
  expect(pages(scanPages(pagemap, [{ start: base, end: base + bytes }], PRIVATE_CONTENT), base)).toEqual(expected);
  expect(area?.rss).toBeGreaterThanOrEqual(2 * SIZE);
  // untouched, as smaps tells: reading skips it
  must(NR.madvise, [base, bytes, MADV.DONTNEED]);
  const empty = { start: base, end: base + bytes, rss: 0, swap: 0 };
  expect(scanPages(pagemap, [empty], PRIVATE_CONTENT, "read")).toHaveLength(0);
});

test("both ways agree about all of a process", async () => {
  if (!hasPagemapScan() || !root) return;
  const child = Bun.spawn([process.execPath, "-e", "process.kill(process.pid, 'SIGSTOP')"], { stdin: "ignore" });
  try {
    using dir = new ProcDir(child.pid);
    while (parseStat(dir.text("stat")).state !== "T") await Bun.sleep(1);
    const fd = dir.open("pagemap");
    const spans = readSmaps(dir).filter((area) => area.end < 2 ** 47);
    const best = scanPages(fd, spans, { ...ANY_CONTENT, report: PAGE.FILE | PAGE.PRESENT });
    const slow = scanPages(fd, spans, { ...ANY_CONTENT, report: PAGE.FILE | PAGE.PRESENT }, "read");
    expect(best.length).toBeGreaterThan(300);
    expect(best).toEqual(slow);
    closeSync(fd);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
});

test("write-protecting needs the ioctl", () => {
  expect(() => scanPages(pagemap, [], { flags: 1 }, "read")).toThrow("cannot write-protect");
});

test("range lists join neighbours of one kind until they are cut", () => {
  const list = new RangeList();
  list.push(0, 1, 5);
  list.push(1, 2, 5);
  list.push(2, 3, 6);
  list.push(4, 5, 6);
  list.cut();
  list.push(5, 6, 6);
  for (let i = 0; i < 1000; i++) list.push(10 + i * 2, 11 + i * 2, 1);
  const ranges = list.take();
  expect([...ranges.subarray(0, 12)]).toEqual([0, 2, 5, 2, 3, 6, 4, 5, 6, 5, 6, 6]);
  expect(ranges.length).toBe(12 + 3000);
  expect([...ranges.subarray(-3)]).toEqual([2008, 2009, 1]);
});
