import { expect, test } from "bun:test";
import { parseCgroupProps } from "./cgroup-props.ts";

test("properties by controller", () => {
  const text =
    '"cpu":\n - "strategy": "replace"\n - "properties": ["cpu.shares", "cpu.cfs_period_us"]\n"pids":\n  - "strategy": "merge"\n  - "properties": []\n';
  expect(parseCgroupProps(text)).toEqual([
    { controller: "cpu", replaces: true, properties: ["cpu.shares", "cpu.cfs_period_us"] },
    { controller: "pids", replaces: false, properties: [] },
  ]);
  expect(parseCgroupProps("")).toEqual([]);
});

test.each([
  "cpu: []",
  '"cpu":\n - "strategy": "other"\n - "properties": []',
  '"cpu":\n - "strategy": "merge"\n - "properties": ["../x"]',
  '"cpu":\n - "strategy": "merge"\n - "properties": [x]',
])("anything else is an error: %p", (text) => {
  expect(() => parseCgroupProps(text)).toThrow("unknown form");
});
