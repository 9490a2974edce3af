/** tscriu dies by SIGKILL at any instant of a restore: all of the tree is back, or nothing of it and nothing that was made for it. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Keeper } from "../lib/keeper.ts";
import type { Snapshot } from "../lib/snapshot.ts";
import { apart, type Surroundings } from "./lib/apart.ts";
import { freshCgroup } from "./lib/cgroup.ts";
import { by, spread, strike } from "./lib/kill.ts";
import { cProgram } from "./lib/programs.ts";
import { tscriu } from "./lib/run.ts";
import { Turns } from "./lib/turns.ts";
import { Scratch, until, Victim } from "./lib/victim.ts";

const isRoot = process.getuid?.() === 0;
const patience = 600_000;
const kills = Number(process.env.UNHARMED_RESTORES ?? 16);

/** Each of these is a chain of processes: as many at a time as there are CPUs for them. */
const turns = new Turns(Math.max(2, availableParallelism()));

interface Stage {
  scratch: Scratch;
  victim: Victim;
  before: Snapshot;
  around: Surroundings;
}

async function killOften({ scratch, victim, before, around }: Stage, times: number): Promise<void> {
  const { keeper, pid, pids } = victim;
  const images = scratch.file("images");
  mkdirSync(images);
  const run = async (...words: string[]) => {
    const said = await tscriu(keeper, scratch, [...words, "-D", images], "said", [...around.under]);
    if (said.status !== 0) throw new Error(`${words[0]} ends with ${said.status}: ${said.text}`);
  };
  const dump = async () => {
    await run("dump", "-t", String(pid), "--link-remap", "-o", "dump.log");
    await until("pids are still taken", () => (pids.some((one) => existsSync(`/proc/${one}`)) ? "some" : undefined));
    around.tidy?.();
  };
  const restore = ["restore", "-d", "-D", images, "-o", "restore.log"];
  // whatever the test comes to, its tree ends with the keeper
  const start = by(keeper, scratch);
  const alive = () => pids.filter((one) => existsSync(`/proc/${one}`));
  /** All of it is there for good, or none of it. What was let go when tscriu was killed is seen alive until its end comes. */
  const isBack = async (): Promise<boolean> => {
    let back = false;
    await until("a part of the tree is there", () => {
      back = pids.every((one) => existsSync(`/proc/${one}/exe`));
      return back || alive().length === 0 ? undefined : alive().join(" ");
    });
    if (!back) return false;
    try {
      await victim.wellAs(before);
      return true;
    } catch (error) {
      if (existsSync(`/proc/${pid}/exe`)) throw error;
      await until("a part of the tree is there", () => (alive().length === 0 ? undefined : alive().join(" ")));
      return false;
    }
  };
  /** Numbers go round on a busy machine: whoever has got one of the tree's meanwhile is soon over. */
  const free = () =>
    until("a stranger has a pid of the tree", () => (alive().length === 0 ? undefined : alive().join(" ")));
  await dump();
  const counted = await strike({ at: "born", n: -2 }, pid, restore, around.under, start);
  expect(counted.status).toBe(0);
  await victim.wellAs(before);
  await dump();
  const empty = around.look();
  for (const n of spread(times, counted.calls)) {
    const when = `killed at call ${n} of ${counted.calls}`;
    try {
      await free();
      const struck = await strike({ at: "born", n }, pid, restore, around.under, start);
      if (!struck.killed && struck.status !== 0) throw new Error(readFileSync(`${images}/restore.log`, "latin1"));
      if (await isBack()) await dump();
      else if (!struck.killed) throw new Error("it was restored, and is gone");
      // who undoes it may still be about it
      await until("something is left", () => (around.look() === empty ? undefined : around.look()));
    } catch (error) {
      throw new Error(when, { cause: error });
    }
  }
  await free();
  await run("restore", "-d", "-o", "restore.log");
  await victim.wellAs(before);
}

describe.skipIf(!isRoot)("a restore that is killed (it needs root)", () => {
  test.concurrent(
    `leaves nothing of what a tree holds, ${kills} times`,
    async () => {
      using scratch = new Scratch();
      await using keeper = await Keeper.start();
      const around = await apart(keeper, scratch);
      const argv = [...around.under, cProgram("victims/holder.c", "-lrt"), around.directory];
      const victim = await Victim.start(keeper, scratch, argv);
      const before = await victim.settled();
      await turns.take(() => killOften({ scratch, victim, before, around }, kills));
    },
    patience,
  );
  test.concurrent(
    `leaves nothing of a tree of twenty, ${kills} times`,
    async () => {
      using scratch = new Scratch();
      await using keeper = await Keeper.start();
      const victim = await Victim.start(keeper, scratch, [cProgram("victims/tree.c")]);
      const before = await victim.settled();
      const around = {
        under: [],
        directory: scratch.path,
        look: () => (readFileSync("/proc/self/mounts", "latin1").length > 0 ? "" : "none"),
      };
      await turns.take(() => killOften({ scratch, victim, before, around }, kills));
    },
    patience,
  );
  test.concurrent(
    `leaves no cgroup, ${Math.ceil(kills / 4)} times`,
    async () => {
      using scratch = new Scratch();
      const cgroup = freshCgroup(`tscriu-unharmed-${process.pid}`);
      if (cgroup === undefined) {
        console.log("skipped leaves no cgroup: there are no cgroups that can be made here");
        return;
      }
      try {
        await using keeper = await Keeper.start();
        const victim = await Victim.start(keeper, scratch, [cProgram("victims/tree.c")]);
        for (const pid of victim.pids) writeFileSync(`${cgroup}/cgroup.procs`, String(pid));
        const before = await victim.settled();
        const around = {
          under: [],
          directory: scratch.path,
          look: () => String(existsSync(cgroup)),
          tidy: () => rmdirSync(cgroup),
        };
        await turns.take(() => killOften({ scratch, victim, before, around }, Math.ceil(kills / 4)));
      } finally {
        await until("the cgroup is in use", () => {
          try {
            if (existsSync(cgroup)) rmdirSync(cgroup);
            return undefined;
          } catch (error) {
            return String(error);
          }
        });
      }
    },
    patience,
  );
});
