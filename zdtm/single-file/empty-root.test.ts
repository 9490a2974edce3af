/** The file in a root directory that holds nothing else but /proc and a static victim; read-only, no /tmp, no /dev. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostMachine } from "../../src/build/native.ts";
import { staticProgram, tscriu } from "./product.ts";
import { allWell, stepsOf } from "./story.ts";

const root = process.getuid?.() === 0;

describe.skipIf(!root)("an empty root directory (needs root: a mount namespace)", () => {
  let home = "";
  let output = "";

  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), "tscriu-root-"));
    for (const name of ["proc", "data"]) mkdirSync(join(home, name));
    copyFileSync(tscriu(), join(home, "tscriu"));
    for (const name of ["init", "victim"]) copyFileSync(staticProgram(hostMachine(), name), join(home, name));
    const done = spawnSync(join(home, "init"), ["--root", home], { encoding: "utf8", timeout: 200_000, env: {} });
    output = `${done.stdout}${done.stderr}ended with ${done.status ?? done.signal}`;
  }, 240_000);

  afterAll(() => {
    // the mounts were in a namespace of their own: here the directory is plain
    rmSync(home, { recursive: true, force: true });
  });

  test("tscriu starts there", () => {
    expect(output).toContain("Version: ");
    expect(output).toMatch(/^ptrace +yes/m);
    // what is not mounted is no fault of the kernel's
    expect(output).toContain("opening /dev/ptmx: ENOENT; mount -t devtmpfs devtmpfs /dev");
    expect(output).toContain("ended with 0");
    expect(stepsOf(output).get("version"), output).toBe("ok");
  });

  test("and dumps and restores the victim", () => {
    expect(Object.fromEntries(stepsOf(output)), output.slice(-4000)).toEqual(allWell);
  });
});
