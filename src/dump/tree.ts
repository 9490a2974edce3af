import { arch } from "../agent/arch/index.ts";
import { roundTrips, Tracee } from "../agent/tracee.ts";
import { CrError } from "../error.ts";
import { onTime } from "../kernel/cpu.ts";
import { sameVm } from "../kernel/kcmp.ts";
import { NR } from "../kernel/nr.ts";
import { readChildren } from "../kernel/proc/children.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type ProcStat, parseStat } from "../kernel/proc/stat.ts";
import { type ProcStatus, parseStatus } from "../kernel/proc/status.ts";
import {
  cont,
  detach,
  interrupt,
  look,
  PTRACE_EVENT_STOP,
  PTRACE_O_SUSPEND_SECCOMP,
  PTRACE_O_TRACESYSGOOD,
  seize,
  setOptions,
  WNOHANG,
  wait,
} from "../kernel/ptrace.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { deadLeader, readByThread } from "./dead-leader.ts";
import type { Executioner } from "./executioner.ts";
import { VdsoPlaces } from "./in-vdso.ts";
import { nameOf, statusOf } from "./passing.ts";
import type { RunningTree } from "./task.ts";

const SIGSTOP = 19;
/** SIGSTOP, SIGTSTP, and SIGTTIN and SIGTTOU, which a background job gets from its terminal. */
const STOPPING: ReadonlySet<number> = new Set([19, 20, 21, 22]);
const SIGTRAP = 5;
const EPERM = -1;
const ESRCH = -3;
const EINTR = -4;
const ECHILD = -10;
/** How often threads are let go to leave the vDSO: those that hardly do anything else need many. */
const TURNS = 200;
/** Looks at a task that is to stop until it is looked at whether it still can. */
const LONG = 50;
/** Between two looks at a task that is to stop: 20 us. */
const PAUSE = new BigInt64Array([0n, 20_000n]);

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

interface Seized {
  tid: number;
  stopSignal: number;
  dead: boolean;
  /** The kernel's own, which works for an io_uring: it goes on, and is made again when there is work. */
  worker?: true;
}

/** Threads of one process, by tid. */
type SeizedThreads = Map<number, Seized>;

/**
 * Stops a process tree and holds it. Whatever happens, `release` (also at the end of a `using` scope) lets every thread go as
 * it was found.
 */
export class FrozenTree implements Disposable {
  /** Parents before their children. */
  readonly tasks: FrozenTask[] = [];
  readonly #held = new Set<number>();
  readonly #deadline: number;
  readonly #interrupted: () => boolean;
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
    this.#deadline = timeoutSeconds > 0 ? performance.now() + timeoutSeconds * 1000 : Number.POSITIVE_INFINITY;
    this.#interrupted = interrupted;
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
    for (const tid of running.threads.get(pid) ?? []) {
      if (seize(tid, PTRACE_O_TRACESYSGOOD) !== 0) continue;
      this.#held.add(tid);
      interrupt(tid);
    }
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
    const seized: SeizedThreads = new Map();
    const runs = before.state !== "Z" && before.state !== "X";
    let stat = before;
    let threads: Tracee[] = [];
    if (runs || dir.list("task").length > 1) ({ stat, threads } = this.#stopOutsideVdso(pid, dir, seized));
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
      throw new CrError("the process has ended: it is a zombie", { code: "ESRCH", subject: { pid } });
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
    if (!this.#held.has(pid)) return false;
    const seen = wait(pid, WNOHANG);
    if (seen === undefined) return false; // a leader whose threads live
    this.#held.delete(pid);
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

  /** Lets a thread go that never runs code of the task: its registers are all zeros. */
  #letWork({ tid, regs }: Tracee, seized: SeizedThreads): boolean {
    const one = seized.get(tid);
    if (one === undefined || arch.ip(regs) !== 0) return false;
    one.worker = true;
    this.#held.delete(tid);
    detach(tid);
    return true;
  }

  /** Stops the threads, none of them inside the vDSO if that can be. */
  #stopOutsideVdso(pid: number, dir: ProcDir, seized: SeizedThreads): { threads: Tracee[]; stat: ProcStat } {
    let stat = this.#stopThreads(pid, dir, seized);
    let threads: Tracee[] = [];
    const [first] = [...seized.values()].filter((one) => !one.dead).sort((a, b) => a.tid - b.tid);
    if (first === undefined) return { threads, stat };
    // a leader that has ended has nothing to look at any more
    const door = seized.get(pid)?.dead === false ? pid : first.tid;
    using own = door === pid ? undefined : new ProcDir(door);
    const places = new VdsoPlaces(door, own ?? dir);
    for (let turn = 0; ; turn++) {
      const known = new Map(threads.map((thread) => [thread.tid, thread]));
      const alive = [...seized.values()].filter((one) => !one.dead && !one.worker);
      threads = alive.map(({ tid }) => known.get(tid) ?? new Tracee(tid, door));
      threads = threads.filter((thread) => !this.#letWork(thread, seized));
      const inside = places.inside(threads).filter(({ tid }) => seized.get(tid)?.stopSignal === 0);
      if (inside.length === 0 || turn === TURNS) break;
      for (const { tid } of inside) check(cont(tid), "cannot let the task go on", { pid, tid });
      this.#pause(pid, pid);
      for (const { tid } of inside) interrupt(tid);
      for (const { tid } of inside) {
        const one = seized.get(tid);
        if (one) this.#awaitStop(pid, one);
      }
      threads = threads.filter((thread) => !inside.includes(thread));
      stat = this.#stopThreads(pid, dir, seized);
    }
    places.check(threads);
    return { threads, stat };
  }

  /** Returns what the kernel tells of the process once none of its threads runs. */
  #stopThreads(pid: number, dir: ProcDir, all: SeizedThreads): ProcStat {
    for (;;) {
      const fresh: Seized[] = [];
      for (const tid of dir.list("task")) {
        if (all.has(tid)) continue;
        const one = this.#seize(pid, tid);
        if (one) {
          all.set(tid, one);
          fresh.push(one);
        }
      }
      for (const one of fresh) if (!one.dead) this.#awaitStop(pid, one);
      // only the count says that none is missing: some begin after we looked, and while one ends the list may leave out another
      const stat = parseStat(dir.text("stat"));
      const held = [...all.values()].filter((one) => !one.dead || one.tid === pid).length;
      if (stat.numThreads <= held) return stat;
      if (fresh.length === 0) this.#pause(pid, pid);
    }
  }

