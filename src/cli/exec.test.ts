import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { findProgram } from "./exec.ts";

const exec = JSON.stringify(join(import.meta.dir, "exec.ts"));
const inherited = JSON.stringify(join(import.meta.dir, "inherited.ts"));
const wait = JSON.stringify(join(import.meta.dir, "wait.ts"));

/** Runs a piece of TypeScript in a process of its own, with descriptor 9 open. */
function run(code: string, env: Record<string, string> = {}): { pid: number; status: number; out: string } {
  const { exitCode, stdout, stderr, pid } = Bun.spawnSync(
    ["sh", "-c", 'exec 9</dev/null; exec "$@"', "sh", process.execPath, "-e", code],
    { env: { PATH: process.env.PATH ?? "", ...env } },
  );
  return { pid, status: exitCode, out: stdout.toString() + stderr.toString() };
}

describe("becoming another program", () => {
  test("the process stays, with words, environment and inherited descriptors; nothing of the runtime's leaks", () => {
    const shell =
      'echo "$$|$0|$1|$MARK"; test -e /proc/self/fd/9 && echo nine; grep -E "Sig(Ign|Blk)" /proc/self/status; exit 7';
    const { pid, status, out } = run(
      `import { becomeProgram, findProgram } from ${exec};
       import { inheritedDescriptors } from ${inherited};
       becomeProgram(findProgram("sh"), ["sh", "-c", ${JSON.stringify(shell)}, "a", "b c"], inheritedDescriptors());`,
      { MARK: "m" },
    );
    expect(out.replaceAll(/\t/g, " ")).toBe(
      `${pid}|a|b c|m\nnine\nSigBlk: 0000000000000000\nSigIgn: 0000000000000000\n`,
    );
    expect(status).toBe(7);
  });

  test("a program that cannot run is an error, and we are still here", () => {
    const { status, out } = run(
      `import { becomeProgram } from ${exec};
       try { becomeProgram("/dev/null", ["x"], []); } catch (error) { console.log(error.code); process.exit(3); }`,
    );
    expect([status, out]).toEqual([3, "EACCES\n"]);
  });

  test("a program that is not there is named early", () => {
    expect(() => findProgram("no-such-program-anywhere")).toThrow("cannot find the program");
  });
});

test("waiting lasts until the last child is gone", () => {
  const { status, out } = run(
    `import { spawn } from "node:child_process";
     import { waitForChildren } from ${wait};
     for (const seconds of ["0.05", "0.15", "0.1"]) spawn("sh", ["-c", "sleep " + seconds + "; echo " + seconds], { stdio: "inherit" });
     waitForChildren();
     console.log("done");
     process.exit(0);`,
  );
  const lines = out.trim().split("\n");
  expect([status, lines.at(-1), lines.slice(0, -1).sort()]).toEqual([0, "done", ["0.05", "0.1", "0.15"]]);
});
