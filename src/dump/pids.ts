/** Pids as the tree sees them: numbers of the pid namespace that its root lives in, and of those below it. */
import { readdirSync } from "node:fs";
import { CrError } from "../error.ts";
import type { TscriuInnerPids, TscriuPidSpaces, TscriuThreadNamespaces } from "../image/schema.gen.ts";
import { type ProcStatus, parseStatus } from "../kernel/proc/status.ts";
import { linkOf, type NamespaceIds } from "../namespace/ids.ts";
import { keyOf } from "../namespace/pid.ts";
import type { External } from "../options.ts";
import { tidsOf } from "./dead-leader.ts";
import type { FrozenTask, FrozenTree } from "./tree.ts";

/** `born_into` of a task whose next child will be the init of a namespace that is there already. */
const NOBODY_YET = 0;

/** `clocks_born_into` of a thread whose next children have its own, in a process whose next ones have others. */
const OWN_CLOCKS = 0;

function threadError(what: string, pid: number, tid: number): CrError {
  return new CrError(`${what}: this is not supported yet`, {
    code: "ENOTSUP",
    subject: { pid, tid },
    remedy: "dump it before it calls unshare(2) or setns(2)",
  });
}

/** Does anybody live in a pid namespace? */
function hasMembers(link: string): boolean {
  return readdirSync("/proc").some((name) => /^\d+$/.test(name) && linkOf(Number(name), "pid") === link);
}

export class VirtualPids {
  readonly #virtual = new Map<number, number>();
  /** Of those that live below the root's namespace. */
  readonly #own = new Map<number, number>();
  readonly #inner = new Map<FrozenTask, TscriuInnerPids[]>();
  readonly #bornInto = new Map<FrozenTask, number>();
  readonly #clocks = new Map<number, number>();
  readonly #threads = new Map<number, TscriuThreadNamespaces>();
  /** Time namespaces that tasks live in. */
  readonly #livesInClocks: ReadonlySet<number>;
  /** Process groups in which somebody of the tree lives: what it calls those that we know. */
  readonly groups = new Map<number, number>();
  /** How many pid namespaces lie between ours and that of the root. */
  readonly #depth: number;

  constructor(
    tree: FrozenTree,
    readonly namespaces: NamespaceIds,
    readonly external: readonly External[],
    blocker: (error: CrError) => void,
    /** Threads whose next children would not be born where those of their process are. */
    strayed: ReadonlySet<number> = new Set(),
  ) {
    this.#depth = tree.root.status.nsPid.length - 1;
    const living = tree.tasks.filter(({ zombie }) => !zombie);
    this.#livesInClocks = new Set(living.map(({ pid }) => namespaces.ofTask(pid).time_ns_id));
    for (const task of tree.tasks) {
      const isNested = task.status.nsPid.length > this.#depth + 1;
      const tids = tidsOf(task);
      const threads = tids.map((tid) => this.#statusOf(task, tid));
      this.#note(task.leader, task.status);
      const { nsPgid } = task.status;
      if (!task.zombie) this.groups.set(nsPgid[0] ?? 0, nsPgid[this.#depth] ?? 0);
      for (const [i, tid] of tids.entries()) this.#note(tid, threads[i]);
      if (isNested) this.#inner.set(task, this.#innerOf(task, threads));
    }
    for (const task of tree.tasks) {
      if (task.zombie) continue;
      this.#lookAtNextChildren(task, blocker);
      this.#lookAtNextClocks(task.pid);
      this.#lookAtThreads(task, strayed, blocker);
    }
    this.#checkInits(tree, blocker);
  }

  /** Of a thread; undefined where it has but one number. */
  #statusOf(task: FrozenTask, tid: number): ProcStatus | undefined {
    if (tid === task.leader) return task.status;
    return task.status.nsPid.length === 1 ? undefined : parseStatus(task.dir.ofThread(tid).text("status"));
  }

  #note(pid: number, status: ProcStatus | undefined): void {
    const numbers = status?.nsPid ?? [pid];
    this.#virtual.set(pid, numbers[this.#depth] ?? 0);
    const own = numbers.at(-1);
    if (own !== undefined && numbers.length > this.#depth + 1) this.#own.set(pid, own);
  }

  #innerOf(task: FrozenTask, threads: readonly (ProcStatus | undefined)[]): TscriuInnerPids[] {
    const { nsPid, nsPgid, nsSid } = task.status;
    const from = this.#depth + 1;
    return this.namespaces.pidNamespaces(task.pid, nsPid.length - from).map((pid_ns_id, i) => ({
      pid_ns_id,
      pid: nsPid[from + i] ?? 0,
      pgid: nsPgid[from + i] ?? 0,
      sid: nsSid[from + i] ?? 0,
      threads: task.zombie ? [0] : threads.map((thread) => thread?.nsPid[from + i] ?? 0),
    }));
  }

  /** What the next children are born into: setns(2) and unshare(2) change that alone. */
  #lookAtNextChildren(task: FrozenTask, blocker: (error: CrError) => void): void {
    const into = this.#nextChildren(task.pid, this.namespaces.link(task.pid, "pid"), blocker);
    if (into !== undefined) this.#bornInto.set(task, into);
  }

