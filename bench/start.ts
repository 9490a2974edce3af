/** How long tscriu takes to start, against an empty program that Bun compiled with its defaults. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Figure, Turn } from "./figure.ts";
import { home, tscriu } from "./place.ts";

function timed(path: string, words: string[]): number {
  const since = performance.now();
  const done = spawnSync(path, words, { stdio: "ignore", env: {} });
  if (done.status !== 0) throw new Error(`${path} ended with ${done.status ?? done.signal}`);
  return performance.now() - since;
}

const empty = join(home, "empty");

const turn: Turn = {
  prepare() {
    const source = join(home, "empty.ts");
    writeFileSync(source, "");
    const words = ["build", "--compile", "--bytecode", "--minify", source, "--outfile", empty];
    const done = spawnSync(process.execPath, words, { encoding: "utf8" });
    if (done.status !== 0) throw new Error(done.stderr);
  },
  run(samples) {
    samples.add("start.ours", timed(tscriu, ["--version"]));
    samples.add("start.base", timed(empty, []));
  },
};

export const start: Figure = {
  what: "start of `tscriu --version`, against an empty compiled Bun program",
  atMost: 2,
  unit: "ms",
  ours: "start.ours",
  base: "start.base",
  turns: [turn],
};
