/** The last part of a restore: threads, zombies, the state and identity of every thread, and letting go. */

import { arch } from "../agent/arch/index.ts";
import type { Program } from "../agent/program.ts";
import type { Puppet } from "../agent/puppet.ts";
import { cloneThreads, type ThreadPuppet } from "../agent/threads.ts";
import { runTogether } from "../agent/together.ts";
import { readFp, writeFp, writeRegs } from "../agent/tracee.ts";
import { receiveFd, type Service } from "../file/numbers.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { CoreEntry, FsEntry, TaskCoreEntry, TscriuRestart } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { hostLsm } from "../kernel/lsm.ts";
import { NR } from "../kernel/nr.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type ProcStatus, parseStatus } from "../kernel/proc/status.ts";
import { detach, setOptions, setSigmask } from "../kernel/ptrace.ts";
import type { Call } from "../kernel/standby.ts";
import { sys } from "../kernel/sys.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import type { Log } from "../log.ts";
import { sealAreas } from "../memory/seal.ts";
import type { RestoredSegments } from "../memory/segments-restore.ts";
import { dumpCreds, type IdMap } from "../task/creds.ts";
import { hasOwnPolicy } from "../task/habits.ts";
import { forgetPolicy, tellOfRemains } from "../task/inherited.ts";
import { type Label, readLabel, restoreLabel } from "../task/label.ts";
import { bornWith, isAsBorn, openLogin, restoreLogin, restoreProcessOutside } from "../task/process.ts";
import { registers } from "../task/registers.ts";
import { type Own, restoreIdentity, restoreLast, restoreState } from "../task/restore.ts";
import { resumeCall } from "../task/resume.ts";
import { raiseLimits, readRlimits } from "../task/rlimits.ts";
import { rseqWriteBack } from "../task/rseq.ts";
import { type Attributes, readSched, restoreSched, setAffinity } from "../task/sched.ts";
import { waitsToStop } from "../task/signals.ts";
import { wasContinued } from "./continued.ts";
import type { RestoredFiles } from "./files.ts";
import type { Forest } from "./grow.ts";
import type { GrownTask } from "./growth.ts";
import { isOrphaned } from "./orphaned.ts";
import { ownPid, threadNumbers } from "./pid-numbers.ts";
import type { SavedSet, SavedTask } from "./set.ts";
import { TASK_STOPPED } from "./states.ts";
import { drainChild, stopTask, tellParent } from "./stopped.ts";

const PR_GET_SECUREBITS = 27;
const SIGKILL = 9;
const SIGSTOP = 19;

export interface Finish {
  readonly log: Log;
  readonly images: ImageDirectory;
  readonly set: SavedSet;
  readonly forest: Forest;
  readonly files: RestoredFiles;
  readonly segments: RestoredSegments;
  /** CPUs that we were started with. */
  readonly affinity: Uint8Array;
  /** What users and groups are called by a task; undefined where it is as we do. */
  idsOf(saved: SavedTask): IdMap | undefined;
  /** What a thread enters that has left namespaces of its process: our descriptors and CLONE_NEW*. */
  ofThread(core: CoreEntry): readonly { readonly fd: number; readonly flag: number }[];
  /** While tasks have it open. */
  readonly service: Service;
  step(): void;
}

interface Thread<Agent = Puppet | ThreadPuppet> {
  /** As we see it. */
  readonly tid: number;
  /** As its task sees it. */
  readonly inner: number;
  readonly core: CoreEntry;
  readonly agent: Agent;
}

/** All threads of a task but its leader. */
const threads = new WeakMap<GrownTask, Thread<ThreadPuppet>[]>();

function living(finish: Finish): GrownTask[] {
  return [...finish.forest.tasks.values()].filter((t) => !t.saved.zombie);
}

/** Threads of a task, the leader first. */
function threadsOf(task: GrownTask): Thread[] {
  const { saved, puppet } = task;
  const leader = { tid: puppet.pid, inner: ownPid(saved), core: saved.core, agent: puppet };
  return [leader, ...(threads.get(task) ?? [])];
}

function run(program: Program, build: (program: Program) => void): void {
  build(program);
  program.run();
}

/** Appends root, working directory and umask. */
export function restoreFs(program: Program, fs: FsEntry | undefined, files: RestoredFiles, service: Service): void {
  if (!fs) return;
  const rootName = files.entries.get(fs.root_id)?.reg?.name;
  const root = receiveFd(program, service, files.descriptor(fs.root_id));
  const cwd = receiveFd(program, service, files.descriptor(fs.cwd_id));
  if (rootName !== "/") {
    program.call(NR.fchdir, [root], { what: "cannot enter the root directory" });
    program.call(NR.chroot, [program.text(".")], { what: "cannot set the root directory" });
  }
  program.call(NR.fchdir, [cwd], { what: "cannot enter the working directory" });
  if (fs.umask !== undefined) program.call(NR.umask, [fs.umask]);
  program.call(NR.close, [root]);
  program.call(NR.close, [cwd]);
}

