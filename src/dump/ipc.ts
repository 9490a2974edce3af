/**
 * System V objects of the host that a tree uses without holding them: they show no owner but the process that was last at
 * them. They stay as they are, and whoever takes the images elsewhere has to know.
 */
import type { HeldFd } from "../file/kind.ts";
import { KCMP, kcmp } from "../kernel/kcmp.ts";
import { NR } from "../kernel/nr.ts";
import { sys } from "../kernel/sys.ts";
import { type ObjectKind, objectTable } from "../kernel/sysv.ts";
import type { Log } from "../log.ts";
import type { FrozenTree } from "./tree.ts";

/** semctl(2): the process that was last at a semaphore. */
const GETPID = 11;

/** Ids of the objects whose columns `users` name a process of the tree. */
function used(name: ObjectKind, pids: ReadonlySet<number>, users: readonly number[]): number[] {
  const mine = objectTable(name).filter((columns) => users.some((column) => pids.has(columns[column] ?? 0)));
  return mine.map(([, id = -1]) => id);
}

function usedSemaphores(pids: ReadonlySet<number>): number[] {
  const isUsed = ([, id = -1, , count = 0]: number[]) => {
    for (let i = 0; i < count; i++) if (pids.has(sys(NR.semctl, id, i, GETPID, 0))) return true;
    return false;
  };
  return objectTable("sem")
    .filter(isUsed)
    .map(([, id = -1]) => id);
}

/** What of that kind the tree uses. @param attached segments that are saved */
function tellOfObjects(tree: FrozenTree, attached: ReadonlySet<number>, log: Log): void {
  const pids = new Set(tree.tasks.map((task) => task.pid));
  const found = [
    ["segment", used("shm", pids, [4, 5]).filter((id) => !attached.has(id))],
    ["message queue", used("msg", pids, [5, 6])],
    ["semaphore set", usedSemaphores(pids)],
  ] as const;
  const words = found.flatMap(([what, ids]) => ids.map((id) => `${what} ${id}`));
  if (words.length > 0)
    log.warn(`System V objects that the tree uses stay with the host, and are not in the images: ${words.join(", ")}`);
}

/**
 * Says what does not come back.
 * @param attached segments that are saved; undefined where the tree has an ipc namespace of its own
 * @param fresh a process that has never used semaphores
 */
export function tellOfIpc(tree: FrozenTree, attached: ReadonlySet<number> | undefined, fresh: number, log: Log): void {
  if (attached) tellOfObjects(tree, attached, log);
  for (const { pid, threads, zombie } of tree.tasks) {
    // threads are born with a list of what to undo, whether they use it or not
    if (zombie || threads.length > 1 || fresh <= 0 || kcmp(pid, fresh, KCMP.SYSVSEM) === 0) continue;
    log.warn(
      `what the kernel undoes of semaphores at a task's end (SEM_UNDO) cannot be read, and is not kept: pid ${pid}`,
    );
  }
}

/** Queues of the tree's own ipc namespace are made again for those who have them open. @param names all that are there */
export function tellOfQueues(names: readonly string[], held: readonly HeldFd[], log: Log): void {
  const open = new Set(held.map(({ file }) => file.link.slice(file.link.lastIndexOf("/") + 1)));
  const lost = names.filter((name) => !open.has(name));
  if (lost.length > 0)
    log.warn(`POSIX message queues that nobody of the tree has open do not come back: ${lost.join(", ")}`);
}
