/** How long tscriu takes to start, against an empty program that Bun compiled with its defaults. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Figure } from "./figure.ts";

const tree = resolve(import.meta.dirname, "..");

function timed(path: string, words: string[]): number {
  const since = performance.now();
  const done = spawnSync(path, words, { stdio: "ignore", env: {} });
  if (done.status !== 0) throw new Error(`${path} ended with ${done.status ?? done.signal}`);
  return performance.now() - since;
}

export const start: Figure = {
  what: "start of `tscriu --version`, against an empty compiled Bun program",
  atMost: 2,
  async prepare() {
    const home = join(tree, "build/bench");
    const source = join(home, "empty.ts");
    const empty = join(home, "empty");
    mkdirSync(home, { recursive: true });
    writeFileSync(source, "");
    const words = ["build", "--compile", "--bytecode", "--minify", source, "--outfile", empty];
    const done = spawnSync(process.execPath, words, { encoding: "utf8" });
    if (done.status !== 0) throw new Error(done.stderr);
    return { ours: () => timed(join(tree, "dist/tscriu"), ["--version"]), base: () => timed(empty, []) };
  },
};
