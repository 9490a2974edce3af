/** Pids that a restore needs again: who has them, and how long a zombie may keep them. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { readChildren } from "../kernel/proc/children.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type ProcStat, parseStat } from "../kernel/proc/stat.ts";
import { parseStatus } from "../kernel/proc/status.ts";

const EEXIST = -17;

/** linux/sched.h: it is on its way out, and frees what it has. */
const PF_EXITING = 4;

function statOf(pid: number): ProcStat | undefined {
  try {
    using dir = new ProcDir(pid);
    return parseStat(dir.text("stat"));
  } catch {
    return undefined;
  }
}

/** Members of the session or group that a pid names. */
function membersOf(pid: number): ProcStat[] {
  const all = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (statOf(Number(name)) ?? []) : []));
  return all.filter(({ sid, pgrp }) => sid === pid || pgrp === pid);
}

/** How the kernel refused a pid, in words. @param isOurs it is a number of our own pid namespace */
export function pidError(result: number, pid: number, isOurs = true): CrError {
  if (result === EEXIST && !isOurs)
    return new CrError("the pid is taken by another process of its pid namespace", {
      code: "EEXIST",
      subject: { pid },
      remedy: "end that process, or restore with --new-pidns",
    });
  const stat = result === EEXIST ? statOf(pid) : undefined;
  if (stat && hasEnded(stat)) {
    return new CrError("the pid is held by a process that has ended, for which its parent does not wait", {
      code: "EEXIST",
      subject: { pid },
      remedy: "let its parent wait for it, or end the parent",
    });
  }
  const [member] = result === EEXIST && !stat ? membersOf(pid) : [];
  if (member) {
    return new CrError("the pid names a session or group that has members", {
      code: "EEXIST",
      subject: { pid, member: member.pid, holder: member.comm },
      remedy: "end that process, or restore with --new-pidns",
    });
  }
  if (result === EEXIST) {
    return new CrError("the pid is taken by another process", {
      code: "EEXIST",
      subject: { pid, holder: stat?.comm },
      remedy: "end that process, or restore with --new-pidns",
    });
  }
  return new CrError(
    `cannot make a process with this pid: ${result === -1 ? "operation not permitted" : `errno ${-result}`}`,
    {
      code: "EPERM",
      subject: { pid },
      remedy: "run as root, or with CAP_CHECKPOINT_RESTORE",
    },
  );
}

/** How long a pid may be held by a zombie that somebody is slow to reap: tries, and milliseconds between them. */
const ZOMBIE_TRIES = 150;
const ZOMBIE_PAUSE = 20;
const VANISHED_TRIES = 5;

function hasEnded({ state, flags }: ProcStat): boolean {
  return state === "Z" || state === "X" || (flags & PF_EXITING) !== 0;
}

/** Is the pid's holder on its way out? Nobody may have it, but a session or group of which there are still members. */
function goes(pid: number, tries: number): boolean {
  const holder = statOf(pid);
  if (holder) return hasEnded(holder);
  if (tries < VANISHED_TRIES) return true; // it went between our two looks
  const members = membersOf(pid);
  return members.length > 0 && members.every(hasEnded);
}

/** Runs `make` until the pid is free, as long as somebody has it who has ended. @param isOurs as with `pidError` */
export function awaitPid(pid: number, make: () => number, isOurs = true): number {
  for (let tries = 0; ; tries++) {
    const made = make();
    if (made !== EEXIST || tries >= ZOMBIE_TRIES || (isOurs && !goes(pid, tries))) return made;
    Bun.sleepSync(ZOMBIE_PAUSE);
  }
}

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

/**
 * Makes a task with a chosen number, or with the next one, after it was said which was the last: that takes no rights of the task's.
 * @param choose makes it with a chosen number: that, or the negative errno
 */
export function choosePid(inner: number, choose: () => number, { next, end, last }: Chance): number {
  const made = awaitPid(inner, choose, last === undefined);
  if (made !== EPERM || inner <= 0) return made;
  for (let tries = 0; tries < CHANCE_TRIES; tries++) {
    if (last === undefined && statOf(inner)) return EEXIST;
    last?.(inner - 1);
    const pid = last ? next() : setOurLast(inner, next);
    if (pid === inner || pid < 0) return pid;
    end(pid);
  }
  return EEXIST;
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
 * @param numbers innermost first
 */
export function chooseNumbers(
  numbers: readonly number[],
  { next, make, numbersOf, end }: Numbering,
  isOurs: boolean,
): number {
  const made = awaitPid(numbers[0] ?? 0, () => make(numbers), isOurs);
  if (made !== EPERM) return made;
  for (let chosen = numbers.length - 1, tries = 0; tries < CHANCE_TRIES; tries++) {
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
    if (seen < 0) return seen;
    const has = numbersOf(seen);
    if (numbers.every((number, i) => number <= 0 || has[i] === number)) return seen;
    end(seen);
  }
  return EEXIST;
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
