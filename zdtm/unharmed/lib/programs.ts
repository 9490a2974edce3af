/** The programs of these tests, built once and kept in build/unharmed by the hash of what they are made of. */
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { basename, join } from "node:path";

const here = join(import.meta.dir, "..");
const out = join(here, "..", "..", "build", "unharmed");

function build(source: string, words: (target: string) => string[], env: Record<string, string> = {}): string {
  const path = join(here, source);
  const text = readFileSync(path, "utf8");
  const hash = new Bun.CryptoHasher("sha256").update(text).update(words("").join("\0"));
  for (const [, header = ""] of text.matchAll(/^#include "(.+)"$/gm))
    hash.update(readFileSync(join(path, "..", header)));
  const target = join(out, `${basename(source).replace(/\.\w+$/, "")}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(target)) return target;
  mkdirSync(out, { recursive: true });
  const fresh = `${target}.${process.pid}`;
  const done = Bun.spawnSync(words(fresh), { env: { ...process.env, ...env }, stdout: "ignore", stderr: "pipe" });
  if (done.exitCode !== 0) throw new Error(`${source} does not compile:\n${done.stderr.toString()}`);
  renameSync(fresh, target);
  return target;
}

export function cProgram(source: string, ...flags: string[]): string {
  const path = join(here, source);
  return build(source, (target) => [
    "cc",
    "-std=gnu11",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-pthread",
    ...flags,
    "-o",
    target,
    path,
  ]);
}

/** Why Go programs cannot be built here, or undefined. */
export const goIsMissing = Bun.which("go") === null ? "there is no Go compiler (Debian: golang-go)" : undefined;

export function goProgram(source: string): string {
  const env = { GOCACHE: join(out, "go-cache"), GO111MODULE: "off", CGO_ENABLED: "0", GOFLAGS: "" };
  return build(source, (target) => ["go", "build", "-o", target, join(here, source)], env);
}
