import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { makeDev } from "../stat.ts";
import { ProcDir } from "./read.ts";
import { parseStat } from "./stat.ts";
import { adopt, reap, Victim } from "./victim.testing.ts";

/** 52 fields: field N holds N, but for those given. */
function fixture(comm: string, fields: Readonly<Record<number, string | number>> = {}): string {
  const values = Array.from({ length: 50 }, (_, i) => String(fields[i + 3] ?? i + 3));
  return `17 (${comm}) ${values.join(" ")}\n`;
}

test("every field has its place", () => {
  const stat = parseStat(fixture("a", { 3: "S", 7: 0, 25: "18446744073709551615" }));
  expect(stat).toEqual({
    pid: 17,
    comm: "a",
    state: "S",
    ppid: 4,
    pgrp: 5,
    sid: 6,
    tty: 0,
    tpgid: 8,
    flags: 9,
    minflt: 10,
    cminflt: 11,
    majflt: 12,
    cmajflt: 13,
    utime: 14,
    stime: 15,
    cutime: 16,
    cstime: 17,
    priority: 18,
    nice: 19,
    numThreads: 20,
    starttime: 22,
    vsize: 23,
    rss: 24,
    rsslim: 18446744073709551615n,
    startCode: 26,
    endCode: 27,
    startStack: 28,
    exitSignal: 38,
    processor: 39,
    rtPriority: 40,
    policy: 41,
    startData: 45,
    endData: 46,
    startBrk: 47,
    argStart: 48,
    argEnd: 49,
    envStart: 50,
    envEnd: 51,
    exitCode: 52,
  });
});

test.each(["", ")", "((", ") S 1 2 3 (", "a b", "line\nbreak) R 1"])("the name %p", (comm) => {
  expect(parseStat(fixture(comm, { 3: "T" }))).toMatchObject({ comm, state: "T", ppid: 4 });
});

test("terminals with more than 256 minors", () => {
  const encode = (major: number, minor: number) => (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
  expect(parseStat(fixture("a", { 7: encode(136, 5) })).tty).toBe(makeDev(136, 5));
  expect(parseStat(fixture("a", { 7: encode(136, 300) })).tty).toBe(makeDev(136, 300));
  // the kernel prints it as a signed number
  expect(parseStat(fixture("a", { 7: encode(136, 0xfff00) | 0 })).tty).toBe(makeDev(136, 0xfff00));
});

test.each(["", "17", "17 (a", "17 (a) S 1 2 3\n"])("refuses %p", (text) => {
  expect(() => parseStat(text)).toThrow("unknown form");
});

test("a running process with a name that misleads", async () => {
  const name = "x) Z (1\ny";
  await using victim = await Victim.start(`printf '%s' '${name}' > /proc/$$/comm`);
  using dir = new ProcDir(victim.pid);
  const stat = parseStat(dir.text("stat"));
  expect(stat).toMatchObject({
    pid: victim.pid,
    comm: name,
    // it may not have come to its waiting yet
    state: expect.stringMatching(/^[RS]$/),
    ppid: process.pid,
    numThreads: 1,
    exitSignal: 17,
  });
  const own = parseStat(readFileSync("/proc/self/stat", "latin1"));
  expect(stat.sid).toBe(own.sid);
  expect(stat.starttime).toBeGreaterThanOrEqual(own.starttime);
  // the arguments lie where it says
  const mem = readFileSync(`/proc/${victim.pid}/cmdline`);
  expect(stat.argEnd - stat.argStart).toBe(mem.length);
  expect(stat.envStart).toBeGreaterThanOrEqual(stat.argEnd);
  expect(stat.startCode).toBeLessThan(stat.endCode);
});

test("a zombie tells how it ended", async () => {
  adopt(true);
  try {
    const victim = await Victim.start(
      // the parent is a program that waits for nobody, before the child ends
      `sh -c 'until grep -q cat /proc/$PPID/comm; do sleep 0.01; done; exit 3' & echo $!; echo ready; exec cat`,
    );
    const zombie = Number(victim.said);
    using dir = new ProcDir(zombie);
    while (parseStat(dir.text("stat")).state !== "Z") await Bun.sleep(1);
    expect(parseStat(dir.text("stat"))).toMatchObject({ ppid: victim.pid, exitCode: 3 << 8, vsize: 0 });
    await victim.end();
    reap(zombie);
    expect(dir.exists()).toBe(false);
  } finally {
    adopt(false);
  }
});
