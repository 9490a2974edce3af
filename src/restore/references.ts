/** What of a set cannot be, or names what is not there: found before anything is created. Plain data, no kernel. */
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { type CoreEntry, FdTypes, type FileEntry, Lsmtype } from "../image/schema.gen.ts";
import { OWN_SET } from "../namespace/cgroup-sets.ts";
import type { SavedTask } from "./set.ts";
import { TASK_DEAD, TASK_STOPPED, TASK_ZOMBIE } from "./states.ts";

const TASK_ALIVE = 1;
const STATES: ReadonlySet<number> = new Set([TASK_ALIVE, TASK_DEAD, TASK_STOPPED, TASK_ZOMBIE]);
const LSMS: ReadonlySet<number> = new Set(Object.values(Lsmtype));
/** What setresuid(2) and the like take for "as it is". */
const NOBODY = 0xffff_ffff;
/** Names of tasks have 15 bytes; more for those of the kernel. */
const LONGEST_NAME = 64;
/** The last of the modes. */
const SECCOMP_FILTER = 2;
/** What personality(2) takes for a question. */
const ASKS_PERSONALITY = 0xffff_ffff;
const AF_INET = 2;
/** TCP_NEW_SYN_RECV */
const LAST_STATE = 12;
const LARGEST_UMASK = 0o777;
const NSEC_PER_SEC = 1_000_000_000;

export function bad(what: string, image: string): CrError {
  return new CrError(what, {
    code: "BAD_IMAGE",
    subject: { image },
    remedy: "take the whole set from its origin again, or dump again",
  });
}

/** Numbers that a socket's state and ports can be. */
const isState = (state: number) => state >= 1 && state <= LAST_STATE;
const isPort = (port: number) => port <= 0xffff;
const wordsOf = (family: number) => (family === AF_INET ? 1 : 4);

function checkSocket(id: number, { usk, isk }: FileEntry): void {
  if (usk && !isState(usk.state)) throw bad(`the unix socket of file id ${id} is in an unknown state`, "files.img");
  if (!isk) return;
  const { state, src_port, dst_port, family, src_addr, dst_addr } = isk;
  if (!isState(state)) throw bad(`the socket of file id ${id} is in an unknown state`, "files.img");
  if (!isPort(src_port) || !isPort(dst_port))
    throw bad(`the socket of file id ${id} has an impossible port`, "files.img");
  if ([src_addr, dst_addr].some((words) => words.length !== wordsOf(family)))
    throw bad(`the socket of file id ${id} has an impossible address`, "files.img");
}

function checkFiles(files: ReadonlyMap<number, FileEntry>): void {
  for (const [id, entry] of files) {
    checkSocket(id, entry);
    // the kernel tells paths without any
    if (entry.reg?.name.split("/").includes("..")) throw bad(`the path of file id ${id} leads up`, "files.img");
    for (const body of Object.values(entry))
      if (typeof body === "object" && "id" in body && body.id !== id)
        throw bad(`file id ${id} describes file id ${body.id}`, "files.img");
  }
}

/** What waits in pipes and sockets belongs to one of the set. */
function checkQueues(images: ImageDirectory, files: ReadonlyMap<number, FileEntry>): void {
  const pipes = new Set([...files.values()].map(({ pipe }) => pipe?.pipe_id));
  for (const { pipe_id } of images.read("PIPES_DATA"))
    if (!pipes.has(pipe_id))
      throw bad(`there are bytes of pipe ${pipe_id}, which is not in files.img`, "pipes-data.img");
  for (const { id_for } of images.read("SK_QUEUES")) {
    const file = files.get(id_for);
    if (!file) throw bad(`a message waits for file id ${id_for}, which is not in files.img`, "sk-queues.img");
    if (file.reg || file.pipe) throw bad(`a message waits for file id ${id_for}, which is no socket`, "sk-queues.img");
  }
}

function checkDescriptors({ ids, fds }: SavedTask, files: ReadonlyMap<number, FileEntry>): void {
  for (const { fd, id, type } of fds) {
    const is = files.get(id)?.type;
    // a tun device is two entries
    const isSame = type === is || (type === FdTypes.REG && is === FdTypes.TUNF);
    if (!isSame)
      throw bad(`descriptor ${fd} is of type ${type}, its file of type ${is}`, `fdinfo-${ids?.files_id}.img`);
  }
}

/** What the cores of a set may name. */
interface Known {
  /** Sets of cgroups; none where nobody saved any. */
  readonly sets: ReadonlySet<number>;
  /** The dumper's user namespace: there everybody has a name. */
  readonly users: number | undefined;
}

