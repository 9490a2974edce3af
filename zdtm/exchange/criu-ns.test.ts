/** What CRIU's script criu-ns is for: a tree whose pids others have comes back in pid and mount namespaces that are made for it. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary } from "../lib/binary.ts";
import { describeStatus, Keeper } from "../lib/keeper.ts";
import { treeOf } from "../lib/snapshot.ts";
import { until } from "../programs/lib/stage.ts";
import { KernelFacts, missing, path } from "./criu.ts";

/** Numbers of a process, from ours inwards. */
const numbers = (pid: number) =>
  /^NSpid:\s*(.*)$/m
    .exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]
    ?.split(/\s+/)
    .map(Number) ?? [];
/** Processes that a /proc shows to one of them. */
const shown = (pid: number) =>
  readdirSync(`/proc/${pid}/root/proc`)
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

test.skipIf(missing !== undefined)(
  `what criu dumped comes back beside itself, and tells its end${missing === undefined ? "" : ` (${missing})`}`,
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "criu-ns-"));
    using facts = new KernelFacts();
    try {
      await using keeper = await Keeper.start(undefined, facts.through);
      const run = (...argv: string[]) => keeper.run({ argv, directory: dir, output: "/dev/null", session: true });
      const ends = async (...argv: string[]) =>
        describeStatus(await keeper.ended(await keeper.run({ argv, directory: dir, output: "/dev/null" })));
      const story = `sleep 100000 & while [ ! -e ${dir}/go ]; do sleep 0.05; done; kill $!; exit 7`;
      const root = await run("sh", "-c", story);
      const isThere = () => treeOf(root).length >= 3 || undefined;
      await until("the tree is there", isThere);
      mkdirSync(join(dir, "images"));
      const words = ["-D", join(dir, "images"), "-o", "log"];
      expect(await ends(path, "dump", "-t", `${root}`, "-R", ...words)).toBe("exit 0");
      const tscriu = await binary();
      // its pids are taken
      expect(await ends(...tscriu, "restore", "-d", ...words)).toBe("exit 1");
      const own = [...words, "--pidfile", join(dir, "pid")];
      const restore = await run(...tscriu, "restore", "--new-pidns", ...own);
      const other = await until("it is restored", () => {
        const text = Bun.spawnSync(["cat", join(dir, "pid")]).stdout.toString();
        return text === "" ? undefined : Number(text);
      });
      await until("it sleeps", () => treeOf(other).length >= 3 || undefined);
      expect(numbers(other)).toEqual([other, root]);
      // its init, which nobody has dumped, and the tree, which starts others by the numbers that are free there
      const there = shown(other);
      expect(there).toContain(1);
      expect(there).toContain(root);
      expect(there).not.toContain(process.pid);
      writeFileSync(join(dir, "go"), "");
      expect(describeStatus(await keeper.ended(restore))).toBe("exit 7");
      expect(describeStatus(await keeper.ended(root))).toBe("exit 7");
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
  300_000,
);
