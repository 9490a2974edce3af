/** Everything that a set of images says, read and checked before anything is created. */
import type { ImageDirectory } from "../image/directory.ts";
import type {
  CoreEntry,
  FdinfoEntry,
  FileEntry,
  FsEntry,
  MmEntry,
  PstreeEntry,
  TaskKobjIdsEntry,
} from "../image/schema.gen.ts";
import { FdTypes } from "../image/schema.gen.ts";
import { checkNamespaces } from "../namespace/restore.ts";
import { checkNumbers } from "./pid-numbers.ts";
import { bad, checkSet } from "./references.ts";
import { TASK_DEAD, TASK_ZOMBIE } from "./states.ts";

/** One task of the set. */
export interface SavedTask {
  readonly pid: number;
  readonly tree: PstreeEntry;
  readonly core: CoreEntry;
  /** Cores of the other threads, in the order of `tree.threads`. */
  readonly threads: readonly { tid: number; core: CoreEntry }[];
  readonly zombie: boolean;
  readonly ids: TaskKobjIdsEntry | undefined;
  readonly mm: MmEntry | undefined;
  readonly fs: FsEntry | undefined;
  readonly fds: readonly FdinfoEntry[];
  readonly parent: SavedTask | undefined;
  readonly children: SavedTask[];
}

export interface SavedSet {
  readonly root: SavedTask;
  /** Parents before their children. */
  readonly tasks: readonly SavedTask[];
  readonly files: ReadonlyMap<number, FileEntry>;
}

export function readSet(images: ImageDirectory): SavedSet {
  const { inventory } = images;
  if (!inventory.fdinfo_per_id) throw bad("the set is of a format that is too old (no fdinfo_per_id)", "inventory.img");
  const files = new Map<number, FileEntry>();
  for (const entry of images.read("FILES")) {
    const before = files.get(entry.id);
    // A tun device is two entries of one id: the file that was opened, and what it is attached to.
    const isTun = before?.reg !== undefined && entry.type === FdTypes.TUNF;
    if (before && !isTun) throw bad(`file id ${entry.id} is there twice`, "files.img");
    files.set(entry.id, { ...before, ...entry });
  }
  const entries = images.read("PSTREE");
  const tasks: SavedTask[] = [];
  const byPid = new Map<number, SavedTask>();
  const fdTables = new Map<number, readonly FdinfoEntry[]>();
  for (const tree of entries) {
    const { pid, ppid } = tree;
    if (byPid.has(pid) || !(pid > 0)) throw bad(`pid ${pid} is impossible or there twice`, "pstree.img");
    const parent = byPid.get(ppid);
    if ((ppid === 0) !== (tasks.length === 0) || (ppid !== 0 && !parent))
      throw bad(`task ${pid} has no parent in the tree`, "pstree.img");
    checkNumbers(tree, parent?.tree);
    const core = images.one("CORE", pid);
    if (!core.tc) throw bad("it does not describe a process", `core-${pid}.img`);
    const zombie = core.tc.task_state === TASK_DEAD || core.tc.task_state === TASK_ZOMBIE;
    const ids = zombie ? undefined : images.one("IDS", pid);
    if (ids) checkNamespaces(inventory.root_ids, ids, pid);
    const threads = zombie ? [] : tree.threads.slice(1).map((tid) => ({ tid, core: images.one("CORE", tid) }));
    let fds: readonly FdinfoEntry[] = [];
    if (ids) {
      const known = fdTables.get(ids.files_id);
      fds = known ?? images.read("FDINFO", ids.files_id);
      if (!known) fdTables.set(ids.files_id, fds);
      for (const fd of fds) {
        if (!files.has(fd.id))
          throw bad(
            `descriptor ${fd.fd} names file id ${fd.id}, which is not in files.img`,
            `fdinfo-${ids.files_id}.img`,
          );
      }
    }
    const task: SavedTask = {
      pid,
      tree,
      core,
      threads,
      zombie,
      ids,
      mm: zombie ? undefined : images.one("MM", pid),
      fs: zombie ? undefined : images.one("FS", pid),
      fds,
      parent,
      children: [],
    };
    tasks.push(task);
    byPid.set(pid, task);
    parent?.children.push(task);
  }
  const [root] = tasks;
  if (!root) throw bad("the list of its tasks is missing or empty", "pstree.img");
  if (root.zombie) throw bad("its root is a zombie", "pstree.img");
  // what is needed late, or not at all, must be whole too
  checkSet(images, tasks, files);
  images.read("SECCOMP");
  images.read("TIMENS", 0);
  return { root, tasks, files };
}
