/** SIGINT and SIGTERM at any instant: everything is as before, or finished. */
import { describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { Keeper } from "../lib/keeper.ts";
import { treeOf } from "../lib/snapshot.ts";
import { by, type Instant, strike } from "./lib/kill.ts";
import { cProgram } from "./lib/programs.ts";
import { tscriu } from "./lib/run.ts";
import { Scratch, until, Victim } from "./lib/victim.ts";

const isRoot = process.getuid?.() === 0;
const patience = 600_000;
const times = Number(process.env.UNHARMED_SIGNALS ?? 18);
const signals = [2, 15];
const random = (below: number) => Math.floor(Math.random() * below);

/** Kept apart from what a run writes for people: those stay. */
const isImage = (name: string) => /\.img$/.test(name) && !name.startsWith("stats-");
const images = (path: string) => readdirSync(path).filter((name) => isImage(name) || name.startsWith("."));
const exit = (status: number) => ((status & 0x7f) === 0 ? status >> 8 : 1000 + (status & 0x7f));

function instant(i: number, calls: number): Instant {
  const signal = signals[i % 2] ?? 2;
  return i % 3 === 2 ? { at: "start", n: random(100_000), signal } : { at: "call", n: random(calls), signal };
}

async function dumps(
  fate: readonly string[],
  program: string,
  times: number,
): Promise<{ refused: number; finished: number }> {
  using scratch = new Scratch();
  await using keeper = await Keeper.start();
  const result = { refused: 0, finished: 0 };
  let victim: Victim | undefined;
  for (let i = 0, calls = 300; i < times; i++) {
    victim ??= await Victim.start(keeper, scratch, [cProgram(program)]);
    const { pids } = victim;
    const before = await victim.settled();
    const directory = scratch.file(`images-${i}`);
    mkdirSync(directory);
    const words = ["dump", "-t", String(victim.pid), "-D", directory, "-o", "dump.log", ...fate];
    const struck = await strike(instant(i, calls), victim.pid, words);
    calls = Math.max(calls, Math.min(struck.calls, 8000));
    const done = exit(struck.status) === 0;
    const finished = existsSync(`${directory}/inventory.img`);
    expect({ i, done, status: exit(struck.status) }).toEqual({
      i,
      done: finished,
      status: finished ? 0 : exit(struck.status) || 1,
    });
    if (done) result.finished++;
    else {
      result.refused++;
      expect(images(directory)).toEqual([]);
    }
    if (done && fate.length === 0) {
      await until("a finished dump leaves tasks", () =>
        pids.some((pid) => existsSync(`/proc/${pid}/exe`)) ? "some" : undefined,
      );
      victim = undefined;
    } else await victim.wellAs(before);
  }
  return result;
}

async function restores(): Promise<{ refused: number; finished: number }> {
  using scratch = new Scratch();
  await using keeper = await Keeper.start();
  const [ready, directory] = [scratch.file("ready"), scratch.file("images")];
  mkdirSync(directory);
  const argv = [cProgram("victims/small.c", "-static"), ready, scratch.file("file")];
  const pid = await keeper.run({ argv, directory: "/", output: "/dev/null", session: true });
  await until("the victim is not ready", () =>
    existsSync(ready) && readFileSync(ready).length > 3 ? undefined : "no",
  );
  const dumped = await tscriu(keeper, scratch, ["dump", "-t", String(pid), "-D", directory, "-o", "dump.log"]);
  expect(dumped).toEqual({ status: 0, text: "" });
  await keeper.ended(pid);
  const good = scratch.file("good");
  cpSync(directory, good, { recursive: true });
  // but for what the killer says
  const names = () =>
    readdirSync(scratch.path)
      .filter((name) => name !== "struck")
      .sort();
  const before = names();
  const result = { refused: 0, finished: 0 };
  for (let i = 0; i < times; i++) {
    const signal = signals[i % 2] ?? 2;
    const argvOf = ["restore", "-d", "-D", good, "-o", "restore.log", "--pidfile", scratch.file("pid")];
    const struck = await strike({ at: "start", n: random(120_000), signal }, pid, argvOf, [], by(keeper, scratch));
    const done = exit(struck.status) === 0;
    const alive = () => treeOf(pid).filter((one) => existsSync(`/proc/${one}/exe`));
    if (done) {
      result.finished++;
      expect(alive().length).toBe(2);
      expect(readFileSync(scratch.file("pid"), "latin1")).toBe(String(pid));
      for (const one of alive()) process.kill(one, "SIGKILL");
    } else result.refused++;
    await until("something of the tree is left", () =>
      existsSync(`/proc/${pid}`) ? `${treeOf(pid).join(" ")} (${done})` : undefined,
    );
    if (!done) expect(names()).toEqual(before);
    else await Bun.file(scratch.file("pid")).delete();
  }
  return result;
}

describe("a signal that asks tscriu to end", () => {
  if (!isRoot) {
    test.skip("at any instant (a dump needs root)", () => {});
    return;
  }
  const few = Math.ceil(times / 4);
  for (const [name, fate, program, often] of [
    ["a dump that ends its tree", [], "victims/tree.c", times],
    ["a dump that leaves its tree running", ["--leave-running"], "victims/tree.c", times],
    ["a dump of 72 MiB that leaves its tree running", ["--leave-running"], "victims/large.c", few],
  ] as const)
    test.concurrent(
      `${often} times during ${name}`,
      async () => {
        const { refused } = await dumps(fate, program, often);
        expect(refused).toBeGreaterThan(0);
      },
      patience,
    );
  test.concurrent(
    `${times} times during a restore`,
    async () => {
      const { refused } = await restores();
      expect(refused).toBeGreaterThan(0);
    },
    patience,
  );
});
