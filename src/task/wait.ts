/**
 * What a thread waits in, and since when: read before it is stopped, for a stopped thread's /proc files tell of the stop.
 *
 * When a thread goes to sleep the scheduler notes the time (se.exec_start in /proc/TID/sched), by a clock of its CPU that
 * leaves out the time taken by interrupts and by the hypervisor. The same file of our own, read on the same CPU, shows how
 * that clock stands against CLOCK_MONOTONIC. Accurate to under a millisecond.
 */
import { CrError } from "../error.ts";
import { NR } from "../kernel/nr.ts";
import { I386 } from "../kernel/nr-i386.ts";
import { type ProcFiles, readProcFile } from "../kernel/proc/read.ts";
import { parseStat } from "../kernel/proc/stat.ts";
import type { ProcStatus } from "../kernel/proc/status.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { CLOCK } from "../kernel/uapi/event.ts";
import type { KnownCall } from "./arch/call.ts";
import { I386_TIMED } from "./restart-i386.ts";
import { readAffinity, setAffinity } from "./sched.ts";

/** A thread that was not disturbed has slept once since: in our stop, and perhaps in the freezer of its cgroup. */
const MAX_SLEEPS = 2;
const PAGE = 4096;

/** A thread's wait, before the thread was stopped. */
export interface Wait extends KnownCall {
  sp: number;
  /** CLOCK_MONOTONIC, nanoseconds; undefined where the kernel does not tell. */
  since: number | undefined;
  /** How often the thread had gone to sleep by then. */
  sleeps: number;
  /** What lies where the kernel will write the time left when it is stopped. */
  before?: Uint8Array;
}

export function monotonic(): number {
  const time = new BigInt64Array(2);
  sys(NR.clock_gettime, CLOCK.MONOTONIC, addressOf(time));
  return Number(time[0]) * 1e9 + Number(time[1]);
}

interface SchedLines {
  /** Nanoseconds of the CPU's task clock. */
  execStart: number;
  voluntary: number;
}

function parseSched(text: string): SchedLines | undefined {
  const start = /^se\.exec_start\s*:\s*([\d.]+)/m.exec(text)?.[1];
  const voluntary = /^nr_voluntary_switches\s*:\s*(\d+)/m.exec(text)?.[1];
  if (start === undefined || voluntary === undefined) return undefined;
  return { execStart: Number(start) * 1e6, voluntary: Number(voluntary) };
}

/** How much CLOCK_MONOTONIC is ahead of each CPU's task clock, nanoseconds: a process dumps but once, and that is short. */
const offsets = new Map<number, number | undefined>();

function measure(cpu: number): number | undefined {
  const [before, own] = [readAffinity(0), new Uint8Array((cpu >> 3) + 1)];
  own[cpu >> 3] = 1 << (cpu & 7);
  try {
    setAffinity(0, own);
    // being scheduled in sets our own note to now
    sys(NR.sched_yield);
    const mine = parseSched(readProcFile("/proc/thread-self/sched"));
    return mine && monotonic() - mine.execStart;
  } catch (error) {
    // not our CPU to run on, or no such file: then we do not know
    if (error instanceof CrError) return undefined;
    throw error;
  } finally {
    setAffinity(0, before);
  }
}

function offsetOf(cpu: number): number | undefined {
  if (!offsets.has(cpu)) offsets.set(cpu, measure(cpu));
  return offsets.get(cpu);
}

/** Calls whose time matters: all others can be made again, or go on, without knowing when they began. */
const TIMED = new Set<number>(
  [
    NR.nanosleep,
    NR.clock_nanosleep,
    NR.futex,
    NR.poll,
    NR.epoll_wait,
    NR.epoll_pwait,
    NR.epoll_pwait2,
    NR.semtimedop,
    NR.rt_sigtimedwait,
    NR.io_getevents,
    NR.restart_syscall,
  ].filter((nr) => nr >= 0),
);

/**
 * The call that restart_syscall(2) goes on with: the kernel function that the thread sleeps in tells (proc(5), wchan). Only
 * sleeps, futex and poll get there, and a sleep's own function often does not show.
 */
function restartedCall(
  wchan: string,
  args: readonly number[],
  numbers: Readonly<Record<"futex" | "poll" | "nanosleep" | "clock_nanosleep", number>>,
): number | undefined {
  // not for us to read, or a kernel without names
  if (wchan === "" || wchan === "0") return undefined;
  if (wchan.startsWith("futex")) return numbers.futex;
  if (wchan.includes("poll")) return numbers.poll;
  // nanosleep's first argument is a pointer, clock_nanosleep's a clock
  return (args[0] ?? 0) >= PAGE ? numbers.nanosleep : numbers.clock_nanosleep;
}

/** A word of 64 bits, decimal or hexadecimal. */
function signed(word: string): number {
  const value = Number(word);
  return value <= Number.MAX_SAFE_INTEGER ? value : Number(BigInt.asIntN(64, BigInt(word)));
}

/**
 * What a thread waits in, when that is a system call; undefined while it runs, or when it is not ours to know. Call it right
 * before the thread is stopped.
 * @param dir /proc/PID/task/TID
 */
export function readWait(dir: ProcFiles): Wait | undefined {
  let text: string;
  try {
    text = dir.text("syscall");
  } catch (error) {
    // without ptrace permission, or the thread has gone: the stop will tell
    if (error instanceof CrError) return undefined;
    throw error;
  }
  const words = text.trim().split(" ");
  // "running", or "-1 SP PC" outside of system calls
  if (words.length !== 9) return undefined;
  const [nr = 0, ...rest] = words.map(signed);
  const args = rest.slice(0, 6);
  const wait: Wait = { nr, args, sp: rest[6] ?? 0, ip: rest[7] ?? 0, since: undefined, sleeps: 0 };
  // a thread of 32-bit code numbers its calls otherwise: it has such a stack, and others may have
  const maybeI386 = process.arch === "x64" && wait.sp < 2 ** 32;
  if (maybeI386 && nr === I386.restart_syscall) wait.restarted = restartedCall(dir.optional("wchan") ?? "", args, I386);
  else if (nr === NR.restart_syscall) wait.restarted = restartedCall(dir.optional("wchan") ?? "", args, NR);
  if (!TIMED.has(nr) && !(maybeI386 && I386_TIMED.has(nr))) return wait;
  const sched = parseSched(dir.optional("sched") ?? "");
  if (!sched) return wait;
  const offset = offsetOf(parseStat(dir.text("stat")).processor);
  return { ...wait, since: offset === undefined ? undefined : sched.execStart + offset, sleeps: sched.voluntary };
}

/** Has a thread not run since, but for our stop? */
export function sleptThrough(wait: Wait | undefined, status: ProcStatus): boolean {
  return wait !== undefined && Number(status.line("voluntary_ctxt_switches")) - wait.sleeps <= 1;
}

/**
 * How long a thread had waited when it was stopped, nanoseconds; undefined when that cannot be told.
 * @param status of the stopped thread
 * @param stopped `monotonic()` when it was stopped
 */
export function waited(wait: Wait | undefined, status: ProcStatus, stopped: number): number | undefined {
  if (wait?.since === undefined) return undefined;
  const sleeps = Number(status.line("voluntary_ctxt_switches")) - wait.sleeps;
  // it slept more than once: another wait has begun meanwhile
  return sleeps <= MAX_SLEEPS ? Math.max(0, stopped - wait.since) : undefined;
}
