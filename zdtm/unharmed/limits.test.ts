/** What limits a task does not meet its dump: somebody else writes its pages then. */
import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { ownMounts } from "../../src/kernel/mount.ts";
import { Keeper } from "../lib/keeper.ts";
import { cProgram } from "./lib/programs.ts";
import { tscriu } from "./lib/run.ts";
import { Scratch, until, Victim } from "./lib/victim.ts";

const MIB = 1 << 20;
/** The victim holds 72 MiB: there is no room for as much again. */
const LIMIT = 100 * MIB;

/** A cgroup that limits memory; undefined where none can be made. */
function memoryCgroup(): { path: string; usage(): number; remove(): Promise<void> } | undefined {
  for (const { fsType, superOptions, mountpoint } of ownMounts()) {
    const version1 = fsType === "cgroup" && superOptions.split(",").includes("memory");
    if (!version1 && fsType !== "cgroup2") continue;
    const path = `${mountpoint}/tscriu-test-limits-${process.pid}`;
    try {
      mkdirSync(path);
    } catch {
      continue;
    }
    try {
      writeFileSync(`${path}/${version1 ? "memory.limit_in_bytes" : "memory.max"}`, `${LIMIT}`);
    } catch {
      rmdirSync(path);
      continue;
    }
    const usage = () =>
      Number(readFileSync(`${path}/${version1 ? "memory.usage_in_bytes" : "memory.current"}`, "utf8"));
    const empty = () => (readFileSync(`${path}/cgroup.procs`, "utf8") === "" ? undefined : "somebody is in it");
    const remove = async () => {
      await until("the cgroup stays", empty);
      rmdirSync(path);
    };
    return { path, usage, remove };
  }
  return undefined;
}

test.skipIf(process.getuid?.() !== 0)(
  "a task in a memory cgroup with no room for its images: they are not charged to it",
  async () => {
    const cgroup = memoryCgroup();
    if (cgroup === undefined) {
      console.log("skipped limits: no cgroup that limits memory can be made here");
      return;
    }
    try {
      using scratch = new Scratch();
      await using keeper = await Keeper.start();
      const script = `echo 0 >${cgroup.path}/cgroup.procs; exec "$@"`;
      const argv = ["sh", "-c", script, "sh", cProgram("victims/large.c")];
      const victim = await Victim.start(keeper, scratch, argv);
      const before = await victim.settled();
      const usage = cgroup.usage();
      expect(usage).toBeGreaterThan(72 * MIB);
      const images = scratch.file("images");
      mkdirSync(images);
      const words = ["dump", "-t", `${victim.pid}`, "-D", images, "-o", "log", "--leave-running"];
      expect(await tscriu(keeper, scratch, words)).toEqual({ status: 0, text: "" });
      expect(statSync(`${images}/pages-1.img`).size).toBeGreaterThan(72 * MIB);
      await victim.wellAs(before);
      expect(cgroup.usage() - usage).toBeLessThan(8 * MIB);
    } finally {
      await cgroup.remove();
    }
  },
  300_000,
);
