/**
 * Real programs with clients that are connected before and go on after, and check every answer. Each program is dumped and
 * restored twice, and looked at once by a dump that leaves it running.
 */

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { treeOf } from "../lib/snapshot.ts";
import { refusal } from "../unharmed/lib/victim.ts";
import { cProgram } from "./lib/build.ts";
import { isRoot, type Program, Stage, testTime, until } from "./lib/stage.ts";
import { drive, lookedAt, thereAndBack, without } from "./real/real.ts";
import { realPrograms } from "./real/registry.ts";

describe.skipIf(!isRoot)("real programs (needs root)", () => {
  for (const real of realPrograms) {
    const missing = real.missing();
    test.skipIf(missing !== undefined)(
      missing === undefined ? real.name : `${real.name} (${missing})`,
      async () => {
        await using stage = await Stage.open();
        const { asked, lost, wrong, complaints } = await drive(real, stage, [thereAndBack, lookedAt, thereAndBack]);
        expect({ lost, wrong, complaints }).toEqual({ lost: 0, wrong: 0, complaints: [] });
        expect(asked).toBeGreaterThan(0);
      },
      testTime,
    );
  }

  const noGdb = without("gdb", "gdb");
  test.skipIf(noGdb !== undefined)(
    noGdb === undefined ? "a program under gdb is refused, and goes on" : `a program under gdb (${noGdb})`,
    async () => {
      await using stage = await Stage.open();
      writeFileSync(stage.file("commands"), debugging);
      const words = ["-q", "-nx", "-batch", "-x", stage.file("commands"), cProgram("ticker")];
      const gdb = await stage.start(["gdb", ...words]);
      const program = Number((await gdb.says(/^pid (\d+)$/m))[1]);
      expect(treeOf(gdb.pid)).toEqual([gdb.pid, program]);
      await stopped(gdb, 20);
      for (const pid of [program, gdb.pid]) {
        const dump = stage.tscriu(stage.nextImages(), ["dump", "-t", `${pid}`]);
        expect(await refusal(dump)).toMatch(
          new RegExp(`traces this task.*${program}.*tracer ${gdb.pid}[^]*detach gdb \\(${gdb.pid}\\)`),
        );
        await stopped(gdb, 20);
      }
      const stops = [...gdb.said.matchAll(/^stop (\d+)$/gm)].map(([, number]) => Number(number));
      expect(stops).toEqual(stops.map((_, i) => i));
    },
    testTime,
  );
});

/** Stops at every step of the ticker, and lets it go on. */
const debugging = `set pagination off
set confirm off
break tick
commands
silent
printf "stop %d\\n", *(int *)&count
continue
end
run
`;

/** Waits until the debugger has stopped its program so many times more. */
async function stopped(gdb: Program, times: number): Promise<void> {
  const many = () => gdb.said.match(/^stop/gm)?.length ?? 0;
  const target = many() + times;
  await until(
    () => `gdb stops its program; it said ${gdb.said.slice(-500)}`,
    () => (many() >= target ? true : undefined),
  );
}