  /** A moment for the kernel; throws when it has had all its time. */
  #pause(pid: number, tid: number): void {
    if (this.#interrupted())
      throw new CrError("interrupted while the tree was being stopped", { code: "EINTR", subject: { pid } });
    if (performance.now() > this.#deadline) {
      throw new CrError("the task does not stop in time", {
        code: "ETIMEDOUT",
        subject: { pid, tid },
        remedy:
          "it hangs in the kernel (a dead network file system, a vfork whose child runs on): try later or with a larger --timeout",
      });
    }
    // asleep, not yielding: the task may need this very CPU, and a yield does not hand it over
    sys(NR.nanosleep, addressOf(PAUSE), 0);
  }

  #seize(pid: number, tid: number): Seized | undefined {
    if (this.#held.has(tid)) return { tid, stopSignal: 0, dead: false };
    const result = seize(tid, PTRACE_O_TRACESYSGOOD);
    if (result === ESRCH) return undefined;
    if (result === EPERM) {
      const status = statusOf(pid, tid);
      if (!status) return undefined;
      if (status.state === "Z" || status.state === "X") return { tid, stopSignal: 0, dead: true };
      if (status.tracerPid) {
        throw new CrError("another process traces this task", {
          code: "EPERM",
          subject: { pid, tid, tracer: status.tracerPid },
          remedy: `detach ${nameOf(status.tracerPid) ?? "that process"} (${status.tracerPid}) first`,
        });
      }
    }
    check(
      result,
      "cannot trace the task",
      { pid, tid },
      "run as root, or with CAP_SYS_PTRACE and CAP_CHECKPOINT_RESTORE",
    );
    this.#held.add(tid);
    check(interrupt(tid), "cannot stop the task", { pid, tid });
    return { tid, stopSignal: 0, dead: false };
  }

  /** Waits for the stop that we asked for. Signals that come first are delivered: their handlers' frames are then saved. */
  #awaitStop(pid: number, one: Seized): void {
    for (let turn = 0; ; turn++) {
      // only looked at: a signal that is not yet let through is not lost when we die
      const seen = look(one.tid);
      if (seen === undefined || seen === EINTR) {
        // a leader that ends before its threads is not told of until they have ended
        if (one.tid === pid && turn % LONG === LONG - 1 && statusOf(pid, pid)?.state === "Z") {
          one.dead = true;
          return;
        }
        this.#pause(pid, one.tid);
        continue;
      }
      roundTrips.stops++;
      if (typeof seen === "number") {
        if (seen !== ECHILD) check(seen, "cannot wait for the task", { pid, tid: one.tid });
        one.dead = true;
      } else if (seen.kind !== "stopped") {
        one.dead = true;
      } else if (seen.event === PTRACE_EVENT_STOP) {
        if (seen.signal !== SIGTRAP) {
          if (!STOPPING.has(seen.signal)) {
            throw new CrError(`the task is stopped by signal ${seen.signal}, which is none of job control`, {
              code: "ENOTSUP",
              subject: { pid },
              remedy: "continue it (SIGCONT)",
            });
          }
          one.stopSignal = seen.signal;
        }
        wait(one.tid, WNOHANG);
        return;
      } else {
        // a signal of a timer may have come in between, and then what we asked for is forgotten (ptrace_stop of the kernel)
        interrupt(one.tid);
        check(cont(one.tid, seen.signal), "cannot let a signal through", { pid, tid: one.tid });
        continue;
      }
      if (one.dead) {
        wait(one.tid, WNOHANG);
        this.#held.delete(one.tid);
        return;
      }
    }
  }

  /** Keeps the task's seccomp filters from our injected calls. Undone by the kernel at detach. */
  suspendSeccomp(task: FrozenTask): void {
    for (const thread of task.threads) setOptions(thread.tid, PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP);
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
        this.#held.delete(thread.tid);
      }
    }
    this.release();
  }

  /** Lets every thread go. Stopped tasks stay stopped; `stop` stops the others too (SIGSTOP). */
  release(stop = false): void {
    for (const task of this.tasks) {
      if (stop && !task.zombie && task.stopSignal === 0) sys(NR.kill, task.pid, SIGSTOP);
      for (const thread of task.threads) {
        if (!this.#held.delete(thread.tid)) continue;
        if (thread.stopWanted) sys(NR.tgkill, task.leader, thread.tid, SIGSTOP);
        detach(thread.tid);
      }
      task.dir[Symbol.dispose]();
    }
    // threads that were seized before their task was complete
    for (const tid of this.#held) {
      wait(tid, WNOHANG);
      detach(tid);
    }
    this.#held.clear();
  }

  [Symbol.dispose](): void {
    if (this.#killed) this.#bury();
    else this.release();
  }
}
