import type { Tracee } from "../agent/tracee.ts";
import { CrError } from "../error.ts";
import { onTime } from "../kernel/cpu.ts";
import { sameVm } from "../kernel/kcmp.ts";
import { NR } from "../kernel/nr.ts";
import { readChildren } from "../kernel/proc/children.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type ProcStat, parseStat } from "../kernel/proc/stat.ts";
import { type ProcStatus, parseStatus } from "../kernel/proc/status.ts";
import { detach, setOptions, wait } from "../kernel/ptrace.ts";
import { sys } from "../kernel/sys.ts";
import { PTRACE_O } from "../kernel/uapi/ptrace.ts";
import { WAIT } from "../kernel/uapi/wait.ts";
import { deadLeader, readByThread } from "./dead-leader.ts";
import type { Executioner } from "./executioner.ts";
import { type Stopped, Stopper } from "./stopper.ts";
import type { RunningTree } from "./task.ts";

const SIGSTOP = 19;
const EINTR = -4;

function isInVfork(parent: number, child: number): boolean {
  try {
    return sameVm(parent, child);
  } catch {
    // it has ended
    return true;
  }
}

/** One process of the tree, held in a ptrace stop (or a zombie, which nothing can touch any more). */
export interface FrozenTask {
  /** By which it is read, asked and signalled: that of its leader, or of a thread that lives where the leader has ended. */
  readonly pid: number;
  /** What it is called by everybody. */
  readonly leader: number;
  readonly dir: ProcDir;
  readonly stat: ProcStat;
  readonly status: ProcStatus;
  readonly parent: FrozenTask | undefined;
  readonly children: FrozenTask[];
  /** Leader first, unless it has ended; empty for a zombie. */
  readonly threads: Tracee[];
  readonly zombie: boolean;
  /** The job-control signal that it is stopped by, or 0. */
  readonly stopSignal: number;
  /** Its parent knows of that stop already. */
  readonly stopWaited: boolean;
}

/**
 * Stops a process tree and holds it. Whatever happens, `release` (also at the end of a `using` scope) lets every thread go as
 * it was found.
 */
export class FrozenTree implements Disposable {
  /** Parents before their children. */
  readonly tasks: FrozenTask[] = [];
  readonly #stopper: Stopper;
  #killed = false;

