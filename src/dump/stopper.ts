/** Brings the threads of a process to a stop, and knows which ones we hold. */
import { arch } from "../agent/arch/index.ts";
import { roundTrips, Tracee } from "../agent/tracee.ts";
import { CrError } from "../error.ts";
import { NR } from "../kernel/nr.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type ProcStat, parseStat } from "../kernel/proc/stat.ts";
import { cont, detach, interrupt, look, seize, wait } from "../kernel/ptrace.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { PTRACE_EVENT, PTRACE_O } from "../kernel/uapi/ptrace.ts";
import { WAIT } from "../kernel/uapi/wait.ts";
import { VdsoPlaces } from "./in-vdso.ts";
import { nameOf, statusOf } from "./passing.ts";

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

/** Names of those who trace a tree to save it. */
const DUMPERS = ["tscriu", "criu"];

interface Seized {
  tid: number;
  stopSignal: number;
  dead: boolean;
  /** The kernel's own, which works for an io_uring: it goes on, and is made again when there is work. */
  worker?: true;
}

/** Threads of one process, by tid. */
type SeizedThreads = Map<number, Seized>;

/** A process none of whose threads runs. */
export interface Stopped {
  /** What the kernel tells of it. */
  readonly stat: ProcStat;
  readonly threads: Tracee[];
  readonly seized: ReadonlyMap<number, Seized>;
}

export class Stopper {
  /** Threads that are ours until somebody detaches them. */
  readonly held = new Set<number>();
  readonly #deadline: number;
  readonly #interrupted: () => boolean;

  /** @param timeoutSeconds how long all of it may take; 0 for as long as it takes */
  constructor(timeoutSeconds: number, interrupted: () => boolean) {
    this.#deadline = timeoutSeconds > 0 ? performance.now() + timeoutSeconds * 1000 : Number.POSITIVE_INFINITY;
    this.#interrupted = interrupted;
  }

  /** Asks a thread to stop, and does not wait for it. What cannot be seized is met again by `stop`. */
  ask(tid: number): void {
    if (seize(tid, PTRACE_O.TRACESYSGOOD) !== 0) return;
    this.held.add(tid);
    interrupt(tid);
  }

  /** Stops the threads of a process, none of them inside the vDSO if that can be. */
  stop(pid: number, dir: ProcDir): Stopped {
    const seized: SeizedThreads = new Map();
    let stat = this.#stopThreads(pid, dir, seized);
    let threads: Tracee[] = [];
    const [first] = [...seized.values()].filter((one) => !one.dead).sort((a, b) => a.tid - b.tid);
    if (first === undefined) return { threads, stat, seized };
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
    return { threads, stat, seized };
  }

  /** Lets a thread go that never runs code of the task: its registers are all zeros. */
  #letWork({ tid, regs }: Tracee, seized: SeizedThreads): boolean {
    const one = seized.get(tid);
    if (one === undefined || arch.ip(regs) !== 0) return false;
    one.worker = true;
    this.held.delete(tid);
    detach(tid);
    return true;
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
    if (this.held.has(tid)) return { tid, stopSignal: 0, dead: false };
    const result = seize(tid, PTRACE_O.TRACESYSGOOD);
    if (result === ESRCH) return undefined;
    if (result === EPERM) {
      const status = statusOf(pid, tid);
      if (!status) return undefined;
      if (status.state === "Z" || status.state === "X") return { tid, stopSignal: 0, dead: true };
      if (status.tracerPid) {
        const tracer = nameOf(status.tracerPid) ?? "that process";
        throw new CrError("another process traces this task", {
          code: "EPERM",
          subject: { pid, tid, tracer: status.tracerPid },
          remedy: DUMPERS.includes(tracer)
            ? `another dump is about it: wait for the end of ${tracer} (${status.tracerPid})`
            : `detach ${tracer} (${status.tracerPid}) first`,
        });
      }
    }
    check(
      result,
      "cannot trace the task",
      { pid, tid },
      "run as root, or with CAP_SYS_PTRACE and CAP_CHECKPOINT_RESTORE",
    );
    this.held.add(tid);
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
      } else if (seen.event === PTRACE_EVENT.STOP) {
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
        wait(one.tid, WAIT.NOHANG);
        return;
      } else {
        // a signal of a timer may have come in between, and then what we asked for is forgotten (ptrace_stop of the kernel)
        interrupt(one.tid);
        check(cont(one.tid, seen.signal), "cannot let a signal through", { pid, tid: one.tid });
        continue;
      }
      if (one.dead) {
        wait(one.tid, WAIT.NOHANG);
        this.held.delete(one.tid);
        return;
      }
    }
  }
}