/** All threads with their ids; zombies end; then what every thread sets up for itself. */
export function makeThreads(finish: Finish): void {
  if (hostLsm() === "selinux") labelLeaders(finish);
  for (const { saved, puppet } of living(finish)) if (saved.core.tc?.tscriu_continued) wasContinued(puppet);
  const hasPolicy = hasOwnPolicy();
  for (const task of living(finish)) {
    const { saved, puppet } = task;
    if (hasPolicy) forgetPolicy(puppet.program);
    if (saved.threads.length > 0) finish.forest.pids.comeHome(puppet);
    const agents = cloneThreads(
      puppet,
      saved.threads.map((_, index) => threadNumbers(saved.tree, index + 1)),
      finish.forest.pids.nextNumbers(finish.forest.pids.nestOf(puppet)),
    );
    threads.set(
      task,
      agents.flatMap((agent, index) => {
        const thread = saved.threads[index];
        if (!thread) return [];
        finish.files.hosts.set(thread.tid, agent.tid);
        const [inner = thread.tid] = threadNumbers(saved.tree, index + 1);
        return { tid: agent.tid, inner, core: thread.core, agent };
      }),
    );
    // a task whose children are born elsewhere cannot have threads any more
    finish.forest.pids.settle(puppet, saved.tree.tscriu_pids?.born_into);
    finish.forest.makeClocks(task);
    finish.step();
  }
  for (const { saved, puppet } of finish.forest.tasks.values()) {
    if (!saved.zombie) continue;
    setAffinity(puppet.pid, finish.affinity);
    puppet.end(saved.core.tc?.exit_code ?? 0, saved.core.tc?.comm, BigInt(saved.core.tc?.blk_sigset ?? 0));
  }
  for (const task of living(finish)) {
    const { core } = task.saved;
    const pid = ownPid(task.saved);
    run(task.puppet.program, (program) => {
      drainChild(program);
      restoreState(program, core, { pid, tid: pid });
      sealAreas(program, task.saved.mm?.vmas ?? []);
    });
    const others = threads.get(task) ?? [];
    for (const thread of others) enterOwn(thread, finish);
    for (const thread of others) bearElsewhere(thread, task.puppet, finish);
    runTogether(others, (program, { core, inner }) => restoreState(program, core, { pid, tid: inner }));
    finish.step();
  }
}

/**
 * Into namespaces, root and working directory that a thread has for itself: alone, for what its task is sent comes to whoever asks
 * first.
 */
function enterOwn(thread: Thread<ThreadPuppet>, { ofThread, service, files }: Finish): void {
  const fs = thread.core.thread_core?.tscriu_fs;
  const subject = { tid: thread.tid };
  if (fs)
    runTogether([thread], (program) => {
      program.call(NR.unshare, [CLONE.FS], { what: "cannot give a thread a root of its own", subject });
    });
  for (const { fd, flag } of ofThread(thread.core))
    runTogether([thread], (program) => {
      const theirs = receiveFd(program, service, fd);
      program.call(NR.setns, [theirs, flag], {
        what: "cannot enter a thread's namespace",
        subject,
      });
      program.call(NR.close, [theirs]);
    });
  if (fs) runTogether([thread], (program) => restoreFs(program, fs, files, service));
}

/** A thread whose next children are not born where those of its task are. */
function bearElsewhere(thread: Thread<ThreadPuppet>, puppet: Puppet, { forest, service }: Finish): void {
  const { born_into, clocks_born_into = 0 } = thread.core.thread_core?.tscriu_namespaces ?? {};
  const about = { what: "cannot have a thread's children born elsewhere", subject: { tid: thread.tid } };
  const fd = born_into === undefined ? undefined : forest.pids.entranceFor(puppet, born_into);
  const made =
    (clocks_born_into === 0 ? 0 : CLONE.NEWTIME) + (born_into !== undefined && fd === undefined ? CLONE.NEWPID : 0);
  if (made !== 0) runTogether([thread], (program) => void program.call(NR.unshare, [made], about));
  if (fd !== undefined)
    runTogether([thread], (program) => {
      const theirs = receiveFd(program, service, fd);
      program.call(NR.setns, [theirs, CLONE.NEWPID], about);
      program.call(NR.close, [theirs]);
    });
  if (clocks_born_into !== 0) forest.options.setClocks(clocks_born_into, thread.tid);
}

