import { expect, test } from "bun:test";
import { AREA } from "../agent/layout.ts";
import { findHole } from "./hole.ts";
import type { SavedTask } from "./set.ts";

/** A task that uses these address ranges. */
function task(...areas: [number, number][]): SavedTask {
  const vmas = areas.map(([start, end]) => ({ start, end }));
  return { threads: [], mm: { vmas } } as unknown as SavedTask;
}

const inside = (at: number, [start, end]: [number, number]) => at < end && at + AREA.size > start;

test("the agent lives where no task of the set has anything", () => {
  const first = findHole([task()]);
  const taken: [number, number] = [first.base - 0x100000, first.base + 0x10000000];
  const other = findHole([task(), task(taken)]);
  expect(inside(first.base, taken)).toBe(true);
  expect(inside(other.base, taken)).toBe(false);
  expect(inside(other.parking, taken)).toBe(false);
  expect(other.parking).toBeLessThan(other.base);
});

test("an address space without room is refused", () => {
  expect(() => findHole([task([0x10000, 0x7fff_ffff_f000])])).toThrow("no room");
});
