/**
 * `npm run bench`: one table of ratios; `npm run bench -- WORD` only the lines that hold the word. Ends non-zero when a
 * ratio is over its limit. Where there is a CRIU (see criu.ts) it takes turns with ours. `npm run bench -- programs` is another table, of real programs. Needs root and a C compiler; run it
 * on a quiet machine.
 */
import { spawnSync } from "node:child_process";
import { anewWithCriu } from "./criu.ts";
import { type Figure, measure, type Samples } from "./figure.ts";
import { figures } from "./figures.ts";
import { tree } from "./place.ts";
import { programs } from "./programs.ts";

const rounds = 7;

/** Prints one line; returns whether it is within its limit. */
function line({ what, missing, atMost, unit, ours, base }: Figure, samples: Samples, width: number): boolean {
  if (missing !== undefined) {
    console.log(`${what.padEnd(width)} skipped: ${missing}`);
    return true;
  }
  const [a, b] = [samples.median(ours), typeof base === "number" ? base : samples.median(base)];
  const within = a / b <= atMost;
  const ratio = [(a / b).toFixed(2).padStart(7), atMost.toFixed(2).padStart(8)];
  const values = [a, b].map((value) => `${value.toFixed(1)} ${unit}`.padStart(11));
  console.log(`${what.padEnd(width)} ${[...ratio, ...values].join(" ")}${within ? "" : "  OVER"}`);
  return within;
}

if (process.getuid?.() !== 0) {
  console.error("The bench dumps and restores processes, which takes root: sudo npm run bench");
  process.exit(1);
}
const [word = ""] = process.argv.slice(2);
const status = word === "programs" ? undefined : anewWithCriu();
if (status !== undefined) process.exit(status);
const build = spawnSync(process.execPath, ["build.ts"], { cwd: tree, encoding: "utf8" });
if (build.status !== 0) {
  console.error(build.stdout + build.stderr);
  process.exit(1);
}
if (word === "programs") process.exit((await programs()) ? 0 : 1);
const chosen = figures.filter(({ what }) => what.includes(word));
const possible = chosen.filter(({ missing }) => missing === undefined);
const turns = [...new Set(possible.flatMap((figure) => figure.turns))];
const told = (round: number) => process.stderr.isTTY && process.stderr.write(`\rround ${round} of ${rounds}\r`);
const samples = await measure(turns, rounds, told);
const width = Math.max(...figures.map((figure) => figure.what.length));
console.log(`${"what".padEnd(width)}   ratio  at most        ours        base`);
const within = chosen.map((figure) => line(figure, samples, width));
process.exit(within.every(Boolean) ? 0 : 1);
