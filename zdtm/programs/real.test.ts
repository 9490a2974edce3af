/**
 * Real programs with clients that are connected before and go on after, and check every answer. Each program is dumped and
 * restored twice, and looked at once by a dump that leaves it running.
 */
import { describe, expect, test } from "bun:test";
import { isRoot, Stage, testTime } from "./lib/stage.ts";
import { drive, lookedAt, thereAndBack } from "./real/real.ts";
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
});
