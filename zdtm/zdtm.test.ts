import { describe, expect, test } from "bun:test";
import { allCases, type Case, type Flavour, flavoursOf } from "./lib/cases.ts";
import { firstFlavour, readyFlavours, runCase } from "./lib/harness.ts";
import { Gate, width } from "./lib/pool.ts";
import type { RunOptions } from "./lib/run.ts";

/** A number that a case always has: samples are taken by it. */
const numberOf = (it: Case) => BigInt(Bun.hash(it.name));
const isAll = (name: string) => process.env[name] === "all";
/** How often each case is dumped and restored in its first flavour. */
const iterations = process.env.ZDTM_ITER === undefined ? undefined : Number(process.env.ZDTM_ITER);
/**
 * In its first flavour what was restored is dumped again of a part: an eighth of the cases (ZDTM_RUNNING=all: all) are then left
 * running, of which nothing may show, another comes back once more. In other flavours once there and back will do.
 */
function optionsOf(flavour: Flavour, it: Case): RunOptions {
  if (flavour !== firstFlavour(it)) return { mode: "cr", flavour, iterations: 1 };
  if (isAll("ZDTM_RUNNING") || (iterations === undefined && numberOf(it) % 8n === 0n))
    return { mode: "again", flavour, iterations: iterations ?? 1 };
  return { mode: "cr", flavour, iterations: iterations ?? (numberOf(it) % 8n === 1n ? 2 : 1) };
}
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
 * Every case runs in its first flavour. Of the others a part will do from change to change: half of what the namespace or the user
 * has to do with, and a sample of the rest, which is the same each time. ZDTM_NS=all and ZDTM_UNS=all take all of them.
 */
const spaces = "cgroup ipc mntns mounts net-lock netns ns pidns";
const parts: Record<Flavour, { readonly matters: ReadonlySet<string>; readonly sample: bigint }> = {
  h: { matters: new Set(), sample: 1n },
  ns: { matters: new Set(spaces.split(" ")), sample: isAll("ZDTM_NS") ? 1n : 16n },
  uns: {
    matters: new Set(["creds", "fifo", "ipc", "netns", "ns", "tty"]),
    sample: isAll("ZDTM_UNS") ? 1n : 32n,
  },
};
function isPicked(it: Case, flavour: Flavour): boolean {
  const { matters, sample } = parts[flavour];
  if (flavour === firstFlavour(it) || sample === 1n) return true;
  if (matters.has(it.header.category)) return numberOf(it) % 2n === 0n;
  // an engine is much the same everywhere, and takes three times as long
  return numberOf(it) % (it.language === "ts" ? 12n : sample) === 0n;
}

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
          const run = () => gate.through(() => runCase(it, optionsOf(flavour, it)));
          let outcome = await run();
          if (outcome.result === "fail" && secondTries-- > 0) {
            console.log(`second try of ${name}, which failed: ${outcome.reason}`);
            outcome = await run();
          }
          if (outcome.result === "skip") console.log(`skipped ${name}: ${outcome.reason}`);
          expect(outcome.result === "fail" ? `${name} fails: ${outcome.reason}` : "").toBe("");
        },
        patience,
      );
    }
  });
}
