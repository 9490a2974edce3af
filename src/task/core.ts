/**
 * The core image of a thread: from what was read of it to its entry.
 *
 * A dump calls, for a process that is stopped:
 * 1. `readThread` for every thread, before anything of ours runs in it, and `planThread` for its interrupted call. What it shall
 *    get back when it is left running is `plan.live ?? state.registers.general`;
 * 2. `askLeader` and `askPosixTimers` in the leader's program and `askThread` in the other threads;
 * 3. `SeccompChains.addProcess`, then `buildLeader` and `buildThread`.
 * A zombie has nobody to ask: `buildZombie`.
 */
import { arch } from "../agent/arch/index.ts";
import type { Program } from "../agent/program.ts";
import {
  type CoreEntry,
  CoreEntryMarch,
  type PosixTimerEntry,
  type RlimitEntry,
  type SaEntry,
  type SignalQueueEntry,
  type TaskCoreEntry,
  type ThreadCoreEntry,
  type TscriuPrctl,
  type TscriuRestart,
} from "../image/schema.gen.ts";
import type { RemoteMemory } from "../kernel/memory.ts";
import type { ProcDir, ProcFiles } from "../kernel/proc/read.ts";
import { parseStat } from "../kernel/proc/stat.ts";
import { type ProcStatus, parseStatus } from "../kernel/proc/status.ts";
import { toU64 } from "../kernel/u64.ts";
import { credsOf, type IdMap } from "./creds.ts";
import { readFlusher, readSpeculation } from "./habits.ts";
import { askItimers, type Itimers } from "./itimers.ts";
import { type Label, readLabel } from "./label.ts";
import { askProcess, type ProcessInside, type readProcess, SIGCHLD } from "./process.ts";
import { type RawRegisters, registers, type SavedRegisters } from "./registers.ts";
import { planRestart, type Restart } from "./restart.ts";
import { leaveSection, type RseqState, readRseq } from "./rseq.ts";
import { dumpSched, dumpTimerSlack, type Sched } from "./sched.ts";
import { readSeccomp, type ThreadSeccomp } from "./seccomp.ts";
import { askSigactions, dumpPending } from "./signals.ts";
import { askThread, readRobustList, type ThreadInside } from "./thread.ts";
import { sleptThrough, type Wait, waited } from "./wait.ts";

/** task_state of an image. */
const TASK_ALIVE = 1;
const TASK_DEAD = 2;
const TASK_STOPPED = 3;

/** A thread as ptrace found it. */
export interface Found extends RawRegisters {
  tid: number;
  /** Blocked signals. */
  mask: bigint;
}

/** All that is seen of a stopped thread from outside. */
export interface ThreadState {
  tid: number;
  /** With a critical section left, but otherwise as found: what the thread gets back when it is left running. */
  registers: SavedRegisters;
  mask: bigint;
  status: ProcStatus;
  sched: Sched;
  robust: Pick<ThreadCoreEntry, "futex_rla" | "futex_rla_len">;
  pending: SignalQueueEntry;
  rseq: RseqState;
  seccomp: ThreadSeccomp;
  label: Label;
  /** What is seen of its habits. */
  habits: TscriuPrctl[];
}

/**
 * Reads a stopped thread. Call it before anything runs in the thread.
 * @param dir the thread's directory: /proc/PID/task/TID
 * @param sched `readSched` of before the thread was moved to another CPU
 * @param flags of its stat
 */
export function readThread(
  found: Found,
  dir: ProcFiles,
  memory: RemoteMemory,
  sched: Sched,
  flags = 0,
  status = parseStatus(dir.text("status")),
): ThreadState {
  const { tid, mask } = found;
  const rseq = readRseq(tid, memory, found.general);
  const general = found.general.slice();
  leaveSection(rseq, general);
  return {
    tid,
    registers: { general, extended: found.extended, others: registers.readOthers(tid) },
    mask,
    status,
    sched,
    robust: readRobustList(tid),
    pending: dumpPending(tid, false, status.sigPending),
    rseq,
    seccomp: readSeccomp(tid, status.seccomp),
    label: readLabel(dir.path),
    habits: [...readSpeculation(status), ...readFlusher(flags)],
  };
}

/** Whether a signal waits that the thread does not block: it will be delivered as soon as the thread runs. */
function signalWaits(mask: bigint, ...queues: readonly SignalQueueEntry[]): boolean {
  return queues.some(({ signals }) =>
    signals.some(({ siginfo }) => {
      const signal = new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(0, true);
      return ((mask >> BigInt(signal - 1)) & 1n) === 0n;
    }),
  );
}

/**
 * What becomes of the system call that a thread was stopped in; see restart.ts.
 * @param wait `readWait` of before the stop
 * @param stopped `monotonic()` when it was stopped
 * @param process its process's queue and stop signal
 */
export function planThread(
  state: ThreadState,
  memory: RemoteMemory,
  wait: Wait | undefined,
  stopped: number,
  process: Pick<ProcessState, "pending" | "stopSignal">,
): Restart {
  const { general } = state.registers;
  return planRestart(general, memory, {
    wait,
    waited: waited(wait, state.status, stopped),
    undisturbed: sleptThrough(wait, state.status),
    signalled: process.stopSignal !== undefined || signalWaits(state.mask, state.pending, process.pending),
    sp: arch.sp(general),
  });
}

