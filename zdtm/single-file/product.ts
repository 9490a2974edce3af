/** The things under test: the finished executables, and the two static programs that go with them. */
import { spawnSync } from "node:child_process";
import { mkdirSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import { hasCompiler, hostMachine, type Machine, toolPrefix, tree } from "../../src/build/native.ts";
import { isFresh } from "../lib/binary.ts";
import { Missing } from "./kernel.ts";

const target: Readonly<Record<Machine, string>> = { x86_64: "linux-x64", aarch64: "linux-arm64" };
const built = new Map<Machine, string>();

/**
 * Builds tscriu, where that was not done since its sources changed.
 * @throws Missing without a compiler or a Bun for the machine; Error when the build fails
 */
export function tscriu(machine: Machine = hostMachine()): string {
  const before = built.get(machine);
  if (before) return before;
  if (!hasCompiler(machine)) throw new Missing(`there is no ${toolPrefix(machine)}gcc`);
  const path = join(tree, "dist", machine === hostMachine() ? "tscriu" : `tscriu-${target[machine]}`);
  if (isFresh(path)) {
    built.set(machine, path);
    return path;
  }
  const done = spawnSync(process.execPath, ["build.ts", "--target", target[machine]], { cwd: tree, encoding: "utf8" });
  const unreached = /Failed to download '[^']*'/.exec(done.stderr)?.[0];
  if (unreached) throw new Missing(unreached);
  if (done.status !== 0) throw new Error(`the build failed:\n${done.stdout}${done.stderr}`);
  built.set(machine, path);
  return path;
}

/** A static program made of one C file of a directory. */
export function staticProgram(machine: Machine, name: string, dir = import.meta.dir): string {
  const home = join(tree, "build", machine);
  mkdirSync(home, { recursive: true });
  const out = join(home, `${basename(dir)}-${name}`);
  const fresh = `${out}.${process.pid}`;
  const words = ["-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", fresh, join(dir, `${name}.c`)];
  const done = spawnSync(`${toolPrefix(machine)}gcc`, words, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${name}.c does not compile:\n${done.stderr}`);
  renameSync(fresh, out);
  return out;
}

/** A program of this directory, packed as tscriu is. */
export function packed(name: string, out: string): string {
  const words = ["build.ts", "--entry", join(import.meta.dir, `${name}.ts`), "--out", out];
  const done = spawnSync(process.execPath, words, { cwd: tree, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`the build failed:\n${done.stdout}${done.stderr}`);
  return out;
}
