/** Pids that a restore needs again: chosen, or had by chance where the kernel lets nobody choose them. */
import { readFileSync, writeFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { readChildren } from "../kernel/proc/children.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { parseStatus } from "../kernel/proc/status.ts";
import { awaitPid, type Called, comesFree, EEXIST, pidError, requirePid } from "./pid-holder.ts";

const EPERM = -1;
export const LAST_PID = "/proc/sys/kernel/ns_last_pid";
/** How often others may be quicker. */
const CHANCE_TRIES = 500;

/** In ours. Others go on from where they were: the numbers behind one may be those of tasks that are yet to come. */
function setOurLast(pid: number, make: () => number): number {
  const before = readFileSync(LAST_PID, "latin1");
  writeFileSync(LAST_PID, `${pid - 1}`);
  const made = make();
  writeFileSync(LAST_PID, before);
  return made;
}

/** How a task is made that may not choose its number. */
export interface Chance {
  /** Makes it with whatever number comes: that, or the negative errno. */
  next(): number;
  /** Ends one that got another number. */
  end(pid: number): void;
  /** Says which number was the last one in a pid namespace of the tree; undefined for ours. */
  readonly last: ((last: number) => void) | undefined;
}

/** The number came to others whenever it was to be the next one, and is free by now. */
function outrun(pid: number): CrError {
  return new CrError("the pid goes to other processes: whoever shall have it again may not choose it", {
    code: "EAGAIN",
    subject: { pid },
    remedy: "restore again while fewer processes begin there, or with --new-pidns",
  });
}

/**
 * Makes a task with a chosen number, or with the next one, after it was said which was the last: that takes no rights of the task's.
 * @param choose makes it with a chosen number: that, or the negative errno
 * @throws CrError EEXIST, EAGAIN or EPERM when the number cannot be had
 */
export function choosePid(
  called: Called & { readonly numbers: readonly [number] },
  choose: () => number,
  chance: Chance,
): number {
  const { next, end, last } = chance;
  const [own] = called.numbers;
  const made = awaitPid(called, choose);
  if (made !== EPERM || own <= 0) return requirePid(made, called);
  for (let tries = 0; tries < CHANCE_TRIES; tries++) {
    if (last === undefined && !comesFree(own)) throw pidError(EEXIST, called);
    last?.(own - 1);
    const pid = last ? next() : setOurLast(own, next);
    if (pid === own || pid < 0) return requirePid(pid, called);
    end(pid);
  }
  throw outrun(own);
}

/** Makes a number the next one that a pid namespace gives, while `make` runs: what that returns. */
export type NextNumber = (number: number, make: () => number) => number;

/** In our own pid namespace. */
export const nextOfOurs: NextNumber = (number, make) => setOurLast(number, make);

/** How a task is made that lives in several pid namespaces, and may not choose its numbers in all of them. */
export interface Numbering {
  /** Of the namespaces that its numbers are of, innermost first. */
  readonly next: readonly NextNumber[];
  /** Makes it with the innermost numbers chosen: what its maker calls it, or the negative errno. */
  make(chosen: readonly number[]): number;
  /** All numbers of one that was made, innermost first. */
  numbersOf(seen: number): readonly number[];
  end(seen: number): void;
}

/**
 * The same as `choosePid`, for all numbers of a task. The kernel asks for rights in each namespace: those further out are had by chance.
 * @throws CrError EEXIST, EAGAIN or EPERM when one of them cannot be had
 */
export function chooseNumbers(called: Called, { next, make, numbersOf, end }: Numbering): number {
  const { numbers, levels } = called;
  const made = awaitPid(called, () => make(numbers));
  if (made !== EPERM) return requirePid(made, called);
  let missed: number | undefined;
  for (let chosen = numbers.length - 1, tries = 0; tries < CHANCE_TRIES; tries++) {
    const ours = chosen <= levels ? numbers[levels] : undefined;
    if (ours && !comesFree(ours)) throw pidError(EEXIST, { numbers: [ours], levels: 0 });
    const others = numbers.slice(chosen).map((number, i) => ({ number, next: next[chosen + i] }));
    const all = others.reduce<() => number>(
      (inside, { number, next: say }) => (say === undefined || number <= 0 ? inside : () => say(number, inside)),
      () => make(numbers.slice(0, chosen)),
    );
    const seen = all();
    if (seen === EPERM && chosen > 0) {
      chosen--;
      continue;
    }
    if (seen < 0) return requirePid(seen, called);
    const got = numbersOf(seen);
    missed = numbers.find((number, i) => number > 0 && got[i] !== number);
    if (missed === undefined) return seen;
    end(seen);
  }
  throw outrun(missed ?? numbers[0] ?? 0);
}

/**
 * Our pid of the child that a task of another pid namespace made.
 * @param levels how many pid namespaces lie between ours and the parent's
 * @param seen what the parent calls it
 */
export function hostPidOfChild(parent: number, levels: number, seen: number): number {
  using dir = new ProcDir(parent);
  for (const pid of (readChildren(dir) ?? []).reverse()) {
    try {
      using child = new ProcDir(pid);
      if (parseStatus(child.text("status")).nsPid[levels] === seen) return pid;
    } catch {
      // it has ended
    }
  }
  throw new CrError("a new task does not show in /proc", { code: "ESRCH", subject: { pid: seen } });
}

/** What a task, or a thread, is called in all pid namespaces that it lives in, innermost first. @param pid as we see it */
export function numbersOfTask(pid: number): readonly number[] {
  using dir = new ProcDir(pid);
  return parseStatus(dir.text("status")).nsPid.toReversed();
}

/** Our ids of threads of a task by those that its own pid namespace has. */
export function hostTidsOfThreads(task: number, inner: readonly number[]): number[] {
  using dir = new ProcDir(task);
  const hosts = new Map<number | undefined, number>();
  for (const tid of dir.list("task")) {
    using thread = dir.thread(tid);
    hosts.set(parseStatus(thread.text("status")).nsPid.at(-1), tid);
  }
  return inner.map((tid) => {
    const host = hosts.get(tid);
    if (host === undefined) throw new CrError("a new task does not show in /proc", { code: "ESRCH", subject: { tid } });
    return host;
  });
}
