/** The programs of these tests that are ours, built once and kept in build/programs by the hash of what they are made of. */
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";

const sources = join(import.meta.dir, "..", "victims");
const out = join(import.meta.dir, "..", "..", "..", "build", "programs");

function build(name: string, read: readonly string[], words: (target: string) => string[], env = {}): string {
  const hash = new Bun.CryptoHasher("sha256").update(words("").join("\0"));
  for (const source of read) hash.update(readFileSync(join(sources, source)));
  const target = join(out, `${name}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(target)) return target;
  mkdirSync(out, { recursive: true });
  const fresh = `${target}.${process.pid}`;
  const done = Bun.spawnSync(words(fresh), { env: { ...process.env, ...env }, stdout: "ignore", stderr: "pipe" });
  if (done.exitCode !== 0) throw new Error(`${name} does not compile:\n${done.stderr.toString()}`);
  renameSync(fresh, target);
  return target;
}

export function cProgram(name: string): string {
  const path = join(sources, `${name}.c`);
  const flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"];
  return build(name, [`${name}.c`, "wire.h"], (target) => ["cc", ...flags, "-o", target, path]);
}

/** Why Go programs cannot be built here, or undefined. */
export const goIsMissing = Bun.which("go") === null ? "there is no Go compiler (Debian: golang-go)" : undefined;

export function goProgram(name: string): string {
  const env = { GOCACHE: join(out, "go-cache"), GO111MODULE: "off", CGO_ENABLED: "0", GOFLAGS: "" };
  const path = join(sources, `${name}.go`);
  return build(name, [`${name}.go`], (target) => ["go", "build", "-p", "1", "-o", target, path], env);
}
