/** Threads of a puppet besides its leader: each runs the agent from its first instant, with a control block of its own. */
import type { Subject } from "../error.ts";
import { closeFd } from "../kernel/fd.ts";
import { openMapFile, SharedView } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { cont, interrupt, wait, waitStop } from "../kernel/ptrace.ts";
import { check } from "../kernel/sys.ts";
import { PTRACE_EVENT } from "../kernel/uapi/ptrace.ts";
import { arch } from "./arch/index.ts";
import { trace } from "./fresh-task.ts";
import { FutexAgent } from "./futex-agent.ts";
import { AREA, CONTROL, OP, PSEUDO } from "./layout.ts";
import { chooseNumbers, choosePid, hostTidsOfThreads, type NextNumber, numbersOfTask } from "./pid.ts";
import { type Free, Program, type Result } from "./program.ts";
import { type Puppet, THREAD_PAGE } from "./puppet.ts";
import { readRegs, writeRegs } from "./tracee.ts";

const PROT_RW = 3;
const EINTR = -4;
/** MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS | MAP_POPULATE: each thread would fault for its page, and so would we. */
const MAP_FLAGS = 0x8031;
/** CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM. */
const CLONE_FLAGS = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000;
/** What one program makes: far below what the area has room for. */
const AT_ONCE = 1024;

/** It has its own control block and stack, and runs its programs from the task's area. */
export class ThreadPuppet extends FutexAgent {
  readonly subject: Subject;

  constructor(
    tid: number,
    readonly task: Puppet,
    readonly threads: SharedView,
    control: number,
  ) {
    super(tid, control);
    this.subject = { pid: task.pid, tid };
  }

  /** A program for it whose records and data begin there: see `runTogether`. */
  program(from: Free): Program {
    const first = BigInt(this.base + AREA.ops + from.ops * OP.size);
    this.threads.view.setBigUint64(this.control + CONTROL.areaOps, first, true);
    return new Program(this, from);
  }

  get base(): number {
    return this.task.base;
  }

  get bytes(): Uint8Array {
    return this.task.bytes;
  }

  get view(): DataView {
    return this.task.view;
  }

  protected controlView(): DataView {
    return this.threads.view;
  }

  protected controlAddress(): number {
    return this.threads.address + this.control;
  }
}

/**
 * Clones the other threads of a task, all by one program of its leader.
 * @param inner the tids that they have for it, each followed by those in the namespaces above that shall be certain ones
 * @param next how numbers are had that the task may not choose: for each of a thread's
 */
export function cloneThreads(
  task: Puppet,
  inner: readonly (readonly number[])[],
  next: readonly NextNumber[] = [],
): ThreadPuppet[] {
  if (inner.length === 0) return [];
  const { program } = task;
  const threads = mapThreads(task, inner.length);
  const made: number[] = [];
  for (let from = 0; from < inner.length; from += AT_ONCE) {
    const tids = inner.slice(from, from + AT_ONCE);
    const calls = tids.map((tid, i) => appendThread(task, tid, from + i));
    program.run();
    made.push(...calls.map((call) => program.result(call)));
  }
  inner.forEach((tid, index) => {
    if ((made[index] ?? 0) < 0) made[index] = cloneLater(task, tid, index, next);
  });
  const ours = task.levels > 0 ? hostTidsOfThreads(task.pid, made) : made;
  return ours.map((tid, index) => {
    trace(tid, { pid: task.pid, tid });
    return new ThreadPuppet(tid, task, threads, index * THREAD_PAGE);
  });
}

/** Control blocks and stacks for `count` more threads. */
function mapThreads(task: Puppet, count: number): SharedView {
  const start = task.base + AREA.size;
  const size = count * THREAD_PAGE;
  const { program, pid, subject } = task;
  program.call(NR.mmap, [start, size, PROT_RW, MAP_FLAGS, -1, 0], {
    expect: start,
    what: "cannot map the threads' stacks",
  });
  program.run();
  const fd = check(openMapFile(pid, start, start + size, 2), "cannot open the threads' stacks", subject);
  try {
    const view = new SharedView(fd, size, subject, { populate: true });
    for (let index = 0; index < count; index++) task.prepareControl(view.view, index * THREAD_PAGE);
    task.threads = view;
    return view;
  } finally {
    closeFd(fd);
  }
}

/** Appends the call that makes thread number `index`, from 0. */
function appendThread(task: Puppet, inner: readonly number[], index: number): Result {
  const page = task.base + AREA.size + index * THREAD_PAGE;
  const args = task.cloneArgs(inner, CLONE_FLAGS, 0, page, THREAD_PAGE);
  return task.program.call(PSEUDO.startThread, [args, page], { ignore: true });
}

/** Somebody had its id: it may be a zombie that goes soon. */
function cloneLater(task: Puppet, inner: readonly number[], index: number, next: readonly NextNumber[]): number {
  const { program } = task;
  const [own = 0] = inner;
  const { levels } = task;
  const make = (numbers: readonly number[]) => {
    const call = appendThread(task, numbers, index);
    program.run();
    return program.result(call);
  };
  const end = (tid: number) => endThread(task, tid);
  const chance = inner.length === 1 ? task.chance(make, end) : undefined;
  const numbersOf = (tid: number) =>
    numbersOfTask(task.levels > 0 ? (hostTidsOfThreads(task.pid, [tid])[0] ?? tid) : tid);
  return chance
    ? choosePid({ numbers: [own], levels }, () => make(inner), chance)
    : chooseNumbers({ numbers: inner, levels }, { next, make, numbersOf, end });
}

/** Ends a thread that got another id than it should, while its agent waits for work. */
function endThread(task: Puppet, seen: number): void {
  const [tid = seen] = task.levels > 0 ? hostTidsOfThreads(task.pid, [seen]) : [seen];
  const subject = { pid: task.pid, tid };
  trace(tid, subject);
  check(interrupt(tid), "cannot stop a thread", subject);
  while (waitStop(tid, subject).event !== PTRACE_EVENT.STOP) cont(tid);
  const ip = task.base + AREA.trampoline + arch.entries.syscall;
  const regs = readRegs(tid);
  writeRegs(tid, arch.call(regs, ip, arch.sp(regs), NR.exit, [0]));
  cont(tid);
  for (let seen = wait(tid); seen === EINTR || (typeof seen === "object" && seen.kind === "stopped"); seen = wait(tid))
    if (typeof seen === "object") cont(tid);
}
