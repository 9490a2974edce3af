/** Who has the pids that a restore needs again, how long they are waited for, and how it is told. */
import { readdirSync, readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { errnoName, errnoWords } from "../kernel/errno.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type ProcStat, parseStat } from "../kernel/proc/stat.ts";
import { MORE_PROCESSES } from "../kernel/sys.ts";

export const EEXIST = -17;

/** linux/sched.h: it is on its way out, and frees what it has. */
const PF_EXITING = 4;

/** What a task, or a thread, shall be called. */
export interface Called {
  /** Innermost first, and not necessarily up to ours; 0 for any. */
  readonly numbers: readonly number[];
  /** How many pid namespaces lie between ours and the innermost. */
  readonly levels: number;
}

/** What it shall be called in our own pid namespace; undefined for whatever comes. */
function oursOf({ numbers, levels }: Called): number | undefined {
  return numbers[levels] || undefined;
}

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

function hasEnded({ state, flags }: ProcStat): boolean {
  return state === "Z" || state === "X" || (flags & PF_EXITING) !== 0;
}

const REMEDY = "end that process, or restore with --new-pidns";

/** Who has a number of our own pid namespace; undefined where nobody does. */
function heldError(pid: number): CrError | undefined {
  const stat = statOf(pid);
  if (stat && hasEnded(stat)) {
    return new CrError("the pid is held by a process that has ended, for which its parent does not wait", {
      code: "EEXIST",
      subject: { pid },
      remedy: "let its parent wait for it, or end the parent",
    });
  }
  const [member] = stat ? [] : membersOf(pid);
  if (member) {
    return new CrError("the pid names a session or group that has members", {
      code: "EEXIST",
      subject: { pid, member: member.pid, holder: member.comm },
      remedy: REMEDY,
    });
  }
  if (stat === undefined) return undefined;
  return new CrError("the pid is taken by another process", {
    code: "EEXIST",
    subject: { pid, holder: stat.comm },
    remedy: REMEDY,
  });
}

/** Somebody has one of the numbers: in our own pid namespace it can be seen who, in others not even which. */
function takenError(called: Called): CrError {
  const ours = oursOf(called);
  const held = ours === undefined ? undefined : heldError(ours);
  if (held) return held;
  const { numbers, levels } = called;
  // an init that is made is the first in its namespace, and who has let go of ours meanwhile is still whom we met
  const others = numbers.filter((number, i) => number > 1 && i !== levels);
  const [pid = ours ?? numbers[0] ?? 0] = others;
  if (others.length === 0)
    return new CrError("the pid is taken by another process", {
      code: "EEXIST",
      subject: { pid },
      remedy: REMEDY,
    });
  return new CrError("the pid is taken by another process of its pid namespace", {
    code: "EEXIST",
    subject: others.length > 1 ? { pids: others.join(" ") } : { pid },
    remedy: REMEDY,
  });
}

const EINVAL = -22;
const EAGAIN = -11;

const pidRemedies: Readonly<Record<number, string>> = {
  [-1]: "run as root, or with CAP_CHECKPOINT_RESTORE",
  [EAGAIN]: MORE_PROCESSES,
};

/** All pids lie below; undefined where /proc does not say. */
function pidMax(): number | undefined {
  try {
    return Number(readFileSync("/proc/sys/kernel/pid_max", "latin1"));
  } catch {
    return undefined;
  }
}

/** How the kernel refused to make a task that is called so, in words. */
export function pidError(result: number, called: Called): CrError {
  if (result === EEXIST) return takenError(called);
  const [pid = 0] = called.numbers;
  const most = result === EINVAL ? pidMax() : undefined;
  if (most !== undefined && called.numbers.some((number) => number >= most))
    return new CrError("the pid is larger than any that this machine gives", {
      code: "EINVAL",
      subject: { pid, "kernel.pid_max": most },
      remedy: `raise it: sysctl kernel.pid_max=${Math.max(...called.numbers) + 1}, or more; or restore with --new-pidns (Linux 6.14)`,
    });
  const what = `cannot make a process with this pid: ${errnoWords(result)}`;
  return new CrError(what, { code: errnoName(result), subject: { pid }, remedy: pidRemedies[result] });
}

/** How long a pid may be held by a zombie that somebody is slow to reap: tries, and milliseconds between them. */
const ZOMBIE_TRIES = 150;
const PAUSE = 20;
const VANISHED_TRIES = 5;
/** How long it may be held by somebody who got it only since we run. */
const YOUNG_TRIES = 500;

/** Has a process begun after ourselves? The pid was free then: it is no reason to end that process, and it may end soon. */
function isYoung({ starttime }: ProcStat): boolean {
  return starttime >= (statOf(process.pid)?.starttime ?? 0);
}

/** May the pid come free? Its holder is on its way out or young, or nobody has it, but a session or group of which there are still members. */
function goes(pid: number, tries: number): boolean {
  const holder = statOf(pid);
  if (holder) return tries < (isYoung(holder) ? YOUNG_TRIES : ZOMBIE_TRIES) && (hasEnded(holder) || isYoung(holder));
  if (tries < VANISHED_TRIES) return true; // it went between our two looks
  if (tries >= ZOMBIE_TRIES) return false;
  const members = membersOf(pid);
  return members.length > 0 && members.every(hasEnded);
}

/** Runs `make` until the pids are free, as long as those that have them may still go. */
export function awaitPid(called: Called, make: () => number): number {
  const ours = oursOf(called);
  for (let tries = 0; ; tries++) {
    const made = make();
    if (made !== EEXIST) return made;
    // who has a number further in cannot be seen
    const isSeen = ours !== undefined && (called.numbers.length === 1 || statOf(ours) !== undefined);
    const waits = isSeen ? goes(ours, tries) : tries < ZOMBIE_TRIES;
    if (!waits) return made;
    Bun.sleepSync(PAUSE);
  }
}

/** Waits until a number of our own pid namespace is free, as long as its holder may still go. @returns whether it is */
export function comesFree(pid: number): boolean {
  for (let tries = 0; statOf(pid) !== undefined; tries++) {
    if (!goes(pid, tries)) return false;
    Bun.sleepSync(PAUSE);
  }
  return true;
}

/** What making a task gave: its number. @throws CrError EEXIST or EPERM for a negative errno */
export function requirePid(made: number, called: Called): number {
  if (made < 0) throw pidError(made, called);
  return made;
}
