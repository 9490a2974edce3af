/** Programs of every shell: sleep, and a pipeline whose data goes on flowing. */
import { describe, expect, test } from "bun:test";
import { appendFileSync, writeFileSync } from "node:fs";
import { describeStatus } from "../lib/keeper.ts";
import { isRoot, Stage, testTime } from "./lib/stage.ts";

describe.skipIf(!isRoot)("programs of the shell (needs root)", () => {
  test(
    "sleep sleeps on",
    async () => {
      await using stage = await Stage.open();
      const program = await stage.start(["sleep", "1000"]);
      await program.roundTrip();
      await program.roundTrip();
      process.kill(program.pid, "SIGTERM");
      expect(describeStatus(await program.end)).toBe("signal 15");
    },
    testTime,
  );

  test(
    "sleep ends when its time is over",
    async () => {
      await using stage = await Stage.open();
      const program = await stage.start(["sleep", "3"]);
      await program.roundTrip();
      expect(describeStatus(await program.end)).toBe("exit 0");
    },
    testTime,
  );

  const lacking = ["bash", "tail", "grep"].find((name) => Bun.which(name) === null);
  test.skipIf(lacking !== undefined)(
    `tail -f | grep | while read${lacking === undefined ? "" : ` (there is no ${lacking})`}`,
    async () => {
      await using stage = await Stage.open();
      const input = stage.file("lines");
      writeFileSync(input, "");
      const script = 'n=0; tail -n +1 -f lines | grep --line-buffered x | while read l; do echo "$((++n)) $l"; done; :';
      const program = await stage.start(["bash", "-c", script]);
      let count = 0;
      const flow = async () => {
        appendFileSync(input, `x${count}\nnothing\nmore x${count}\n`);
        await program.says(new RegExp(`^${2 * count + 2} more x${count}$`, "m"));
        count++;
      };
      await flow();
      for (let round = 0; round < 2; round++) {
        await program.roundTrip();
        await flow();
        await flow();
      }
      const lines = program.said.trim().split("\n");
      const expected = Array.from({ length: count }, (_, i) => [
        `${2 * i + 1} x${i}`,
        `${2 * i + 2} more x${i}`,
      ]).flat();
      expect(lines).toEqual(expected);
    },
    testTime,
  );
});