  /** Those of a thread that lives in `own`: undefined where they are born there as well. */
  #nextChildren(pid: number, own: string, blocker: (error: CrError) => void): number | undefined {
    const link = linkOf(pid, "pid_for_children");
    if (own === "" || link === own) return undefined;
    if (link === "") return NOBODY_YET;
    const known = this.namespaces.idOf("pid", link);
    // where the init has ended nobody can be born any more
    if (known !== undefined || keyOf(link, this.external) !== undefined || !hasMembers(link))
      return known ?? this.namespaces.number("pid", link, pid);
    const ino = /\d+/.exec(link)?.[0];
    blocker(
      new CrError("the task's next children would be born into a pid namespace outside of the tree", {
        code: "ENOTSUP",
        subject: { pid, namespace: link },
        remedy: `leave it outside: --external 'pid[${ino}]:KEY' at dump, --inherit-fd 'fd[N]:KEY' at restore`,
      }),
    );
    return undefined;
  }

  /** Each thread has its own; most have those of their process. */
  #lookAtThreads(task: FrozenTask, strayed: ReadonlySet<number>, blocker: (error: CrError) => void): void {
    const isApart = this.#bornInto.has(task) || this.#clocks.has(task.pid);
    const own = this.namespaces.link(task.pid, "pid");
    const tids = tidsOf(task).filter((tid) => tid !== task.pid && (isApart || strayed.has(tid)));
    for (const tid of tids) {
      const born_into = this.#nextChildren(tid, own, blocker);
      const link = linkOf(tid, "pid_for_children");
      if (born_into !== undefined && born_into !== NOBODY_YET && !hasMembers(link))
        blocker(threadError("a thread's next children would be born where the init has ended", task.pid, tid));
      const clocks_born_into = this.#clocksOfThread(task, tid, blocker);
      if (born_into === undefined && clocks_born_into === undefined) continue;
      this.#threads.set(tid, {
        ...(born_into !== undefined && { born_into }),
        ...(clocks_born_into !== undefined && { clocks_born_into }),
      });
    }
    const clocks = tids.map((tid) => this.#threads.get(tid)?.clocks_born_into);
    if (!this.#clocks.has(task.pid) || clocks.every((one) => one === undefined)) return;
    // who is made by a process whose children have clocks of their own has children with these
    const what = "some of a task's threads, but not all, have children in the time namespace of its own next ones";
    if (tids.length < tidsOf(task).length - 1 || clocks.some((one) => one !== OWN_CLOCKS))
      blocker(threadError(what, task.pid, task.pid));
    else if (this.#livesInClocks.has(this.#clocks.get(task.pid) ?? 0))
      blocker(threadError("a task has children in a time namespace that its threads do not", task.pid, task.pid));
  }

  /** A thread can but make new ones: in a process with threads nobody enters those that are there. */
  #clocksOfThread({ pid }: FrozenTask, tid: number, blocker: (error: CrError) => void): number | undefined {
    const [own, process, link] = [
      this.namespaces.link(pid, "time"),
      linkOf(pid, "time_for_children"),
      linkOf(tid, "time_for_children"),
    ];
    if (link === process) return undefined;
    if (link === own) return OWN_CLOCKS;
    if (this.namespaces.idOf("time", link) === undefined) return this.namespaces.number("time", link, tid);
    blocker(threadError("a thread's next children would be born into a time namespace that others have", pid, tid));
    return undefined;
  }

  #lookAtNextClocks(pid: number): void {
    const own = this.namespaces.link(pid, "time");
    const link = linkOf(pid, "time_for_children");
    if (own !== "" && link !== "" && link !== own) this.#clocks.set(pid, this.namespaces.number("time", link, pid));
  }

  /** Who lives in a namespace whose init is not part of the tree cannot be born there again. */
  #checkInits(tree: FrozenTree, blocker: (error: CrError) => void): void {
    const [root] = tree.tasks;
    const isOutside = (id: number) => {
      const link = this.namespaces.foreign.find((one) => one.id === id)?.link;
      return link !== undefined && keyOf(link, this.external) !== undefined;
    };
    const inits = new Set(
      [...this.#inner.values()].flat().flatMap(({ pid, pid_ns_id }) => (pid === 1 ? pid_ns_id : [])),
    );
    for (const [{ pid }, levels] of this.#inner) {
      if (levels.every(({ pid_ns_id }) => inits.has(pid_ns_id) || isOutside(pid_ns_id))) continue;
      blocker(
        new CrError("the task lives in a pid namespace whose init is not part of the tree", {
          code: "ENOTSUP",
          subject: { pid, namespace: linkOf(pid, "pid") },
          remedy: "dump from the namespace's init on, or leave the namespace outside: --external 'pid[INODE]:KEY'",
        }),
      );
    }
    if (!root || this.#depth === 0 || this.of(root.leader) === 1) return;
    const link = linkOf(root.pid, "pid");
    if (keyOf(link, this.external) !== undefined) return;
    blocker(
      new CrError("the tree lives in a pid namespace whose init is not its root", {
        code: "ENOTSUP",
        subject: { pid: root.leader, inside: this.of(root.leader), namespace: link },
        remedy: "dump from the namespace's init on, or leave the namespace outside: --external 'pid[INODE]:KEY'",
      }),
    );
  }

  /** Of a thread that bears its children elsewhere than its process does. */
  ofThread(tid: number): TscriuThreadNamespaces | undefined {
    return this.#threads.get(tid);
  }

  /** 0 for what is not of the tree. */
  of(pid: number): number {
    return this.#virtual.get(pid) ?? 0;
  }

  /** As it is called in the namespace that it lives in; 0 for what is not of the tree. */
  own(pid: number): number {
    return this.#own.get(pid) ?? this.of(pid);
  }

  /** The time namespace of a task's next children, where it is not its own. */
  clocksBornInto(pid: number): number | undefined {
    return this.#clocks.get(pid);
  }

  /** Namespaces of its own and of its next children, where these are not the root's. */
  spaces(task: FrozenTask): TscriuPidSpaces | undefined {
    const [inner, born_into] = [this.#inner.get(task), this.#bornInto.get(task)];
    const clocks_born_into = this.#clocks.get(task.pid);
    const isOwn = inner || born_into !== undefined || clocks_born_into !== undefined;
    return isOwn ? { inner: inner ?? [], born_into, clocks_born_into } : undefined;
  }

  /** Process group and session; 0 for what lies outside of the root's pid namespace. */
  groupOf(task: FrozenTask): number {
    return task.status.nsPgid[this.#depth] ?? 0;
  }

  sessionOf(task: FrozenTask): number {
    return task.status.nsSid[this.#depth] ?? 0;
  }
}
