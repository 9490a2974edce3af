/** A tree with an ipc namespace of its own: all that is in it comes back, with ids and keys. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { treeOf } from "../lib/snapshot.ts";
import { cProgram } from "../programs/lib/build.ts";
import { until } from "../unharmed/lib/victim.ts";
import { nameOf, namespace, Stage } from "./stage.ts";

const isRoot = process.getuid?.() === 0;
const testTime = 300_000;

describe.skipIf(!isRoot)("ipc (needs root)", () => {
  test(
    "segments, semaphores, queues with their messages and limits, twice over",
    async () => {
      const program = cProgram("ipc-namespace");
      await using stage = await Stage.set(["--ipc"], `${program} & wait`, (root) => treeOf(root).length === 2);
      const path = stage.scratch.file("out");
      const said = () => (existsSync(path) ? readFileSync(path, "latin1") : "");
      const says = (words: string) =>
        until(`it does not say ${words}`, () => (said().includes(words) ? undefined : said()));
      await says("ready\n");
      for (let round = 1; round <= 2; round++) {
        const before = namespace(stage.root, "ipc");
        await stage.dump();
        const log = readFileSync(`${stage.images}/dump.log`, "latin1");
        expect(log.includes("that nobody of the tree has open do not come back: forgotten")).toBe(round === 1);
        await stage.restore();
        expect(namespace(stage.root, "ipc")).not.toBe(namespace(process.pid, "ipc"));
        expect(before).not.toBe(namespace(process.pid, "ipc"));
        const [, victim = 0] = treeOf(stage.root);
        process.kill(victim, round === 1 ? "SIGUSR1" : "SIGUSR2");
        await says(`fine ${round}\n`);
      }
      expect(said()).not.toContain("wrong");
      const text = await stage.crit("decode", "-i", `${stage.images}/ipcns-sem-9.img`);
      expect(JSON.parse(text).entries[0]).toMatchObject({ nsems: 5, extra: [0, 5, 32767, 1, 77] });
    },
    testTime,
  );

  for (const others of [false, true])
    test(
      others ? "a list of what to undo may matter where there are semaphores" : "it says nothing where there are none",
      async () => {
        const program = cProgram("semaphores");
        const script = `${others ? "ipcmk -S 1;" : ""} ${program} idle & wait`;
        await using stage = await Stage.set(["--ipc"], script, (root) =>
          treeOf(root).some((pid) => nameOf(pid) === "sleep"),
        );
        await stage.dump();
        expect(readFileSync(`${stage.images}/dump.log`, "latin1").includes("(SEM_UNDO) cannot be read")).toBe(others);
      },
      testTime,
    );
});
