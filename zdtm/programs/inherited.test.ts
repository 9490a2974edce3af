/** What a restored tree must not have of whoever restores it. */
import { describe, expect, test } from "bun:test";
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
});
