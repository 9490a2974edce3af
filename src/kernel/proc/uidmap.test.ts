import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { idInside, idOutside, parseIdMap } from "./uidmap.ts";

test("id maps", () => {
  const map = parseIdMap("         0       1000          1\n         1     100000      65536\n");
  expect(map).toEqual([
    { first: 0, lowerFirst: 1000, count: 1 },
    { first: 1, lowerFirst: 100000, count: 65536 },
  ]);
  expect(idInside(map, 1000)).toBe(0);
  expect(idInside(map, 100005)).toBe(6);
  expect(idInside(map, 165536)).toBeUndefined();
  expect(idOutside(map, 65536)).toBe(165535);
  expect(idOutside(map, 65537)).toBeUndefined();
  expect(parseIdMap("")).toEqual([]);
  expect(() => parseIdMap("1 2\n")).toThrow("unknown form");
  const [whole] = parseIdMap(readFileSync("/proc/self/uid_map", "utf8"));
  expect(whole?.count).toBeGreaterThan(0);
});
