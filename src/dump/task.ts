/** One task and its threads: looked at from outside, asked from inside, put into their core images. */
import type { Program } from "../agent/program.ts";
import { Template } from "../agent/template.ts";
import type { Tracee } from "../agent/tracee.ts";
import type { CoreEntry, RlimitEntry, TscriuKeyrings, TscriuMempolicy } from "../image/schema.gen.ts";
import { tellsOfLandlock } from "../kernel/landlock.ts";
import { RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { readChildren } from "../kernel/proc/children.ts";
import type { Vma } from "../kernel/proc/maps.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { parseStat } from "../kernel/proc/stat.ts";
import { parseStatus } from "../kernel/proc/status.ts";
import type { PosixTimer } from "../kernel/proc/timers.ts";
import { askPolicies } from "../memory/policies.ts";
import { askKeys } from "../memory/protection-keys.ts";
import type { Inward } from "../namespace/user-ids.ts";
import {
  askLeader,
  buildLeader,
  buildThread,
  type LeaderInside,
  type ProcessState,
  planThread,
  readThread,
  type ThreadState,
} from "../task/core.ts";
import type { IdMap } from "../task/creds.ts";
import { readFlusher } from "../task/habits.ts";
import { askKeyrings, type KeyringAnswers, type OtherAnswers } from "../task/keyrings.ts";
import type { Holder, TreeKeys } from "../task/keyrings-dump.ts";
import { askPosixTimers, readTimers } from "../task/posix-timers.ts";
import { readProcess } from "../task/process.ts";
import { CallByCall, type Questions } from "../task/questions.ts";
import { LEFT_SIZE, leftAt, type Restart } from "../task/restart.ts";
import { readRlimits } from "../task/rlimits.ts";
import { readSched } from "../task/sched.ts";
import type { SeccompChains } from "../task/seccomp.ts";
import { dumpPending } from "../task/signals.ts";
import { askRobustLists, askThread, type ThreadInside } from "../task/thread.ts";
import { addOverruns } from "../task/timer-overruns.ts";
import { readWait, type Wait } from "../task/wait.ts";
import { DeadLeader } from "./dead-leader.ts";
import { askSegments, runsI386 } from "./i386.ts";
import type { InfectedTask } from "./infect.ts";
import type { VirtualPids } from "./pids.ts";
import { StrayedLook, type StrayedThread } from "./strayed.ts";
import type { FrozenTask } from "./tree.ts";

/** What is seen of a task from outside, before anything of ours runs in it. */
export interface TaskLook extends Disposable {
  readonly memory: RemoteMemory;
  /** As those of the task. */
  readonly threads: readonly ThreadState[];
  /** The first thread, where that has ended. */
  readonly dead: DeadLeader | undefined;
  readonly process: ProcessState;
  readonly limits: readonly RlimitEntry[];
  readonly timers: readonly PosixTimer[];
  /** How each thread's interrupted call goes on. */
  readonly restarts: readonly Restart[];
  /** The stop has shown to none of its threads: those that run on see what they would have seen. */
  unstop(): void;
}

/** @param waits what the threads waited in before they were stopped, by tid */
export function lookAt(
  task: FrozenTask,
  waits: ReadonlyMap<number, Wait>,
  stoppedAt: number,
  vmas: readonly Vma[],
): TaskLook {
  const memory = new RemoteMemory(task.pid);
  const threads = task.threads.map((tracee) => {
    const found = { tid: tracee.tid, general: tracee.regs, extended: tracee.fp, mask: tracee.mask };
    // what is told of a process there is its first thread's
    const status = tracee.tid === task.pid ? task.status : undefined;
    const dir = task.dir.ofThread(tracee.tid);
    // who serves a disk says so before it makes threads, which have it from there
    const isAlone = status !== undefined || readFlusher(task.stat.flags).length === 0;
    const { flags } = isAlone ? task.stat : parseStat(dir.text("stat"));
    return readThread(found, dir, memory, readSched(tracee.tid), flags, status);
  });
  const [first] = threads;
  const dead = first && task.pid !== task.leader ? new DeadLeader(task, vmas, memory, first) : undefined;
  const limits = readRlimits(task.dir);
  const process: ProcessState = {
    outside: readProcess(task.dir, task.stat),
    rlimits: limits,
    pending: dumpPending(task.pid, true, task.status.sharedPending),
    stopSignal: task.stopSignal || undefined,
    stopWaited: task.stopWaited,
  };
  const restarts = threads.map((state, i) => {
    const plan = planThread(state, memory, waits.get(state.tid), stoppedAt, process);
    for (const { address, bytes } of plan.patches) memory.write(address, bytes);
    // what a thread gets back that is left running
    task.threads[i]?.regs.set(plan.live ?? state.registers.general);
    return plan;
  });
  const unstop = () => {
    // of one that has ended meanwhile nothing is left to write to
    for (const { before } of restarts) if (before) memory.tryWrite(before.address, before.bytes);
  };
  return {
    memory,
    threads,
    dead,
    limits,
    process,
    restarts,
    timers: readTimers(task.dir),
    unstop,
    [Symbol.dispose]: () => memory[Symbol.dispose](),
  };
}

/** What only the task itself can tell. */
export interface TaskAnswers {
  readonly leader: LeaderInside;
  /** Answers of the threads behind the leader, in their order. */
  readonly threads: readonly ThreadInside[];
  readonly brk: number;
  /** Protection keys that are taken, by bit. */
  readonly protectionKeys: number;
  /** On which nodes the memory of areas comes, by their starts. */
  readonly policies: ReadonlyMap<number, TscriuMempolicy>;
  /** Its keyrings. */
  readonly keyrings: TscriuKeyrings | undefined;
}

type FirstAnswers = Omit<TaskAnswers, "threads" | "keyrings"> & { readonly keys: KeyringAnswers };

/** POSIX timers that surely fit into one program. */
const FEW_TIMERS = 256;

/** What every task is asked that is its user namespace's user `uid`. */
function askCommon(program: Program, uid: number, isI386: boolean) {
  const leader = askLeader(program, isI386);
  const protectionKeys = askKeys(program);
  const keys = askKeyrings(program, uid);
  const brk = program.call(NR.brk, [0]);
  return () => ({ leader: leader(), protectionKeys: protectionKeys(), keys: keys(), brk: program.result(brk) });
}

type Common = ReturnType<ReturnType<typeof askCommon>>;

let lastCommon: { readonly uid: number; readonly isI386: boolean; readonly template: Template<Common> } | undefined;

/** These questions, built once for tasks that are alike. */
function commonQuestions(uid: number, isI386: boolean): Template<Common> {
  if (lastCommon?.uid !== uid || lastCommon.isI386 !== isI386)
    lastCommon = { uid, isI386, template: new Template((program) => askCommon(program, uid, isI386)) };
  return lastCommon.template;
}

/** The questions to one task. */
export class Interview {
  #leader: (() => FirstAnswers) | undefined;
  readonly #holder: Holder;
  /** A filter of its own, or of one thread alone, may be in the way of what it does for us. */
  readonly isFiltered: boolean;

  constructor(
    readonly task: FrozenTask,
    readonly look: TaskLook,
    readonly vmas: readonly Vma[],
    readonly pids: VirtualPids,
    ids?: Inward,
  ) {
    const { uid = [0, 0, 0, 0] } = look.threads[0]?.status ?? {};
    const of = { pid: task.leader, tid: task.pid, uid: ids ? ids.uid(uid[0]) : uid[0], fsuid: uid[3] };
    this.#holder = { ...of, uids: ids?.maps.uids };
    // a filter must not meet more than one call when we die, and a thread's own may differ from the leader's
    this.isFiltered = look.threads.some(({ status }) => status.seccomp !== 0);
  }

  /** Asks, where the agent may begin with that by itself, while we are busy with others. */
  get first(): ((program: Program) => void) | undefined {
    if (this.isFiltered || this.look.timers.length > FEW_TIMERS) return undefined;
    return (program) => this.#ask(program);
  }

  #ask(program: Program): void {
    const { task, look, pids } = this;
    const common = commonQuestions(this.#holder.uid, runsI386(task)).begin(program);
    const posix = askPosixTimers(program, look.timers, (tid) => pids.own(tid));
    const policies = askPolicies(program, this.vmas);
    // policies come last: those of very many areas take programs of their own
    this.#leader = () => {
      const { leader, ...others } = common();
      return { leader: { ...leader, posix: posix() }, ...others, policies: policies() };
    };
  }

  /** Waits for the answers; before anything else is asked of the task. */
  answers(one: InfectedTask, cpu: number, tree: TreeKeys): TaskAnswers {
    const { task, look } = this;
    const { program } = one.parasite;
    if (this.#leader) one.parasite.settleFirst();
    else {
      this.#ask(program);
      program.run();
    }
    const answers = this.#leader?.();
    if (answers === undefined) throw new Error("nothing was asked");
    if (!addOverruns(task.dir, answers.leader.posix, look.process.pending))
      one.log.warn(`how often timers were due whose signals wait cannot be seen, and is lost: pid ${task.pid}`);
    if (runsI386(task)) askMore(one, look, this.pids);
    const others = task.threads.slice(1);
    const sends = others.length > 0 && one.sends && !this.isFiltered;
    const threads = sends ? one.send(others, askThread) : others.map((tracee) => askOther(one, tracee, cpu, askThread));
    const { keys, ...rest } = answers;
    const keyrings = tree.of(this.#holder, keys, program, others.length);
    if (others.length > 0 && tree.mayDiffer(this.#holder, !sends)) {
      const tids = others.map(({ tid }) => tid);
      const each = (ask: Ask<OtherAnswers>) => others.map((tracee) => askOther(one, tracee, cpu, ask));
      tree.tellOfOthers(this.#holder, keys, (ask) => (sends ? one.send(others, ask) : each(ask)), tids);
    }
    return { ...rest, keyrings, threads };
  }
}

/** What a 32-bit task has besides. */
function askMore({ task, parasite }: InfectedTask, look: TaskLook, pids: VirtualPids): void {
  const { program } = parasite;
  const segments = askSegments(program, task.pid);
  const lists = askRobustLists(
    program,
    look.threads.map(({ tid }) => pids.own(tid)),
  );
  program.run();
  segments();
  lists().forEach((list, i) => {
    const thread = look.threads[i];
    if (thread) thread.robust = list;
  });
  program.forget();
}

type Ask<T> = (questions: Questions) => () => T;

function askOther<T>(one: InfectedTask, tracee: Tracee, cpu: number, ask: Ask<T>): T {
  return one.askThread(tracee, cpu, (calls) => {
    const questions = new CallByCall(calls, { pid: one.task.pid, tid: tracee.tid });
    return ask(questions)();
  });
}

/** The core images of a task: its leader's first. */
export function buildCores(
  task: FrozenTask,
  look: TaskLook,
  answers: TaskAnswers,
  seccomp: SeccompChains,
  cgSetOf: (tid: number) => number,
  ids: IdMap | undefined,
): Map<number, CoreEntry> {
  const fields = seccomp.addProcess(look.threads.map((t) => t.seccomp));
  const cores = new Map<number, CoreEntry>();
  look.threads.forEach((state, i) => {
    const plan = look.restarts[i];
    const general = plan?.image ?? state.registers.general;
    const cgSet = cgSetOf(i === 0 ? task.pid : state.tid);
    const options = { cgSet, restart: plan?.entry, ...(ids && { ids }) };
    const own = fields[i] ?? {};
    if (i === 0 && look.dead) {
      const { dead } = look;
      const alone = { cgSet, ...(ids && { ids }) };
      const inside = dead.inside(answers.leader);
      cores.set(task.leader, buildLeader(dead.state, inside, dead.general, {}, look.process, alone));
    } else if (i === 0) {
      cores.set(task.leader, buildLeader(state, answers.leader, general, own, look.process, options));
      return;
    }
    const inside = i === 0 ? answers.leader.thread : answers.threads[i - 1];
    if (inside) cores.set(state.tid, buildThread(state, inside, general, own, options));
  });
  return cores;
}

/** What is known of a tree that still runs. */
export interface RunningTree {
  /** What each thread waits in, by tid. Threads that come and go meanwhile are of no interest: those that wait stay. */
  readonly waits: Map<number, Wait>;
  /** By process. */
  readonly threads: Map<number, readonly number[]>;
  /** A thread of it is under seccomp. */
  filtered: boolean;
  readonly root: number;
  /** See the function of that name. */
  tellsOfLandlock: boolean;
  /** Some task may gain no more privileges, and so may have restricted itself. */
  confined: boolean;
  /** Private memory of its processes that is there, bytes. */
  readonly memory: Map<number, number>;
  /** The children of each, as they were met. */
  readonly children: Map<number, readonly number[]>;
  /** Threads with namespaces of their own. */
  readonly strayed: StrayedThread[];
}

function lookAtThread(dir: ProcDir, tid: number, found: RunningTree): void {
  try {
    const thread = dir.ofThread(tid);
    const status = parseStatus(thread.text("status"));
    found.filtered ||= status.seccomp !== 0;
    if (tid === found.root) found.tellsOfLandlock = tellsOfLandlock(status);
    found.confined ||= status.noNewPrivs && found.tellsOfLandlock;
    if (tid === dir.pid) found.memory.set(tid, status.anonymousRss);
    const wait = readWait(thread);
    if (!wait) return;
    found.waits.set(tid, wait);
    const left = leftAt(wait);
    if (left === 0) return;
    using memory = new RemoteMemory(dir.pid);
    const before = new Uint8Array(LEFT_SIZE);
    if (memory.tryRead(left, before)) wait.before = before;
  } catch {
    // it ended, the others did not
  }
}

const nothing = (root: number): RunningTree => ({
  ...{
    waits: new Map(),
    threads: new Map(),
    filtered: false,
    root,
    tellsOfLandlock: true,
    confined: false,
    memory: new Map(),
    children: new Map(),
    strayed: [],
  },
});

/** The threads of each process of a tree, as they come. */
export function threadsOf(pid: number, found = new Map<number, readonly number[]>()): Map<number, readonly number[]> {
  try {
    using dir = new ProcDir(pid);
    const tids = dir.list("task");
    found.set(pid, tids);
    for (const child of readChildren(dir, tids)) threadsOf(child, found);
  } catch {
    // it ended
  }
  return found;
}

/** @param threads as `threadsOf` found them a moment ago */
export function lookAtRunning(pid: number, threads: ReadonlyMap<number, readonly number[]>): RunningTree {
  using strayed = new StrayedLook(threads);
  const found = nothing(pid);
  lookAtTask(pid, found);
  found.strayed.push(...strayed.of(found.threads));
  return found;
}

function lookAtTask(pid: number, found: RunningTree): void {
  try {
    using dir = new ProcDir(pid);
    const tids = dir.list("task");
    for (const tid of tids) lookAtThread(dir, tid, found);
    found.threads.set(pid, tids);
    const children = readChildren(dir, tids);
    found.children.set(pid, children);
    for (const child of children) lookAtTask(child, found);
  } catch {
    // it ended: the freeze will see
  }
}
