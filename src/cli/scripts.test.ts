import { afterAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../log.ts";
import { requireNoPidfile, writePidfile } from "./pidfile.ts";
import { requireScripts, scriptHook } from "./scripts.ts";

const dir = realpathSync(mkdtempSync(join(tmpdir(), "tscriu-scripts-")));
const work = join(dir, "work");
mkdirSync(work);
const fd = openSync(dir, "r");
afterAll(() => {
  closeSync(fd);
  rmSync(dir, { recursive: true });
});

function script(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
}

function hook(scripts: readonly string[]) {
  return scriptHook(scripts, { path: dir, fd }, work, silentLog);
}

describe("action scripts", () => {
  test("get the hook, the images and the root task, and run in the work directory without arguments", () => {
    const path = script(
      "tell",
      `echo "$CRTOOLS_SCRIPT_ACTION|$CRTOOLS_INIT_PID|$(pwd)|$(readlink $CRTOOLS_IMAGE_DIR)|$#" >> ${dir}/told`,
    );
    const run = hook([path]);
    expect([run("pre-dump"), run("post-restore", 42)]).toEqual([0, 0]);
    expect(readFileSync(join(dir, "told"), "utf8")).toBe(
      `pre-dump||${work}|${dir}|0\npost-restore|42|${work}|${dir}|0\n`,
    );
  });

  test("the last one given runs first; results are OR-ed, and one that fails stops none", () => {
    const run = hook([script("a", `echo a >> ${dir}/order; exit 1`), script("b", `echo b >> ${dir}/order; exit 4`)]);
    expect(run("post-dump")).toBe(5);
    expect(readFileSync(join(dir, "order"), "utf8")).toBe("b\na\n");
  });

  test("killed by a signal is a failure", () => {
    expect(hook([script("die", "kill -9 $$")])("pre-dump")).not.toBe(0);
  });

  test("one that is gone is a failure", () => {
    expect(hook([join(dir, "gone")])("pre-dump")).not.toBe(0);
  });

  test("no scripts, no work", () => {
    expect(hook([])("pre-dump")).toBe(0);
  });

  test("a name with a slash is relative to the work directory, another one is looked up", () => {
    writeFileSync(join(work, "here"), "#!/bin/sh\nexit 3\n", { mode: 0o755 });
    requireScripts(["./here", "true"], work);
    expect(hook(["./here"])("pre-dump")).toBe(3);
    expect(() => requireScripts(["./nothing"], work)).toThrow("cannot run the action script");
    expect(() => requireScripts([dir], work)).toThrow("cannot run the action script");
  });
});

describe("the pid file", () => {
  test("holds the number alone, for the owner only", () => {
    const path = join(dir, "pid");
    requireNoPidfile(path);
    writePidfile(path, 4711);
    expect(readFileSync(path, "latin1")).toBe("4711");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("is never overwritten", () => {
    const path = join(dir, "taken");
    writeFileSync(path, "1");
    expect(() => requireNoPidfile(path)).toThrow("there already");
    expect(() => writePidfile(path, 2)).toThrow("there already");
    expect(readFileSync(path, "latin1")).toBe("1");
  });

  test("says where it cannot be", () => {
    expect(() => writePidfile(join(dir, "no/where"), 2)).toThrow("cannot make the pid file");
  });
});
