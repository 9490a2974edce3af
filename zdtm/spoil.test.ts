import { expect, test } from "bun:test";
import { allCases } from "./lib/cases.ts";
import { firstFlavour, runCase } from "./lib/harness.ts";
import { pooled, width } from "./lib/pool.ts";

/** A check that cannot fail checks nothing: every case with a spoiling part breaks its own state, and has to say so. */
test.skipIf(process.getuid?.() !== 0)(
  "every case notices when its state is broken",
  async () => {
    const blind: string[] = [];
    const cases = allCases().filter((it) => it.header.spoils === true);
    await pooled(cases, width, async (it) => {
      const outcome = await runCase(it, { mode: "spoil", flavour: firstFlavour(it), iterations: 1 });
      if (outcome.result === "fail") blind.push(`${it.suite}/${it.name}: ${outcome.reason}`);
    });
    expect(cases.length).toBeGreaterThan(0);
    expect(blind).toEqual([]);
  },
  900_000,
);
