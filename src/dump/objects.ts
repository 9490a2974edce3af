/** Which kernel objects tasks share: address space, descriptor table, file system view, signal handlers. */
import { CrError } from "../error.ts";
import { KCMP, kcmp } from "../kernel/kcmp.ts";
import type { FrozenTask, FrozenTree } from "./tree.ts";

/** Ids of one kind of object: tasks kept in the kernel's own order, so that an equal one is found by halving. */
class ObjectIds {
  readonly #sorted: { pid: number; id: number }[] = [];
  /** 1 is the dumper's own. */
  #last = 1;

  constructor(readonly type: number) {}

  /** The id of a task's object, and the first task that had it. */
  of(pid: number): { id: number; first: number } {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#sorted[middle];
      if (!other) break;
      const order = kcmp(pid, other.pid, this.type);
      if (order === 0) return { id: other.id, first: other.pid };
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    const id = ++this.#last;
    this.#sorted.splice(low, 0, { pid, id });
    return { id, first: pid };
  }
}

export interface TaskObjects {
  readonly vm_id: number;
  readonly files_id: number;
  readonly fs_id: number;
  readonly sighand_id: number;
  /** The task that stands for the shared descriptor table: the first that was met. */
  readonly filesOwner: number;
  /** Threads with a root and working directory of their own. */
  readonly apart: readonly number[];
}

/** The objects of all living tasks by pid. What could not be shared again at restore is reported. */
export function findObjects(tree: FrozenTree, blocker: (error: CrError) => void): ReadonlyMap<number, TaskObjects> {
  const ids = {
    vm: new ObjectIds(KCMP.VM),
    files: new ObjectIds(KCMP.FILES),
    fs: new ObjectIds(KCMP.FS),
  };
  const found = new Map<number, TaskObjects>();
  for (const task of tree.tasks) {
    if (task.zombie) continue;
    const [vm, files, fs] = [ids.vm.of(task.pid), ids.files.of(task.pid), ids.fs.of(task.pid)];
    if (vm.first !== task.pid)
      blocker(
        shared(
          task,
          vm.first,
          "one address space (vfork, or clone with CLONE_VM)",
          "dump once the child has executed another program or ended",
        ),
      );
    const apart: number[] = [];
    for (const { tid } of task.threads.slice(1)) {
      if (kcmp(task.pid, tid, KCMP.FS) !== 0) apart.push(tid);
      if (kcmp(task.pid, tid, KCMP.FILES) === 0) continue;
      blocker(
        new CrError("a thread has a descriptor table of its own (unshare): this is not supported", {
          code: "ENOTSUP",
          subject: { pid: task.pid, tid },
          remedy: "end the thread before the dump",
        }),
      );
    }
    const parent = task.parent && found.get(task.parent.pid);
    for (const [what, object, theirs] of [
      ["a descriptor table (CLONE_FILES)", files, parent?.files_id],
      ["a root and working directory (CLONE_FS)", fs, parent?.fs_id],
    ] as const) {
      if (object.first !== task.pid && object.id !== theirs)
        blocker(shared(task, object.first, what, "only a parent and its child can share it"));
    }
    found.set(task.pid, {
      vm_id: vm.id,
      files_id: files.id,
      fs_id: fs.id,
      // nobody shares handlers who does not share memory: CLONE_SIGHAND takes CLONE_VM
      sighand_id: vm.id,
      filesOwner: files.first,
      apart,
    });
  }
  return found;
}

function shared(task: FrozenTask, other: number, what: string, remedy: string): CrError {
  return new CrError(`two processes share ${what}: this is not supported`, {
    code: "ENOTSUP",
    subject: { pid: task.pid, with: other },
    remedy,
  });
}
