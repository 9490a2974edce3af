import { expect, test } from "bun:test";
import { parseStatus } from "../kernel/proc/status.ts";
import { PR } from "../kernel/uapi/prctl.ts";
import { readFlusher, readSpeculation } from "./habits.ts";

const told = (bypass: string, branch: string) =>
  readSpeculation(parseStatus(`Speculation_Store_Bypass:\t${bypass}\nSpeculationIndirectBranch:\t${branch}\n`));

test("what a thread may not do speculatively is that which it said itself", () => {
  const option = PR.SET_SPECULATION_CTRL;
  expect(told("thread mitigated", "conditional force disabled")).toEqual([
    { option, value: 4 },
    { option, value: 0x108 },
  ]);
  expect(told("thread force mitigated", "conditional disabled")).toEqual([
    { option, value: 8 },
    { option, value: 0x104 },
  ]);
  for (const words of ["thread vulnerable", "globally mitigated", "not vulnerable", "vulnerable", "unknown"])
    expect(told(words, "conditional enabled")).toEqual([]);
  for (const words of ["always enabled", "always disabled", "not affected", "unknown"])
    expect(told("vulnerable", words)).toEqual([]);
  expect(readSpeculation(parseStatus("Name:\tolder\n"))).toEqual([]);
});

test("who serves a disk has both flags", () => {
  expect(readFlusher(0x40_0040)).toEqual([]);
  expect(readFlusher(0x48_0040)).toEqual([]);
  expect(readFlusher(0x58_0040)).toEqual([{ option: PR.SET_IO_FLUSHER, value: 1 }]);
});
