import { expect, test } from "bun:test";
import type { VmaEntry } from "../image/schema.gen.ts";
import { dontFork, inheritable } from "./inherit.ts";
import { MAP, VMA } from "./vmas.ts";

function area(start: number, pages: number, more: Partial<VmaEntry> = {}): VmaEntry {
  return {
    start,
    end: start + pages * 4096,
    pgoff: 0,
    shmid: 0,
    prot: 3,
    flags: MAP.PRIVATE | MAP.ANONYMOUS,
    status: VMA.REGULAR | VMA.ANON_PRIVATE,
    fd: -1,
    ...more,
  };
}

const file = (start: number, pages: number, pgoff: number, shmid = 7): VmaEntry =>
  area(start, pages, { pgoff, shmid, flags: MAP.PRIVATE, status: VMA.REGULAR | VMA.FILE_PRIVATE });

test("a child's area is its parent's when it is the same, or a piece of it", () => {
  const parent = [area(0x10000, 4), area(0x20000, 8), file(0x40000, 4, 0x3000)];
  expect(inheritable(area(0x20000, 8), parent)).toBe(parent[1]);
  expect(inheritable(area(0x22000, 2), parent)).toBe(parent[1]);
  expect(inheritable(file(0x41000, 2, 0x4000), parent)).toBe(parent[2]);
});

test("what differs is the child's own", () => {
  const parent = [area(0x10000, 4), file(0x40000, 4, 0x3000)];
  expect(inheritable(area(0xf000, 4), parent)).toBeUndefined();
  expect(inheritable(area(0x12000, 4), parent)).toBeUndefined();
  expect(inheritable(area(0x10000, 4, { prot: 1 }), parent)).toBeUndefined();
  expect(inheritable(area(0x10000, 4, { madv: 1 << 14 }), parent)).toBeUndefined();
  // another part of the file, and another file
  expect(inheritable(file(0x41000, 2, 0x3000), parent)).toBeUndefined();
  expect(inheritable(file(0x40000, 4, 0x3000, 8), parent)).toBeUndefined();
  expect(inheritable(area(0x10000, 4), [])).toBeUndefined();
});

test("shared and huge areas are never compared", () => {
  const shared = area(0x10000, 4, { status: VMA.REGULAR | VMA.FILE_SHARED | VMA.MEMFD, flags: MAP.SHARED });
  const huge = area(0x200000, 512, { flags: MAP.PRIVATE | MAP.ANONYMOUS | MAP.HUGETLB });
  expect(inheritable(shared, [shared])).toBeUndefined();
  expect(inheritable(huge, [huge])).toBeUndefined();
});

test("advice that keeps an area from children", () => {
  expect(dontFork(area(0x10000, 1, { madv: 1 << 10 }))).toBe(true);
  expect(dontFork(area(0x10000, 1, { madv: 1 << 18 }))).toBe(true);
  expect(dontFork(area(0x10000, 1, { madv: 1 << 14 }))).toBe(false);
});
