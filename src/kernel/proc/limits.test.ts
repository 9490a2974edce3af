import { describe, expect, test } from "bun:test";
import { NR } from "../nr.ts";
import { addressOf, must } from "../sys.ts";
import { U64_MAX } from "../u64.ts";
import { RLIMIT } from "../uapi/resource.ts";
import { parseLimits } from "./limits.ts";
import { ProcDir } from "./read.ts";
import { Victim } from "./victim.testing.ts";

describe("limits", () => {
  const line = (name: string, soft: string, hard: string, unit = "bytes") =>
    `${name.padEnd(25)} ${soft.padEnd(20)} ${hard.padEnd(20)} ${unit.padEnd(10)}\n`;
  const fixture = (last: string) =>
    line("Limit", "Soft Limit", "Hard Limit", "Units") + line("Max address space", "5", "unlimited").repeat(15) + last;

  test("infinity, and numbers that touch their neighbour", () => {
    const limits = parseLimits(fixture(line("Max realtime timeout", "18446744073709551614", "9007199254740993", "us")));
    expect(limits).toHaveLength(16);
    expect(limits[0]).toEqual([5, U64_MAX]);
    expect(limits[15]).toEqual([18446744073709551614n, 9007199254740993n]);
  });

  test("refuses other texts", () => {
    expect(() => parseLimits(fixture(""))).toThrow("too short");
    expect(() => parseLimits(fixture("hello\n"))).toThrow("unknown form");
  });

  test("as prlimit(2) tells them", async () => {
    await using victim = await Victim.start("ulimit -S -n 123; ulimit -c 0; ulimit -S -t 1000");
    using dir = new ProcDir(victim.pid);
    const limits = parseLimits(dir.text("limits"));
    const pair = new BigUint64Array(new ArrayBuffer(16));
    for (const resource of Object.values(RLIMIT)) {
      must(NR.prlimit64, [victim.pid, resource, 0, addressOf(pair)]);
      expect(limits[resource]?.map(BigInt)).toEqual([...pair]);
    }
    expect(limits[RLIMIT.NOFILE]?.[0]).toBe(123);
    expect(limits[RLIMIT.CORE]).toEqual([0, 0]);
  });
});