/** What the leader tells of itself and its process. */
export interface LeaderInside {
  thread: ThreadInside;
  process: ProcessInside;
  sigactions: SaEntry[];
  itimers: Itimers;
  posix: PosixTimerEntry[];
}

/** Appends the questions to a leader that are the same for each, some 80 calls: its POSIX timers are asked for apart. */
export function askLeader(program: Program, isI386?: boolean): () => Omit<LeaderInside, "posix"> {
  const thread = askThread(program);
  const process = askProcess(program);
  const sigactions = askSigactions(program, isI386);
  const itimers = askItimers(program);
  return () => ({ thread: thread(), process: process(), sigactions: sigactions(), itimers: itimers() });
}

/** What is the same for every thread of a dump. */
export interface BuildOptions {
  /** Ids in the task's user namespace. */
  ids?: IdMap;
  /** The thread's cgroup set: cgroup.img. */
  cgSet?: number;
  /** How an interrupted system call goes on; see restart.ts. */
  restart?: TscriuRestart;
}

type SeccompFields = Pick<ThreadCoreEntry, "seccomp_mode" | "seccomp_filter">;

function threadCore(
  state: ThreadState,
  inside: ThreadInside,
  seccomp: SeccompFields,
  options: BuildOptions,
): ThreadCoreEntry {
  const core: ThreadCoreEntry = {
    ...state.robust,
    ...dumpSched(state.sched),
    ...dumpTimerSlack(state.tid, inside.timerSlack),
    sas: inside.altstack,
    signals_p: state.pending,
    creds: credsOf(state.status, inside.securebits, state.label, options.ids),
    ...seccomp,
    comm: state.status.name,
    tscriu_prctls: [...inside.habits.prctls, ...state.habits],
  };
  const { mempolicy } = inside.habits;
  if (mempolicy) core.tscriu_mempolicy = mempolicy;
  if (inside.pdeathSignal) core.pdeath_sig = inside.pdeathSignal;
  if (state.rseq.entry) core.rseq_entry = state.rseq.entry;
  if (options.cgSet !== undefined) core.cg_set = options.cgSet;
  if (options.restart) core.tscriu_restart = options.restart;
  return core;
}

/**
 * The entry of a thread that is not the leader.
 * @param general its registers as the image shall have them: restart.ts makes them
 */
export function buildThread(
  state: ThreadState,
  inside: ThreadInside,
  general: BigUint64Array,
  seccomp: SeccompFields,
  options: BuildOptions = {},
): CoreEntry {
  return {
    ...registers.dump(state.tid, { ...state.registers, general }, inside.clearTid),
    thread_core: { ...threadCore(state, inside, seccomp, options), blk_sigset: toU64(state.mask) },
  };
}

/** What belongs to a process besides its leader thread. */
export interface ProcessState {
  outside: ReturnType<typeof readProcess>;
  rlimits: RlimitEntry[];
  /** `dumpPending` of the process's own queue. */
  pending: SignalQueueEntry;
  /** The signal that stopped it, when it was found stopped: SIGSTOP or SIGTSTP. */
  stopSignal?: number;
  /** Its parent has asked for the stop already (wait(2) with WUNTRACED). */
  stopWaited?: boolean;
  /** It was continued, and its parent has not asked for that yet (WCONTINUED). */
  continued?: boolean;
}

export function buildLeader(
  state: ThreadState,
  inside: LeaderInside,
  general: BigUint64Array,
  seccomp: SeccompFields,
  process: ProcessState,
  options: BuildOptions = {},
): CoreEntry {
  const tc: TaskCoreEntry = {
    task_state: process.stopSignal ? TASK_STOPPED : TASK_ALIVE,
    exit_code: 0,
    ...process.outside,
    blk_sigset: toU64(state.mask),
    timers: { ...inside.itimers, posix: inside.posix },
    rlimits: { rlimits: process.rlimits },
    signals_s: process.pending,
    sigactions: inside.sigactions,
    child_subreaper: inside.process.childSubreaper,
    tscriu_prctls: inside.process.prctls,
  };
  if (process.stopSignal) tc.stop_signo = process.stopSignal;
  if (process.stopSignal && process.stopWaited) tc.tscriu_stop_waited = true;
  if (process.continued) tc.tscriu_continued = true;
  if (inside.process.mlockall) tc.tscriu_mlockall = inside.process.mlockall;
  if (inside.process.xcompPerm) tc.tscriu_xcomp_perm = toU64(inside.process.xcompPerm);
  if (inside.process.membarrier) tc.membarrier_registration_mask = inside.process.membarrier;
  return {
    ...registers.dump(state.tid, { ...state.registers, general }, inside.thread.clearTid),
    tc,
    thread_core: threadCore(state, inside.thread, seccomp, options),
  };
}

/** The entry of a process that has ended and that nobody has waited for. */
export function buildZombie(dir: ProcDir): CoreEntry {
  const stat = parseStat(dir.text("stat"));
  return {
    mtype: process.arch === "arm64" ? CoreEntryMarch.AARCH64 : CoreEntryMarch.X86_64,
    tc: {
      task_state: TASK_DEAD,
      exit_code: stat.exitCode,
      personality: 0,
      flags: 0,
      blk_sigset: toU64(parseStatus(dir.text("status")).sigBlocked),
      comm: stat.comm,
      tscriu_exit_signal: stat.exitSignal === SIGCHLD ? undefined : stat.exitSignal,
      sigactions: [],
      tscriu_prctls: [],
    },
  };
}
