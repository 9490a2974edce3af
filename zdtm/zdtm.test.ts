import { describe, expect, test } from "bun:test";
import { allCases, type Case, type Flavour, flavoursOf } from "./lib/cases.ts";
import { firstFlavour, readyFlavours, runCase } from "./lib/harness.ts";
import { Gate, width } from "./lib/pool.ts";

/** Each case is a test of its own in each flavour; ZDTM_ITER says how often it is dumped and restored. */
const iterations = Number(process.env.ZDTM_ITER ?? 2);
/** In namespaces of its own once will do: the first flavour has it that what was restored can be dumped. */
const iterationsOf = (flavour: Flavour, it: Case) => (flavour === firstFlavour(it) ? iterations : 1);
const gate = new Gate(width);
/**
 * A busy machine may bring a case to its look from outside before it sleeps. So few cases get a second try, and the log says
 * which and why: what is broken fails twice, and what is widely broken fails at once.
 */
let secondTries = 4;
const isRoot = process.getuid?.() === 0;
/** Waiting at the gate counts as well; the harness has its own, shorter guards. */
const patience = 1_800_000;

/** What users, groups and privileges have to do with; of all else a sample in a user namespace, and all of it with ZDTM_UNS=all. */
const usersMatter = new Set(["creds", "fifo", "ipc", "netns", "ns", "tty"]);
const sample = process.env.ZDTM_UNS === "all" ? 1n : 6n;
const isPicked = (it: Case) => usersMatter.has(it.header.category) || BigInt(Bun.hash(it.name)) % sample === 0n;

for (const flavour of readyFlavours) {
  describe(`zdtm ${flavour}`, () => {
    const all = allCases().filter((c) => flavoursOf(c).includes(flavour));
    for (const it of flavour === "uns" ? all.filter(isPicked) : all) {
      const name = `${it.suite}/${it.name}`;
      if (!isRoot) {
        test.skip(`${name} (checkpoint and restore of the zdtm cases needs root)`, () => {});
        continue;
      }
      test.concurrent(
        name,
        async () => {
          let outcome = await gate.through(() =>
            runCase(it, { mode: "cr", flavour, iterations: iterationsOf(flavour, it) }),
          );
          if (outcome.result === "fail" && secondTries-- > 0) {
            console.log(`second try of ${name}, which failed: ${outcome.reason}`);
            outcome = await gate.through(() =>
              runCase(it, { mode: "cr", flavour, iterations: iterationsOf(flavour, it) }),
            );
          }
          if (outcome.result === "skip") console.log(`skipped ${name}: ${outcome.reason}`);
          expect(outcome.result === "fail" ? `${name} fails: ${outcome.reason}` : "").toBe("");
        },
        patience,
      );
    }
  });
}
