import { expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { allCases } from "./lib/cases.ts";
import { firstFlavour, runCase } from "./lib/harness.ts";
import { pooled } from "./lib/pool.ts";

/** The state of every case is dumped and the case runs on: nothing shows, from outside or from inside. */
test.skipIf(process.getuid?.() !== 0)(
  "no case notices a dump that leaves it running",
  async () => {
    const hurt: string[] = [];
    await pooled(allCases(), availableParallelism(), async (it) => {
      const outcome = await runCase(it, { mode: "running", flavour: firstFlavour(it), iterations: 1 });
      if (outcome.result === "fail") hurt.push(`${it.suite}/${it.name}: ${outcome.reason}`);
    });
    expect(hurt).toEqual([]);
  },
  900_000,
);
