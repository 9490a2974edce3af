/** One task and its threads: looked at from outside, asked from inside, put into their core images. */
import { arch } from "../agent/arch/index.ts";
import type { Tracee } from "../agent/tracee.ts";
import type { CoreEntry, RlimitEntry } from "../image/schema.gen.ts";
import { RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import {
  askLeader,
  buildLeader,
  buildThread,
  type LeaderInside,
  type ProcessState,
  readThread,
  type ThreadState,
} from "../task/core.ts";
import { type PosixTimer, readTimers } from "../task/posix-timers.ts";
import { readProcess } from "../task/process.ts";
import { CallByCall } from "../task/questions.ts";
import { readRlimits } from "../task/rlimits.ts";
import { readSched } from "../task/sched.ts";
import type { SeccompChains } from "../task/seccomp.ts";
import { dumpPending } from "../task/signals.ts";
import { askThread, type ThreadInside } from "../task/thread.ts";
import type { InfectedTask } from "./infect.ts";
import type { FrozenTask } from "./tree.ts";

const CG_SET = 1;

/** What is seen of a task from outside, before anything of ours runs in it. */
export interface TaskLook extends Disposable {
  readonly memory: RemoteMemory;
  /** Leader first. */
  readonly threads: readonly ThreadState[];
  readonly process: ProcessState;
  readonly limits: readonly RlimitEntry[];
  readonly timers: readonly PosixTimer[];
}

export function lookAt(task: FrozenTask): TaskLook {
  const memory = new RemoteMemory(task.pid);
  const threads = task.threads.map((tracee) => {
    using dir = task.dir.thread(tracee.tid);
    const found = { tid: tracee.tid, general: tracee.regs, extended: tracee.fp, mask: tracee.mask };
    const state = readThread(found, dir, memory, readSched(tracee.tid));
    // a thread that is left running goes on where preemption would have put it
    tracee.regs.set(state.registers.general);
    return state;
  });
  const limits = readRlimits(task.dir);
  return {
    memory,
    threads,
    limits,
    process: {
      outside: readProcess(task.dir, task.stat),
      rlimits: limits,
      pending: dumpPending(task.pid, true, task.status.sharedPending),
      stopSignal: task.stopSignal || undefined,
    },
    timers: readTimers(task.dir),
    [Symbol.dispose]: () => memory[Symbol.dispose](),
  };
}

/** What only the task itself can tell. */
export interface TaskAnswers {
  readonly leader: LeaderInside;
  /** Answers of the threads behind the leader, in their order. */
  readonly threads: readonly ThreadInside[];
  readonly brk: number;
}

export function askTask(one: InfectedTask, look: TaskLook, cpu: number): TaskAnswers {
  const { program } = one.parasite;
  const answers = askLeader(program, look.timers);
  const brk = program.call(NR.brk, [0]);
  program.run();
  const leader = answers();
  const at = program.result(brk);
  const threads = one.task.threads.slice(1).map((tracee) => askOther(one, tracee, cpu));
  return { leader, threads, brk: at };
}

function askOther(one: InfectedTask, tracee: Tracee, cpu: number): ThreadInside {
  return one.askThread(tracee, cpu, (calls) => {
    const questions = new CallByCall(calls, { pid: one.task.pid, tid: tracee.tid });
    return askThread(questions)();
  });
}

/** The core images of a task: its leader's first. */
export function buildCores(task: FrozenTask, look: TaskLook, answers: TaskAnswers, seccomp: SeccompChains): Map<number, CoreEntry> {
  const fields = seccomp.addProcess(look.threads.map((t) => t.seccomp));
  const cores = new Map<number, CoreEntry>();
  look.threads.forEach((state, i) => {
    const general = arch.atRest(state.registers.general);
    const options = { cgSet: CG_SET };
    const own = fields[i] ?? {};
    if (i === 0) {
      cores.set(task.pid, buildLeader(state, answers.leader, general, own, look.process, options));
      return;
    }
    const inside = answers.threads[i - 1];
    if (inside) cores.set(state.tid, buildThread(state, inside, general, own, options));
  });
  return cores;
}
