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

/**
 * Every case runs in its first flavour. Of the others a part will do from change to change: what the namespace or the user has
 * to do with, and a sample of the rest, which is the same each time. ZDTM_NS=all and ZDTM_UNS=all take all of them.
 */
const spaces = "cgroup ipc mntns mounts net-lock netns ns pidns";
const parts: Record<Flavour, { readonly matters: ReadonlySet<string>; readonly sample: bigint }> = {
  h: { matters: new Set(), sample: 1n },
  ns: { matters: new Set(spaces.split(" ")), sample: process.env.ZDTM_NS === "all" ? 1n : 2n },
  uns: {
    matters: new Set(["creds", "fifo", "ipc", "netns", "ns", "tty"]),
    sample: process.env.ZDTM_UNS === "all" ? 1n : 6n,
  },
};
const isPicked = (it: Case, flavour: Flavour) =>
  flavour === firstFlavour(it) ||
  parts[flavour].matters.has(it.header.category) ||
  BigInt(Bun.hash(it.name)) % parts[flavour].sample === 0n;

for (const flavour of readyFlavours) {
  describe(`zdtm ${flavour}`, () => {
    for (const it of allCases().filter((c) => flavoursOf(c).includes(flavour) && isPicked(c, flavour))) {
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
