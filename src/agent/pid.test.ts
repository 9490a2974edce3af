import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { CrError } from "../error.ts";
import { chooseNumbers, choosePid, type Numbering } from "./pid.ts";
import { EEXIST, pidError } from "./pid-holder.ts";

const EPERM = -1;

const rooted = test.skipIf(process.getuid?.() !== 0);

/** A process, reaped by its parent as soon as it has ended. */
async function sleeper(seconds: number) {
  const shell = Bun.spawn(["sh", "-c", `sleep ${seconds} & echo $!; wait; exec sleep 1000`], {
    stdout: "pipe",
    stderr: "ignore",
  });
  const { value } = await shell.stdout.getReader().read();
  const pid = Number(Buffer.from(value ?? []).toString());
  return { pid, [Symbol.dispose]: () => [shell.pid, pid].forEach((one) => void endQuietly(one)) };
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended
  }
}

/** An init below us whose maker may not choose our number for it: whoever is made gets these, one after the other. */
function numbering(ours: readonly number[]): Numbering & { readonly ended: number[] } {
  const ended: number[] = [];
  let at = 0;
  return {
    ended,
    next: [(_, make) => make(), (_, make) => make()],
    make: (chosen) => (chosen.length > 1 ? EPERM : (ours[at++] ?? ours.at(-1) ?? 0)),
    numbersOf: (seen) => [1, seen],
    end: (seen) => void ended.push(seen),
  };
}

function refusal(act: () => unknown): CrError {
  try {
    act();
  } catch (error) {
    return error as CrError;
  }
  throw new Error("it was not refused");
}

const never = { next: () => EEXIST, end: () => undefined, last: undefined };

test("a refusal says what the kernel has too few of", () => {
  const called = { numbers: [4_194_400], levels: 0 };
  expect(pidError(-11, called)).toMatchObject({ code: "EAGAIN", remedy: expect.stringContaining("pids.max") });
  expect(pidError(EPERM, called)).toMatchObject({ code: "EPERM", remedy: expect.stringContaining("run as root") });
  const large = pidError(-22, called);
  expect(large.message).toContain("larger than any that this machine gives");
  expect(large.remedy).toContain("kernel.pid_max=4194401");
  expect(pidError(-22, { numbers: [5], levels: 0 }).message).toContain("invalid argument");
});

test("a number that is to come by chance is tried until it comes, and whoever got another is ended", () => {
  const tries = numbering([4_000_100, 4_000_102, 4_000_099]);
  expect(chooseNumbers({ numbers: [1, 4_000_099], levels: 1 }, tries)).toBe(4_000_099);
  expect(tries.ended).toEqual([4_000_100, 4_000_102]);
});

test("a number that always goes to others is told as such, with what to do", () => {
  const error = refusal(() => chooseNumbers({ numbers: [1, 4_000_099], levels: 1 }, numbering([4_000_100])));
  expect(error).toMatchObject({ code: "EAGAIN", subject: { pid: 4_000_099 } });
  expect(error.message).toContain("goes to other processes");
  expect(error.remedy).toContain("--new-pidns");
});

rooted("whoever got the number since we run is waited for", async () => {
  using holder = await sleeper(0.4);
  const { pid } = holder;
  expect(chooseNumbers({ numbers: [1, pid], levels: 1 }, numbering([pid]))).toBe(pid);
  expect(() => process.kill(pid, 0)).toThrow();
  using second = await sleeper(0.4);
  const choose = { next: () => second.pid, end: () => undefined, last: undefined };
  expect(choosePid({ numbers: [second.pid], levels: 0 }, () => EPERM, choose)).toBe(second.pid);
  expect(() => process.kill(second.pid, 0)).toThrow();
});

test("whoever had it before is named at once, by our number and not by the inner one", () => {
  const pid = process.ppid;
  const subject = { pid, holder: readFileSync(`/proc/${pid}/comm`, "latin1").trimEnd() };
  const what = "the pid is taken by another process";
  const tries = numbering([pid]);
  const called = { numbers: [1, pid], levels: 1 };
  expect(refusal(() => chooseNumbers(called, tries))).toMatchObject({ message: what, subject });
  expect(tries.ended).toEqual([]);
  expect(refusal(() => chooseNumbers(called, { ...tries, make: () => EEXIST }))).toMatchObject({ subject });
  expect(refusal(() => choosePid({ numbers: [pid], levels: 0 }, () => EPERM, never))).toMatchObject({ subject });
});

test("of numbers further in it is said that one is taken, and not of an init's own", () => {
  const what = "the pid is taken by another process of its pid namespace";
  const of = (numbers: readonly number[]) => pidError(EEXIST, { numbers, levels: 2 });
  expect(of([1, 7, 4_000_099])).toMatchObject({ message: what, subject: { pid: 7 } });
  expect(of([3, 7, 4_000_099])).toMatchObject({ message: what, subject: { pids: "3 7" } });
});
