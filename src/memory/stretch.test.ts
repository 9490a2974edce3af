import { expect, test } from "bun:test";
import type { PageRuns } from "./content.ts";
import { Stretch } from "./stretch.ts";

const K = 4096;

function runs(...pages: [from: number, to: number][]): PageRuns {
  const [starts, ends] = [pages.map(([from]) => from * K), pages.map(([, to]) => to * K)];
  return { starts, ends, vmas: [], bytes: 0 };
}

const pages = (pieces: readonly { start: number; length: number }[]) =>
  pieces.map(({ start, length }) => [start / K, (start + length) / K]);

test("pieces from both ends, until all is taken", () => {
  const stretch = new Stretch(runs([0, 1], [10, 14], [20, 23], [30, 40]), 1, 3, 5 * K);
  expect(stretch.bytes).toBe(7 * K);
  expect(pages(stretch.takeFirst(2 * K, 9))).toEqual([[10, 12]]);
  expect(stretch.offset).toBe(7 * K);
  expect(pages(stretch.takeLast(1 * K, 9))).toEqual([[22, 23]]);
  expect(pages(stretch.takeLast(3 * K, 9))).toEqual([
    [13, 14],
    [20, 22],
  ]);
  expect(stretch.bytes).toBe(K);
  expect(pages(stretch.takeFirst(9 * K, 9))).toEqual([[12, 13]]);
  expect(stretch.bytes).toBe(0);
  expect(stretch.offset).toBe(8 * K);
  expect(stretch.takeFirst(K, 9)).toEqual([]);
  expect(stretch.takeLast(K, 9)).toEqual([]);
});

test("no more pieces than are wanted", () => {
  const stretch = new Stretch(runs([0, 1], [2, 3], [4, 5], [6, 7]), 0, 4, 0);
  expect(pages(stretch.takeFirst(9 * K, 1))).toEqual([[0, 1]]);
  expect(pages(stretch.takeLast(9 * K, 2))).toEqual([
    [4, 5],
    [6, 7],
  ]);
  expect(stretch.bytes).toBe(K);
});

test("what was given back is taken again", () => {
  const stretch = new Stretch(runs([0, 4], [8, 10]), 0, 2, 0);
  const pieces = stretch.takeLast(4 * K, 9);
  expect(pages(pieces)).toEqual([
    [2, 4],
    [8, 10],
  ]);
  stretch.giveBack(pieces);
  expect(stretch.bytes).toBe(6 * K);
  expect(pages(stretch.takeFirst(6 * K, 9))).toEqual([
    [0, 2],
    [2, 4],
    [8, 10],
  ]);
});
