/** What a restored tree must not have of whoever restores it. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { cProgram } from "./lib/build.ts";
import { isRoot, Stage, testTime, until } from "./lib/stage.ts";

describe.skipIf(!isRoot)("whoever restores (needs root)", () => {
  test(
    "gives a tree nothing of its own: keyring, priorities, policies, what it ignores",
    async () => {
      await using stage = await Stage.open();
      const heir = cProgram("heir");
      const program = await stage.start([heir]);
      const round = async (n: number) => {
        await program.says(new RegExp(`round ${n} of`));
        const all = () => program.said.split("\n").filter((line) => /^(leader|thread|child): /.test(line));
        await until(`all answer for the time ${n}`, () => (all().length === 3 * n ? true : undefined));
        return all().slice(-3).sort();
      };
      const before = await round(1);
      expect(before.join()).toContain("leader: slack 50000 of 50000, io 0, policy 0, early 2, huge 0, merge 0");
      await program.trip({ underRestore: [heir] });
      process.kill(program.pid, "SIGTERM");
      expect(await round(2)).toEqual(before);
      // what is as in the tree is not as in who restores
      await program.trip();
      process.kill(program.pid, "SIGTERM");
      expect(await round(3)).toEqual(before);
    },
    testTime,
  );

  test(
    "says what a tree cannot be rid of: that it may gain no privileges, and a filter",
    async () => {
      await using stage = await Stage.open();
      const heir = cProgram("heir");
      const program = await stage.start([heir]);
      await program.says(/round 1 of/);
      const images = stage.nextImages();
      await stage.tscriu(images, ["dump", "-t", String(program.pid)]);
      await program.end;
      const words = async (under: readonly string[]) => {
        await stage.tscriu(images, ["restore", "-d"], under);
        const end = stage.keeper.ended(program.pid);
        process.kill(program.pid, "SIGKILL");
        await end;
        const log = readFileSync(`${images}/restore.log`, "utf8");
        return log.split("\n").filter((line) => /Warn.*whoever restores/.test(line));
      };
      const said = await words([heir, "-n"]);
      expect(said).toHaveLength(2);
      expect(said[0]).toContain(`may gain no privileges (no_new_privs), nor may tasks any more`);
      expect(said[1]).toContain(`a filter of whoever restores (seccomp) stays on tasks that had none`);
      for (const line of said) expect(line).toContain(`(pid ${program.pid})`);
    },
    testTime,
  );
});
