/**
 * Ipc namespaces of a tree: those of its own, which are saved whole, and the host's: System V objects there that a tree uses without holding them: they show no owner but the process that was last at
 * them. They stay as they are, and whoever takes the images elsewhere has to know.
 */
import { CrError } from "../error.ts";
import type { HeldFd } from "../file/kind.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { Caller } from "../kernel/envoy.ts";
import { KCMP, kcmp } from "../kernel/kcmp.ts";
import { NR } from "../kernel/nr.ts";
import type { Vma } from "../kernel/proc/maps.ts";
import { sys } from "../kernel/sys.ts";
import { inIpcNamespace, type ObjectKind, objectTable } from "../kernel/sysv.ts";
import type { Log } from "../log.ts";
import { isSegment, Segments } from "../memory/segments.ts";
import type { NamespaceIds } from "../namespace/ids.ts";
import { IpcNamespace } from "../namespace/ipc-dump.ts";
import type { FrozenTask, FrozenTree } from "./tree.ts";

/** semctl(2): the process that was last at a semaphore. */
const GETPID = 11;

/** Ids of the objects whose columns `users` name a process of the tree. */
function used(name: ObjectKind, pids: ReadonlySet<number>, users: readonly number[]): number[] {
  const mine = objectTable(name).filter((columns) => users.some((column) => pids.has(columns[column] ?? 0)));
  return mine.map(([, id = -1]) => id);
}

/** Ids of the semaphore sets that one of these processes was last at. @param sets columns of /proc/sysvipc/sem */
function usedSemaphores(pids: ReadonlySet<number>, sets: readonly number[][], call: Caller = sys): number[] {
  const isUsed = ([, id = -1, , count = 0]: number[]) => {
    for (let i = 0; i < count; i++) if (pids.has(call(NR.semctl, id, i, GETPID, 0))) return true;
    return false;
  };
  return sets.filter(isUsed).map(([, id = -1]) => id);
}

/**
 * What of that kind the tree uses.
 * @param attached segments that are saved
 * @param sets all semaphore sets
 */
function tellOfObjects(tree: FrozenTree, attached: ReadonlySet<number>, sets: readonly number[][], log: Log): void {
  const pids = new Set(tree.tasks.map((task) => task.leader));
  const found = [
    ["segment", used("shm", pids, [4, 5]).filter((id) => !attached.has(id))],
    ["message queue", used("msg", pids, [5, 6])],
    ["semaphore set", usedSemaphores(pids, sets)],
  ] as const;
  const words = found.flatMap(([what, ids]) => ids.map((id) => `${what} ${id}`));
  if (words.length > 0)
    log.warn(`System V objects that the tree uses stay with the host, and are not in the images: ${words.join(", ")}`);
}

/** The ipc namespaces in which tasks of the tree live. */
export class TreeIpc {
  readonly #own: readonly IpcNamespace[];
  readonly #hosts: Segments | undefined;
  readonly #hostsId: number;
  readonly #namespaces: NamespaceIds;
  #hostsSets: readonly number[][] | undefined;
  readonly #segments = new Map<number, Segments>();