function checkCore(core: CoreEntry, image: string, sets: ReadonlySet<number>, isAtHome: boolean): void {
  const { tc, thread_core } = core;
  const names = [tc?.comm, thread_core?.comm].filter((name) => name !== undefined);
  if (names.some((name) => name.includes("\0") || name.length > LONGEST_NAME))
    throw bad("a task has no possible name", image);
  const { creds } = thread_core ?? {};
  if (creds && isAtHome) {
    const { uid, euid, suid, fsuid, gid, egid, sgid, fsgid } = creds;
    if ([uid, euid, suid, fsuid, gid, egid, sgid, fsgid].includes(NOBODY))
      throw bad("a task has a user who is nobody", image);
  }
  if (
    creds &&
    [creds.cap_inh, creds.cap_prm, creds.cap_eff, creds.cap_bnd, creds.cap_amb].some(({ length }) => length > 2)
  )
    throw bad("a task has more capabilities than there are", image);
  // as 32 bits with a sign
  const nice = (thread_core?.sched_nice ?? 0) | 0;
  if (nice < -20 || nice > 19) throw bad("a task has an impossible niceness", image);
  if ((thread_core?.seccomp_mode ?? 0) > SECCOMP_FILTER) throw bad("a task has an unknown kind of filter", image);
  if (tc?.personality === ASKS_PERSONALITY) throw bad("a task has an impossible personality", image);
  const set = thread_core?.cg_set ?? tc?.cg_set;
  if (sets.size > 0 && set !== undefined && !sets.has(set)) throw bad(`there is no set ${set} of cgroups`, image);
}

function checkTask({ pid, tree, core, threads, zombie, fs, ids }: SavedTask, { sets, users }: Known): void {
  const isAtHome = ids !== undefined && ids.user_ns_id === users;
  const image = `core-${pid}.img`;
  const state = core.tc?.task_state ?? TASK_ALIVE;
  if (!STATES.has(state)) throw bad(`the task is in an unknown state (${state})`, image);
  if (!zombie && tree.threads[0] !== pid) throw bad(`the first thread of task ${pid} is another one`, "pstree.img");
  checkCore(core, image, sets, isAtHome);
  for (const { tid, core: own } of threads) checkCore(own, `core-${tid}.img`, sets, isAtHome);
  if (fs && (fs.umask ?? 0) > LARGEST_UMASK) throw bad("a task has an impossible umask", `fs-${pid}.img`);
}

/** Where all of the tree has mounts of its own, each file lies on one of these. */
function checkMounts(images: ImageDirectory, tasks: readonly SavedTask[], files: ReadonlyMap<number, FileEntry>): void {
  const own = images.inventory.root_ids?.mnt_ns_id;
  const ofThreads = tasks.flatMap(({ threads }) =>
    threads.flatMap(({ core }) => core.thread_core?.tscriu_namespaces?.mnt_ns_id ?? []),
  );
  const namespaces = new Set([...tasks.flatMap(({ ids }) => (ids ? [ids.mnt_ns_id ?? own] : [])), ...ofThreads]);
  if (own === undefined || namespaces.has(own)) return;
  const known = new Set<number>();
  for (const id of namespaces)
    if (id !== undefined) for (const { mnt_id } of images.read("MNTS", id)) known.add(mnt_id);
  for (const { id, reg, usk } of files.values()) {
    const mount = reg?.mnt_id ?? usk?.mnt_id ?? 0;
    if (known.size > 0 && mount > 0 && !known.has(mount))
      throw bad(`file id ${id} lies on mount ${mount}, which the tree does not have`, "files.img");
  }
}

/** @throws CrError BAD_IMAGE */
export function checkSet(
  images: ImageDirectory,
  tasks: readonly SavedTask[],
  files: ReadonlyMap<number, FileEntry>,
): void {
  const { inventory } = images;
  if (!LSMS.has(inventory.lsmtype ?? Lsmtype.NO_LSM)) throw bad("the security module is unknown", "inventory.img");
  checkFiles(files);
  checkQueues(images, files);
  const saved = images.read("CGROUP").flatMap((entry) => entry.sets.map(({ id }) => id));
  const sets = new Set(saved.length > 0 ? [...saved, inventory.root_cg_set ?? OWN_SET] : []);
  const known: Known = { sets, users: inventory.root_ids?.user_ns_id };
  const memories = new Map<number, number>();
  for (const task of tasks) {
    checkTask(task, known);
    checkDescriptors(task, files);
    const memory = task.ids?.vm_id;
    if (memory === undefined) continue;
    const other = memories.get(memory);
    if (other !== undefined) throw bad(`the tasks ${other} and ${task.pid} share their memory`, `ids-${task.pid}.img`);
    memories.set(memory, task.pid);
  }
  checkMounts(images, tasks, files);
  const clocks = new Set(tasks.flatMap(({ ids }) => ids?.time_ns_id ?? []));
  for (const id of clocks)
    for (const { monotonic, boottime } of images.read("TIMENS", id))
      if ([monotonic, boottime].some(({ tv_nsec }) => tv_nsec >= NSEC_PER_SEC))
        throw bad("a clock has more nanoseconds than a second", `timens-${id}.img`);
}
