/** Pids as the tree sees them: numbers of the pid namespace that its root lives in. */
import { CrError } from "../error.ts";
import { parseStatus } from "../kernel/proc/status.ts";
import type { FrozenTask, FrozenTree } from "./tree.ts";

export class VirtualPids {
  readonly #virtual = new Map<number, number>();
  /** How many pid namespaces lie between ours and that of the root. */
  readonly #depth: number;

  constructor(tree: FrozenTree, blocker: (error: CrError) => void) {
    this.#depth = tree.root.status.nsPid.length - 1;
    for (const task of tree.tasks) {
      this.#check(task, blocker);
      this.#virtual.set(task.pid, task.status.nsPid[this.#depth] ?? 0);
      for (const { tid } of task.threads) if (tid !== task.pid) this.#virtual.set(tid, this.#ofThread(task, tid));
    }
  }

  #ofThread(task: FrozenTask, tid: number): number {
    if (this.#depth === 0) return tid;
    return parseStatus(task.dir.ofThread(tid).text("status")).nsPid[this.#depth] ?? 0;
  }

  #check(task: FrozenTask, blocker: (error: CrError) => void): void {
    if (task.status.nsPid.length === this.#depth + 1) return;
    blocker(
      new CrError("the task lives in a pid namespace below that of the tree's root: this is not supported yet", {
        code: "ENOTSUP",
        subject: { pid: task.pid },
        remedy: "dump the inner tree by itself",
      }),
    );
  }

  /** 0 for what is not of the tree. */
  of(pid: number): number {
    return this.#virtual.get(pid) ?? 0;
  }

  /** Process group and session; 0 for what lies outside of the root's pid namespace. */
  groupOf(task: FrozenTask): number {
    return task.status.nsPgid[this.#depth] ?? 0;
  }

  sessionOf(task: FrozenTask): number {
    return task.status.nsSid[this.#depth] ?? 0;
  }

  /** The root is the init of a pid namespace of its own. */
  get hasOwnNamespace(): boolean {
    return this.#depth > 0;
  }
}