/** Who a fresh puppet is. */
function ownState(pid: number, ids: IdMap | undefined): Own & { readonly status: ProcStatus } {
  using dir = new ProcDir(pid);
  // in a user namespace of one's own one begins without
  const securebits = ids ? 0 : Math.max(0, sys(NR.prctl, PR_GET_SECUREBITS));
  const status = parseStatus(dir.text("status"));
  const creds = { ...dumpCreds(status, securebits, ids), ...readLabel(dir.path) };
  return { creds, rlimits: readRlimits(dir), status };
}

function labelOf({ core }: SavedTask): Label {
  const label = core.thread_core?.creds?.lsm_profile;
  return label === undefined ? {} : { lsm_profile: label };
}

/** SELinux: a process with threads cannot change its label any more. */
function labelLeaders(finish: Finish): void {
  for (const { saved, puppet } of living(finish)) {
    using dir = new ProcDir(puppet.pid);
    const own = readLabel(dir.path);
    run(puppet.program, (program) => restoreLabel(program, labelOf(saved), own));
  }
}

/** Login user ids, each by its own process: a puppet gets the file sent while it still has the service socket. */
function restoreLogins(finish: Finish, service: Service, born: Pick<TaskCoreEntry, "loginuid">): void {
  for (const { saved, puppet } of living(finish)) {
    if (saved.core.tc?.loginuid === undefined || saved.core.tc.loginuid === born.loginuid) continue;
    using dir = new ProcDir(puppet.pid);
    const file = openLogin(dir, saved.core.tc);
    if (file === undefined) continue;
    try {
      restoreLogin(puppet.program, receiveFd(puppet.program, service, file), saved.core.tc.loginuid);
      puppet.program.run();
      puppet.program.forget();
    } finally {
      closeFd(file);
    }
  }
}

/** Credentials, limits, filters: afterwards a task can do nothing any more that needs privileges. */
export function finishIdentity(finish: Finish): void {
  const { service } = finish;
  const born = bornWith();
  restoreLogins(finish, service, born);
  const seccomp = finish.images.read("SECCOMP")[0];
  const closed = new Set<number>();
  const rootIds = finish.idsOf(finish.set.root);
  const rootOwn = ownState(finish.forest.task(finish.set.root.pid).puppet.pid, rootIds);
  tellOfRemains(rootOwn.status, finish.set.tasks, finish.log);
  /** All puppets of the root's user namespace are alike; those of others came there in their own ways. */
  const ownOf = ({ saved, puppet }: GrownTask): Own => {
    const ids = finish.idsOf(saved);
    return ids === rootIds ? rootOwn : ownState(puppet.pid, ids);
  };
  const isLabelledEarly = hostLsm() === "selinux";
  for (const task of living(finish)) {
    const { saved, puppet } = task;
    const own = ownOf(task);
    const has = isLabelledEarly ? { ...own, creds: { ...own.creds, ...labelOf(saved) } } : own;
    if (saved.core.tc && !isAsBorn(saved.core.tc, born)) {
      using dir = new ProcDir(puppet.pid);
      restoreProcessOutside(dir, saved.core.tc);
    }
    if (finish.idsOf(saved)) raiseLimits(puppet.pid, saved.core.tc?.rlimits, own.rlimits);
    const { core } = saved;
    const pid = ownPid(saved);
    runTogether(threads.get(task) ?? [], (program, { core, inner }) =>
      restoreIdentity(program, core, { pid, tid: inner }, has, seccomp),
    );
    const table = saved.ids?.files_id ?? 0;
    run(puppet.program, (program) => {
      if (!closed.has(table)) program.call(NR.close, [service.theirs]);
      restoreIdentity(program, core, { pid, tid: pid }, has, seccomp);
      restoreLast(program, core, saved.mm?.dumpable);
    });
    closed.add(table);
    finish.step();
  }
}

/** Below what the ABI lets a function use under its stack pointer. */
const BELOW_RED_ZONE = 256;

/** Puts a thread back into the call that it waited in. */
function resume(puppet: Puppet, tid: number, regs: BigUint64Array, restart: TscriuRestart): BigUint64Array {
  const sp = arch.sp(regs) - BELOW_RED_ZONE;
  const scratch = sp - (sp % 16);
  const before = puppet.memory.read(scratch, 16);
  try {
    return resumeCall(tid, regs, restart, puppet.memory, scratch);
  } finally {
    puppet.memory.write(scratch, before);
  }
}

