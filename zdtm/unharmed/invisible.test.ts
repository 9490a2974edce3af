/** A dump that leaves its tree running cannot be noticed from inside, however often it comes. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { Keeper } from "../lib/keeper.ts";
import { cProgram } from "./lib/programs.ts";
import { tscriu } from "./lib/run.ts";
import { Scratch, until, Victim } from "./lib/victim.ts";

const isRoot = process.getuid?.() === 0;
const patience = 600_000;
const calls = (
  "nanosleep clock_nanosleep clock_nanosleep_absolute poll ppoll epoll_wait select pselect futex sem_timedwait " +
  "sigtimedwait recv read accept wait4"
).split(" ");
/** Dumps of each victim: several fall into one wait of 300 ms. */
const dumps = 4;

const lines = (path: string) => {
  try {
    return readFileSync(path, "latin1").trim().split("\n");
  } catch {
    return [];
  }
};

async function waits(name: string, where: string): Promise<void> {
  using scratch = new Scratch();
  await using keeper = await Keeper.start();
  const [ready, results, images] = [scratch.file("ready"), scratch.file("results"), scratch.file("images")];
  mkdirSync(images);
  const argv = [cProgram("victims/calls.c"), ready, name, where, results];
  const pid = await keeper.run({ argv, directory: "/", output: scratch.file("out"), session: true });
  await until("the victim does not start", () => (lines(results).length > 0 ? undefined : "no result"));
  for (let i = 0; i < dumps; i++) {
    const words = ["dump", "-t", String(pid), "-D", images, "-o", "dump.log", "--leave-running", "--shell-job"];
    expect(await tscriu(keeper, scratch, words)).toEqual({ status: 0, text: "" });
  }
  const sofar = lines(results).length;
  await until("it waits for ever", () => (lines(results).length > sofar + 1 ? undefined : "no further result"));
  expect(lines(results).filter((line) => !line.startsWith("ok"))).toEqual([]);
  // far above what a wait takes that is not begun anew each time
  const longest = Math.max(...lines(results).map((line) => Number(line.slice(3))));
  expect(longest).toBeLessThan(60_000_000);
}

/** Memory of a process, pages: Rss without what is shared with others. */
function memory(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
  return Number(/^Private_Dirty:\s+(\d+)/m.exec(text)?.[1]) / 4;
}

describe("a dump that leaves its tree running", () => {
  if (!isRoot) {
    test.skip("calls that wait (a dump needs root)", () => {});
    return;
  }
  for (const where of ["leader", "thread"])
    test.concurrent(
      `is not seen by any of ${calls.length} calls that wait, in the ${where}`,
      async () => {
        const gate = [...calls];
        const one = async () => {
          for (let name = gate.pop(); name !== undefined; name = gate.pop()) await waits(name, where);
        };
        await Promise.all([one(), one(), one()]);
      },
      patience,
    );

  test.concurrent(
    "50 times over changes nothing",
    async () => {
      using scratch = new Scratch();
      await using keeper = await Keeper.start();
      const victim = await Victim.start(keeper, scratch, [cProgram("victims/computing.c")]);
      const images = scratch.file("images");
      mkdirSync(images);
      const before = await victim.settled();
      let pages = 0;
      for (let i = 0; i < 50; i++) {
        const words = ["dump", "-t", String(victim.pid), "-D", images, "-o", "dump.log", "--leave-running"];
        expect(await tscriu(keeper, scratch, words)).toEqual({ status: 0, text: "" });
        // the page of the trampoline is the task's own from the first time on
        if (i === 0) pages = memory(victim.pid);
      }
      await victim.wellAs(before);
      expect(Math.abs(memory(victim.pid) - pages)).toBeLessThanOrEqual(3);
    },
    patience,
  );
});
