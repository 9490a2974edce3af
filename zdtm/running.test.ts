import { expect, test } from "bun:test";
import { allCases } from "./lib/cases.ts";
import { firstFlavour, runCase } from "./lib/harness.ts";
import { pooled, width } from "./lib/pool.ts";

/** Half of the cases, and all of them with ZDTM_RUNNING=all. */
const sample = process.env.ZDTM_RUNNING === "all" ? 1n : 2n;
const isPicked = (name: string) => BigInt(Bun.hash(name)) % sample === 0n;

/** The state of a case is dumped and the case runs on: nothing shows, from outside or from inside. */
test.skipIf(process.getuid?.() !== 0)(
  "no case notices a dump that leaves it running",
  async () => {
    const hurt: string[] = [];
    let secondTries = 4;
    const cases = allCases().filter(({ name }) => isPicked(name));
    expect(cases.length).toBeGreaterThan(0);
    await pooled(cases, width, async (it) => {
      const run = () => runCase(it, { mode: "running", flavour: firstFlavour(it), iterations: 1 });
      let outcome = await run();
      // as in zdtm.test.ts: a busy machine may look too early
      if (outcome.result === "fail" && secondTries-- > 0) {
        console.log(`second try of ${it.suite}/${it.name}, left running, which failed: ${outcome.reason}`);
        outcome = await run();
      }
      if (outcome.result === "fail") hurt.push(`${it.suite}/${it.name}: ${outcome.reason}`);
    });
    expect(hurt).toEqual([]);
  },
  900_000,
);