  /** @param met ids of the tasks' namespaces */
  constructor(namespaces: NamespaceIds, met: Iterable<number>) {
    this.#namespaces = namespaces;
    this.#own = IpcNamespace.all(namespaces);
    for (const { id, segments } of this.#own) this.#segments.set(id, new Segments(segments));
    this.#hostsId = namespaces.own.ipc_ns_id;
    if (new Set(met).has(this.#hostsId)) {
      this.#hosts = new Segments();
      this.#segments.set(this.#hostsId, this.#hosts);
    }
  }

  /** What a task may have attached. @param id of its namespace */
  segmentsOf(id: number): Segments {
    const found = this.#segments.get(id);
    if (found) return found;
    throw new CrError("a task has no ipc namespace", { subject: { namespace: id } });
  }

  /** Numbers of contents: no two segments can have the same. */
  ids(blocker: (error: CrError) => void): Set<number> {
    const all = new Set<number>();
    for (const id of [...this.#segments.values()].flatMap((segments) => [...segments.ids])) {
      if (all.has(id))
        blocker(
          new CrError(
            "two ipc namespaces of the tree have System V segments with the same id: this is not supported yet",
            {
              code: "ENOTSUP",
              subject: { id },
              remedy: "dump the tasks of each namespace by themselves",
            },
          ),
        );
      all.add(id);
    }
    return all;
  }

  /**
   * Says what does not come back.
   * @param fresh a process that has never used semaphores
   */
  tell(tree: FrozenTree, fresh: number, log: Log): void {
    if (this.#hosts) tellOfObjects(tree, this.#hosts.attached, this.#setsOf(this.#hostsId), log);
    for (const task of tree.tasks) {
      if (task.zombie || !this.#mayUndo(task, fresh)) continue;
      const what = "what the kernel undoes of semaphores at a task's end (SEM_UNDO) cannot be read, and is not kept";
      log.warn(`${what}: pid ${task.pid}`);
    }
  }

  /** All semaphore sets of a namespace. */
  #setsOf(id: number): readonly number[][] {
    const own = this.#own.find((one) => one.id === id)?.semaphores;
    if (own) return own;
    this.#hostsSets ??= objectTable("sem");
    return this.#hostsSets;
  }

  /**
   * Whether there may be something to undo at its end. A list for it comes with the first use and with the first thread, and stays
   * when a program is executed: it says nothing where there are no semaphores, and of a process with threads it never does.
   */
  #mayUndo({ pid, leader, threads }: FrozenTask, fresh: number): boolean {
    const hasThreads = threads.length > 1;
    if (!hasThreads && (fresh <= 0 || kcmp(pid, fresh, KCMP.SYSVSEM) === 0)) return false;
    const id = this.#namespaces.ofTask(pid).ipc_ns_id;
    const sets = this.#setsOf(id);
    if (sets.length === 0 || !hasThreads) return sets.length > 0;
    const member = this.#own.find((one) => one.id === id)?.member;
    const used = (call?: Caller) => usedSemaphores(new Set([leader]), sets, call).length > 0;
    return member === undefined ? used() : inIpcNamespace(member, used);
  }

  /** Queues of the tree's own ipc namespaces are made again for those who have them open. */
  tellOfQueues(held: readonly HeldFd[], log: Log): void {
    const open = new Set(held.map(({ file }) => file.link.slice(file.link.lastIndexOf("/") + 1)));
    const lost = this.#own.flatMap(({ queues }) => queues.filter((name) => !open.has(name)));
    if (lost.length > 0)
      log.warn(`POSIX message queues that nobody of the tree has open do not come back: ${lost.join(", ")}`);
  }

  /** @param keep saves the content of the segment with this id; `fd` stays ours */
  save(images: ImageDirectory, keep: (id: number, fd: number) => void): void {
    for (const one of this.#own) one.save(images, this.segmentsOf(one.id), keep);
    for (const [id, { entries }] of this.#segments) if (entries.length > 0) images.write("IPCNS_SHM", id, entries);
  }
}

/** Segments of which nobody can tell whether they are the process's, or of a thread that has an ipc namespace of its own. */
export function doubtfulSegments(
  { pid, threads }: FrozenTask,
  vmas: readonly Vma[],
  strays: NamespaceIds["strays"],
): CrError[] {
  if (!threads.some(({ tid }) => strays.get(tid)?.ipc_ns_id !== undefined)) return [];
  return vmas.filter(isSegment).map(
    ({ start, name }) =>
      new CrError("a System V segment is attached in a process whose threads live in several ipc namespaces", {
        code: "ENOTSUP",
        subject: { pid, address: start, path: name },
        remedy: "let the program detach it (shmdt), or dump it when the thread has ended",
      }),
  );
}
