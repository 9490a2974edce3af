import { expect, test } from "bun:test";
import { allCases } from "./lib/cases.ts";
import { firstFlavour, runCase } from "./lib/harness.ts";
import { pooled, width } from "./lib/pool.ts";

/** A third of the cases, and all of them with ZDTM_SPOIL=all. */
const sample = process.env.ZDTM_SPOIL === "all" ? 1n : 3n;
const isPicked = (name: string) => BigInt(Bun.hash(name)) % sample === 0n;

/** A check that cannot fail checks nothing: a case with a spoiling part breaks its own state, and has to say so. */
test.skipIf(process.getuid?.() !== 0)(
  "cases notice when their state is broken",
  async () => {
    const blind: string[] = [];
    const cases = allCases().filter((it) => it.header.spoils === true && isPicked(it.name));
    await pooled(cases, width, async (it) => {
      const outcome = await runCase(it, { mode: "spoil", flavour: firstFlavour(it), iterations: 1 });
      if (outcome.result === "fail") blind.push(`${it.suite}/${it.name}: ${outcome.reason}`);
    });
    expect(cases.length).toBeGreaterThan(0);
    expect(blind).toEqual([]);
  },
  900_000,
);