/** Stops every agent, removes it and gives each thread its registers. */
function becomeThemselves(task: GrownTask, forest: Forest, affinity: Uint8Array, sched: Attributes): void {
  const { saved, puppet } = task;
  const all = threadsOf(task);
  for (const { agent } of all) agent.halt();
  for (const { agent } of all) agent.halted();
  const general = puppet.removeAgent(saved.threads.length);
  const before = { general, extended: readFp(puppet.pid) };
  for (const { tid, core } of all) {
    const raw = registers.build(core, before);
    registers.restoreOthers(tid, core);
    writeFp(tid, raw.extended);
    const restart = core.thread_core?.tscriu_restart;
    writeRegs(tid, restart ? resume(puppet, tid, raw.general, restart) : raw.general);
    const section = rseqWriteBack(core.thread_core?.rseq_entry);
    if (section) puppet.memory.write(section.address, section.bytes);
    if (core.thread_core) restoreSched(tid, core.thread_core, sched, affinity);
  }
  const { tc } = saved.core;
  // while it blocks all else: a signal that waits must not be delivered before the task stops
  if (tc?.task_state === TASK_STOPPED)
    stopTask(puppet.pid, isOrphaned(task, forest) ? SIGSTOP : (tc.stop_signo ?? SIGSTOP));
  for (const { tid, core } of all) {
    const mask = tid === puppet.pid ? core.tc?.blk_sigset : core.thread_core?.blk_sigset;
    setSigmask(tid, BigInt.asUintN(64, BigInt(mask ?? 0)));
  }
}

/** Stops a task, or its threads, when it is let go. A SIGSTOP cannot be queued for oneself: it comes from us. */
function stops(task: GrownTask, leaveStopped: boolean): Call[] {
  const { pid } = task.puppet;
  const { tc } = task.saved.core;
  const stopped = tc?.task_state === TASK_STOPPED;
  const all = !stopped && (waitsToStop(tc?.signals_s) || leaveStopped) ? [{ nr: NR.kill, args: [pid, SIGSTOP] }] : [];
  const single = threadsOf(task).filter(({ core }) => waitsToStop(core.thread_core?.signals_p));
  return [...all, ...single.map(({ tid }) => ({ nr: NR.tgkill, args: [pid, tid, SIGSTOP] }))];
}

/**
 * The point of no return: the tree runs.
 * @param resolved is called when nothing of it is undone any more
 * @param atLast puts what can be undone only when nobody of the tree lives behind what is to be undone by now
 */
export function release(finish: Finish, leaveStopped: boolean, resolved: () => void, atLast: () => void): void {
  const tasks = living(finish);
  // all come of one, and nobody has changed it yet
  const sched = readSched(finish.forest.task(finish.set.root.pid).puppet.pid);
  const isStopped = (task: GrownTask) => task.saved.core.tc?.task_state === TASK_STOPPED;
  // children first: their parents' agents are still there to hear of it
  for (const task of tasks.filter(isStopped).reverse()) {
    becomeThemselves(task, finish.forest, finish.affinity, sched);
    const parent = task.saved.parent && finish.forest.tasks.get(task.saved.parent.pid);
    if (parent) tellParent(task.saved, parent);
  }
  for (const task of tasks) if (!isStopped(task)) becomeThemselves(task, finish.forest, finish.affinity, sched);
  const { files, forest } = finish;
  forest.warden?.prepare(finish.affinity);
  resolved();
  handOver(tasks, [...files.releaseCalls(), ...tasks.flatMap((task) => stops(task, leaveStopped))], finish, atLast);
  // what it closes has to be closed, and its ends of file must come
  files[Symbol.dispose]();
  for (const task of tasks) for (const { tid } of threadsOf(task)) detach(tid);
  forest.warden?.release();
}

/**
 * Connections wake, their lock goes, and segments stay, in one go with the tree: a process beside us does it. If we die before it has begun
 * nothing is left of the tree, as before; if we die later the kernel lets all of it go.
 */
function handOver(
  tasks: readonly GrownTask[],
  calls: readonly Call[],
  { files, segments, forest }: Finish,
  atLast: () => void,
): void {
  const { warden } = forest;
  const puppets = [...(warden ? [warden] : []), ...tasks].map(({ puppet }) => puppet);
  const kills = puppets.map(({ pid }) => ({ nr: NR.kill, args: [pid, SIGKILL] }));
  files.undoing.add([...kills, ...segments.removals], true);
  atLast();
  segments.keep();
  for (const task of tasks) for (const { tid } of threadsOf(task)) setOptions(tid, 0);
  warden?.spare();
  files.undoing.carryOut(calls);
}
