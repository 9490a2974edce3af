/**
 * `npm run bench`: one table of ratios; `npm run bench -- WORD` only the lines that hold the word. Ends non-zero when a
 * ratio is over its limit. Run it on a quiet machine.
 */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { type Figure, measure } from "./figure.ts";
import { start } from "./start.ts";

const figures: readonly Figure[] = [start];
const rounds = 15;

const tree = resolve(import.meta.dirname, "..");
const build = spawnSync(process.execPath, ["build.ts"], { cwd: tree, encoding: "utf8" });
if (build.status !== 0) {
  console.error(build.stdout + build.stderr);
  process.exit(1);
}

const [word = ""] = process.argv.slice(2);
const width = Math.max(...figures.map((figure) => figure.what.length));
console.log(`${"what".padEnd(width)}   ratio  at most      ours      base`);
let over = 0;
for (const figure of figures.filter(({ what }) => what.includes(word))) {
  const { ours, base, ratio } = await measure(figure, rounds);
  if (!(ratio <= figure.atMost)) over++;
  const numbers = [ratio.toFixed(2).padStart(7), figure.atMost.toFixed(2).padStart(8)];
  const times = [ours, base].map((time) => `${time.toFixed(1)} ms`.padStart(9));
  console.log(
    `${figure.what.padEnd(width)} ${[...numbers, ...times].join(" ")}${ratio <= figure.atMost ? "" : "  OVER"}`,
  );
}
process.exit(over === 0 ? 0 : 1);
