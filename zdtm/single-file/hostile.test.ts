/** A directory and an environment that would turn any Bun program into something else: they are without effect. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tscriu } from "./product.ts";

let dir = "";
let hostile = "";
let clean = "";
let marks = "";
let environment: Record<string, string> = {};

/** Whatever of this runs leaves a file with its name. */
function writeTraps(): void {
  const mark = (name: string) => `require("node:fs").writeFileSync(${JSON.stringify(join(marks, name))}, "");`;
  const files: Record<string, string> = {
    ".env": `CRIU_CONFIG_FILE=${hostile}/no-such-file\n`,
    ".env.local": `CRIU_CONFIG_FILE=${hostile}/no-such-file\n`,
    "bunfig.toml": `preload = ["./bunfig-preload.cjs"]\n`,
    "bunfig-preload.cjs": mark("bunfig"),
    "option-preload.cjs": mark("BUN_OPTIONS"),
    "inspect-preload.cjs": mark("BUN_INSPECT_PRELOAD"),
    "node-require.cjs": mark("NODE_OPTIONS"),
    "tsconfig.json": `{ "compilerOptions": { "paths": { "*": ["./evil/*"] }, "baseUrl": "./evil" } }`,
    "package.json": `{ "name": "evil", "type": "commonjs", "imports": { "#*": "./evil/*" }, "preload": "./bunfig-preload.cjs" }`,
    "library.c": `#include <fcntl.h>
      __attribute__((constructor)) static void load(void) { open("${marks}/library", O_CREAT | O_WRONLY, 0644); }
      unsigned la_version(unsigned v) { open("${marks}/audit", O_CREAT | O_WRONLY, 0644); return v; }`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(hostile, name), text);
  mkdirSync(join(hostile, "evil"));
  const library = join(hostile, "libm.so.6");
  const cc = spawnSync("gcc", ["-shared", "-fPIC", "-o", library, join(hostile, "library.c")], { encoding: "utf8" });
  if (cc.status !== 0) throw new Error(cc.stderr);
  environment = {
    BUN_OPTIONS: `--preload=${hostile}/option-preload.cjs`,
    BUN_BE_BUN: "1",
    BUN_INSPECT: "ws+unix:///nowhere",
    BUN_INSPECT_PRELOAD: join(hostile, "inspect-preload.cjs"),
    BUN_INSTALL: join(hostile, "evil"),
    BUN_CONFIG_VERBOSE_FETCH: "1",
    BUN_DEBUG: join(marks, "debug"),
    BUN_JSC_dumpOptions: "2",
    JSC_dumpOptions: "2",
    MIMALLOC_VERBOSE: "1",
    MALLOC_PERTURB_: "85",
    GLIBC_TUNABLES: "glibc.rtld.optional_static_tls=99999999999",
    GCONV_PATH: join(hostile, "evil"),
    LOCPATH: join(hostile, "evil"),
    NODE_OPTIONS: `--require ${hostile}/node-require.cjs`,
    NODE_PATH: join(hostile, "evil"),
    NODE_DEBUG: "fs,module",
    LD_PRELOAD: library,
    LD_AUDIT: library,
    LD_LIBRARY_PATH: hostile,
    LD_DEBUG: "all",
    LD_SHOW_AUXV: "1",
    LD_TRACE_LOADED_OBJECTS: "1",
    LD_BIND_NOW: "1",
  };
}

function run(command: string, words: string[], cwd: string, env: Record<string, string>) {
  const done = spawnSync(command, words, {
    cwd,
    env: { PATH: process.env.PATH ?? "", HOME: clean, ...env },
    encoding: "utf8",
  });
  return { status: done.status, output: done.stdout, errors: done.stderr };
}

beforeAll(() => {
  tscriu();
  dir = mkdtempSync(join(tmpdir(), "tscriu-hostile-"));
  [hostile, clean, marks] = ["hostile", "clean", "marks"].map((name) => join(dir, name)) as [string, string, string];
  for (const path of [hostile, clean, marks]) mkdirSync(path);
  writeTraps();
}, 300_000);

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("a hostile directory and environment", () => {
  const commands = [["--version"], ["--help"], ["check"], ["dump"], ["crit", "--help"], []];
  for (const words of commands) {
    test(`\`tscriu ${words.join(" ")}\` says and does the same`, () => {
      const expected = run(tscriu(), words, clean, {});
      expect(run(tscriu(), words, hostile, environment)).toEqual(expected);
      expect(readdirSync(marks)).toEqual([]);
      // each alone as well: one might switch another off
      for (const [name, value] of Object.entries(environment)) {
        expect({ name, ...run(tscriu(), words, hostile, { [name]: value }) }).toEqual({ name, ...expected });
      }
      expect(readdirSync(marks)).toEqual([]);
    }, 300_000);
  }

  test("the traps are real: they catch plain Bun", () => {
    const { BUN_OPTIONS = "", LD_PRELOAD = "", LD_AUDIT = "" } = environment;
    writeFileSync(join(hostile, "empty.js"), "");
    run(process.execPath, ["empty.js"], hostile, { BUN_OPTIONS, LD_PRELOAD });
    run(process.execPath, ["empty.js"], hostile, { LD_AUDIT });
    const caught = readdirSync(marks).sort();
    for (const name of caught) rmSync(join(marks, name));
    expect(caught).toEqual(["BUN_OPTIONS", "audit", "bunfig", "library"]);
  });
});