  constructor(
    readonly rootPid: number,
    timeoutSeconds: number,
    interrupted: () => boolean,
    /** As it was a moment ago. */
    running: Pick<RunningTree, "threads" | "children">,
    /** Called once everything that was found is seized: lets a frozen cgroup run, so that the stops take place. */
    seized: () => void = () => {},
  ) {
    this.#stopper = new Stopper(timeoutSeconds, interrupted);
    try {
      this.#seizeAll(rootPid, running);
      seized();
      onTime(() => this.#take(rootPid, undefined));
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /**
   * Asks every thread that can be seen to stop, before the first is waited for: they stop side by side. What comes or goes
   * meanwhile, and what cannot be seized, is met again when each task is taken.
   */
  #seizeAll(pid: number, running: Pick<RunningTree, "threads" | "children">): void {
    for (const tid of running.threads.get(pid) ?? []) this.#stopper.ask(tid);
    for (const child of running.children.get(pid) ?? []) {
      // a parent in vfork waits for its child to execute: stopped, it would never
      if (!isInVfork(pid, child)) this.#seizeAll(child, running);
    }
  }

  get root(): FrozenTask {
    const [root] = this.tasks;
    if (!root) throw new CrError("the tree is empty", { subject: { pid: this.rootPid } });
    return root;
  }

  #take(pid: number, parent: FrozenTask | undefined): void {
    let dir = new ProcDir(pid);
    const before = parseStat(dir.text("stat"));
    const runs = before.state !== "Z" && before.state !== "X";
    let { stat, threads, seized }: Stopped = { stat: before, threads: [], seized: new Map() };
    if (runs || dir.list("task").length > 1) ({ stat, threads, seized } = this.#stopper.stop(pid, dir));
    else if (this.#letDie(pid)) {
      dir[Symbol.dispose]();
      return;
    }
    threads.sort((a, b) => Number(b.tid === pid) - Number(a.tid === pid) || a.tid - b.tid);
    const door = threads[0]?.tid ?? pid;
    let status = parseStatus(dir.text("status"));
    const zombie = threads.length === 0;
    if (zombie && dir.list("task").length > 1) throw deadLeader(pid, "which are about to end too");
    if (!parent && zombie)
      throw new CrError("the process has ended: it is a zombie", {
        code: "ESRCH",
        subject: { pid },
        remedy: "save its parent, with which it comes back as a zombie",
      });
    if (door !== pid) ({ dir, stat, status } = readByThread(dir, door));
    const task: FrozenTask = {
      pid: door,
      leader: pid,
      dir,
      stat,
      status,
      parent,
      children: [],
      threads: zombie ? [] : threads,
      zombie,
      stopSignal: seized.get(door)?.stopSignal ?? 0,
      stopWaited: before.exitCode === 0,
    };
    this.tasks.push(task);
    parent?.children.push(task);
    if (!zombie) this.#takeChildren(task);
  }

  /**
   * One that ended after it was seized: nobody else may wait for it before we have. True when nobody wants to, and it is gone.
   */
  #letDie(pid: number): boolean {
    if (!this.#stopper.held.has(pid)) return false;
    const seen = wait(pid, WAIT.NOHANG);
    if (seen === undefined) return false; // a leader whose threads live
    this.#stopper.held.delete(pid);
    try {
      using dir = new ProcDir(pid);
      return parseStat(dir.text("stat")).state === "X";
    } catch (error) {
      if (error instanceof CrError && error.code === "ESRCH") return true;
      throw error;
    }
  }

  #takeChildren(task: FrozenTask): void {
    const seen = new Set<number>();
    for (;;) {
      const pids = readChildren(
        task.dir,
        task.threads.map(({ tid }) => tid),
      );
      if (!pids)
        throw new CrError("this kernel does not list the children of a task (CONFIG_PROC_CHILDREN)", {
          code: "ENOTSUP",
        });
      const fresh = pids.filter((pid) => !seen.has(pid));
      if (fresh.length === 0) return;
      for (const pid of fresh) {
        seen.add(pid);
        this.#take(pid, task);
      }
    }
  }

  /** Keeps the task's seccomp filters from our injected calls. Undone by the kernel at detach. */
  suspendSeccomp(task: FrozenTask): void {
    for (const thread of task.threads) setOptions(thread.tid, PTRACE_O.TRACESYSGOOD | PTRACE_O.SUSPEND_SECCOMP);
  }

  /** Ends every task of the tree, children of zombies included. Nothing of it runs any more; dispose waits for its end. */
  kill(executioner: Executioner): void {
    executioner.end(this.tasks.filter((task) => !task.zombie).map((task) => task.pid));
    this.#killed = true;
  }

  /** Waits until those that were killed are gone: their pids are free then, once their parents have waited. */
  #bury(): void {
    for (const task of [...this.tasks].reverse()) {
      for (const thread of [...task.threads].reverse()) {
        for (;;) {
          const seen = wait(thread.tid);
          if (seen === EINTR) continue;
          if (typeof seen === "number" || seen?.kind !== "stopped") break;
        }
        this.#stopper.held.delete(thread.tid);
      }
    }
    this.release();
  }

  /** Lets every thread go. Stopped tasks stay stopped; `stop` stops the others too (SIGSTOP). */
  release(stop = false): void {
    for (const task of this.tasks) {
      if (stop && !task.zombie && task.stopSignal === 0) sys(NR.kill, task.pid, SIGSTOP);
      for (const thread of task.threads) {
        if (!this.#stopper.held.delete(thread.tid)) continue;
        if (thread.stopWanted) sys(NR.tgkill, task.leader, thread.tid, SIGSTOP);
        detach(thread.tid);
      }
      task.dir[Symbol.dispose]();
    }
    // threads that were seized before their task was complete
    for (const tid of this.#stopper.held) {
      wait(tid, WAIT.NOHANG);
      detach(tid);
    }
    this.#stopper.held.clear();
  }

  [Symbol.dispose](): void {
    if (this.#killed) this.#bury();
    else this.release();
  }
}
