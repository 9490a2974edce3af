/** Saves a tree that stands still: all images but the inventory. Agents are left in its tasks. */
import { CrError, CrErrors } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { FsEntry } from "../image/schema.gen.ts";
import { waitForDisks } from "../kernel/disks.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { parseStatus } from "../kernel/proc/status.ts";
import { hasDeputy } from "../kernel/ptrace.ts";
import type { Log } from "../log.ts";
import { dumpPages } from "../memory/dump-pages.ts";
import { holdsMemory } from "../memory/room.ts";
import { isAioRing, isUprobes } from "../memory/vmas.ts";
import { namespaceRoots } from "../namespace/cgroup.ts";
import { type NamespaceRoots, TreeCgroups } from "../namespace/cgroup-dump.ts";
import { knownRoots, managesCgroups, OWN_SET } from "../namespace/cgroup-sets.ts";
import { dumpNamespaces } from "../namespace/dump.ts";
import { type NamespaceFields, NamespaceIds } from "../namespace/ids.ts";
import { MemoryLimits } from "../namespace/memory-limits.ts";
import { TreeMounts } from "../namespace/mnt-dump.ts";
import { HOST_CLOCKS, readClocks } from "../namespace/time.ts";
import { TreeIds } from "../namespace/user-ids.ts";
import { tellOfUserLimits } from "../namespace/user-limits.ts";
import type { DumpOptions } from "../options.ts";
import { buildZombie } from "../task/core.ts";
import { TreeKeys } from "../task/keyrings-dump.ts";
import { SeccompChains } from "../task/seccomp.ts";
import type { Wait } from "../task/wait.ts";
import { continuedTasks } from "./continued.ts";
import { checkParent, tidsOf } from "./dead-leader.ts";
import type { Executioner } from "./executioner.ts";
import { allOf, TreeFiles } from "./files.ts";
import { Gathering } from "./gathering.ts";
import { checkTree } from "./guard.ts";
import { checkI386 } from "./i386.ts";
import { InfectedTask } from "./infect.ts";
import { doubtfulSegments, TreeIpc } from "./ipc.ts";
import { describeMemory, MappedFiles, mmEntry, readMemory, type TaskMemory } from "./memory.ts";
import { findObjects, type TaskObjects } from "./objects.ts";
import { VirtualPids } from "./pids.ts";
import { requireNobodyServes } from "./served.ts";
import { checkSessions } from "./sessions.ts";
import { noteStrayed, type StrayedThread, strayedParents } from "./strayed.ts";
import { buildCores, Interview, lookAt, type TaskAnswers, type TaskLook } from "./task.ts";
import type { FrozenTask, FrozenTree } from "./tree.ts";

const RLIMIT_FSIZE = 1;
const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;
/** Bytes that no cgroup minds: its agent's own memory, which is charged to a task too, comes to as much. */
const HARMLESS = 512 << 10;

/** Microseconds since a performance.now() time. */
export function since(start: number): number {
  return Math.round((performance.now() - start) * 1000);
}

/** Undoes what must not outlive the dump, whatever happens. */
export class Scope implements Disposable {
  readonly #actions: (() => void)[] = [];

  add(action: () => void): void {
    this.#actions.push(action);
  }

  use<T extends Disposable>(thing: T): T {
    this.add(() => thing[Symbol.dispose]());
    return thing;
  }

  [Symbol.dispose](): void {
    allOf(this.#actions.splice(0).reverse());
  }
}

export interface Saving {
  readonly tree: FrozenTree;
  /** When it stood still, CLOCK_MONOTONIC nanoseconds. */
  readonly stoppedAt: number;
  /** What its threads waited in before, by tid. */
  readonly waits: ReadonlyMap<number, Wait>;
  /** Threads that had namespaces of their own before. */
  readonly strayed?: readonly StrayedThread[];
  /** The inode of a cgroup that was frozen before. */
  readonly frozen?: number | undefined;
  readonly images: ImageDirectory;
  readonly options: DumpOptions;
  readonly log: Log;
  /** Undoes what is done to the tree. */
  readonly scope: Scope;
  /** The CPU that we sit on. */
  readonly cpu: number;
  readonly executioner: Executioner;
  /** Called between steps: throws when we shall stop. */
  step(): void;
  /** The tree is a process of our own whose descriptors are ours: they are looked at, and left alone. */
  readonly rehearsal?: boolean;
}

export interface Saved {
  readonly files: TreeFiles;
  readonly namespaces: NamespaceIds;
  readonly infected: Map<number, InfectedTask>;
  /** Of the tasks' own memory. */
  bytes: number;
  writingUs: number;
  /** Set once nothing need be taken back. */
  success: boolean;
  /** A uprobe was hit in the tree. */
  isProbed: boolean;
  /** Takes what the stop has left behind out of the tasks' memory: for those that run on. */
  unstop(): void;
}

export function save(saving: Saving): Saved {
  const { tree, stoppedAt, waits, images, options, log, scope, cpu, step, rehearsal } = saving;
  log.phase("collect");
  const errors: CrError[] = [];
  const blocker = (error: CrError) => void errors.push(error);
  let pagesId = 0;
  const nextPagesId = () => ++pagesId;
  const namespaces = new NamespaceIds();
  const namespaceFields = new Map(
    tree.tasks.filter((task) => !task.zombie).map((task) => [task.pid, namespaces.ofTask(task.pid)]),
  );
  requireNobodyServes(tree.tasks, (pid) => namespaceFields.get(pid)?.mnt_ns_id);
  noteStrayed(saving.strayed ?? [], namespaces, blocker);
  const pids = new VirtualPids(tree, namespaces, options.external, blocker, strayedParents(saving.strayed ?? []));
  const ids = new TreeIds((pid) => namespaces.link(pid, "user"));
  const owners = ids.forImages(tree.root.pid);
  images.ids = owners;
  checkTree(tree, pids, namespaces, blocker, options);
  checkSessions(tree, pids, options, blocker, log);
  const objects = findObjects(tree, blocker);
  // of a rehearsal it is only borrowed
  if (!rehearsal) scope.use(saving.executioner);
  const mounts = scope.use(new TreeMounts(namespaces, options, tree.root.pid, blocker, images.ids, pids.groups));
  const files = scope.use(
    new TreeFiles(images, options, log, tree, nextPagesId, objects, pids, namespaces, saving.executioner, mounts),
  );
  const looks = new Map<number, TaskLook>();
  const unstop = () => {
    for (const look of looks.values()) look.unstop();
  };
  const saved: Saved = {
    files,
    namespaces,
    infected: new Map(),
    bytes: 0,
    writingUs: 0,
    success: false,
    isProbed: false,
    unstop,
  };
  scope.add(() => {
    if (!saved.success) files.undo();
  });
  const memories = new Map<number, TaskMemory>();
  const ipc = new TreeIpc(
    namespaces,
    [...namespaceFields.values()].map(({ ipc_ns_id }) => ipc_ns_id),
  );
  for (const task of tree.tasks) {
    const own = namespaceFields.get(task.pid);
    if (!own) continue;
    const memory = readMemory(task, files, ipc.segmentsOf(own.ipc_ns_id), blocker);
    memories.set(task.pid, memory);
    checkI386(task, memory.vmas, blocker);
    for (const problem of doubtfulSegments(task, memory.vmas, namespaces.strays)) blocker(problem);
  }
  saved.isProbed = [...memories.values()].some(({ vmas }) => vmas.some(isUprobes));
  files.reserve(ipc.ids(blocker));
  if ([...memories.values()].some(({ vmas }) => vmas.some(isAioRing))) settleRequests(log);
  if ([...memories.values()].some(({ polls }) => polls === undefined))
    log.warn("whether requests of asynchronous I/O wait for descriptors cannot be seen: this kernel does not show it");
  ipc.tell(tree, saving.executioner.pid, log);
  tellOfUserLimits(namespaces.foreign, log);
  if (!rehearsal) {
    ipc.tellOfQueues(files.held, log);
    files.check();
  }
  errors.push(...files.blockers);
  if (errors.length === 1 && errors[0]) throw errors[0];
  if (errors.length > 0) throw new CrErrors(`${errors.length} things of this tree cannot be dumped`, errors);
  step();

  log.phase("infect");
  const continued = continuedTasks(tree.tasks);
  const { infected } = saved;
  const interviews = new Map<number, Interview>();
  using gathering = new Gathering(memories.size, cpu);
  for (const task of tree.tasks) {
    const memory = memories.get(task.pid);
    if (!memory) continue;
    const look = scope.use(lookAt(task, waits, stoppedAt, memory.vmas));
    if (continued.has(task.pid)) look.process.continued = true;
    scope.add(() => {
      if (!saved.success) look.unstop();
    });
    const interview = new Interview(task, look, memory.vmas, pids, ids.ofTask(task.pid));
    if (interview.isFiltered) {
      if (!rehearsal && !hasDeputy())
        throw new CrError("the task began to filter its system calls while it was being stopped", {
          code: "EAGAIN",
          subject: { pid: task.pid },
          remedy: "dump it again",
        });
      tree.suspendSeccomp(task);
    }
    looks.set(task.pid, look);
    const before = interview.isFiltered ? undefined : gathering.take(task.pid, look.threads[0]?.sched.affinity);
    infected.set(task.pid, scope.use(new InfectedTask(task, log, memory, look.memory, cpu, before, interview.first)));
    gathering.handedOver(task.pid);
    interviews.set(task.pid, interview);
    step();
  }
  gathering[Symbol.dispose]();

  log.phase("tasks");
  const answered = new Map<number, TaskAnswers>();
  const keys = new TreeKeys(log);
  for (const [pid, one] of infected) {
    const answers = interviews.get(pid)?.answers(one, cpu, keys);
    if (answers) answered.set(pid, answers);
    step();
  }
  keys.tell();
  dumpNamespaces(namespaces.foreign, images, options, (pid) => infected.get(pid)?.parasite.program);
  const cgroups = readCgroups(saving, namespaces);
  const mapped = new MappedFiles(files);
  const seccomp = new SeccompChains();
  let total = 0;
  const jobs: { task: FrozenTask; one: InfectedTask; runs: ReturnType<typeof describeMemory>["runs"] }[] = [];
  for (const task of tree.tasks) {
    const one = infected.get(task.pid);
    const memory = memories.get(task.pid);
    const look = looks.get(task.pid);
    const answers = answered.get(task.pid);
    if (!one || !memory || !look || !answers) {
      images.write("CORE", pids.of(task.leader), [buildZombie(task.dir)]);
      continue;
    }
    checkParent(task, answers);
    const exe = files.idForLink(task, "exe");
    const { entries, runs } = describeMemory(task, memory, answers.policies, mapped, one);
    images.write("MM", pids.of(task.leader), [mmEntry(task, entries, memory.polls ?? new Map(), exe, answers)]);
    const setOf = (tid: number) => cgroups?.of(tid) ?? OWN_SET;
    for (const [tid, core] of buildCores(task, look, answers, seccomp, setOf, ids.ofTask(task.pid))) {
      const strayed = [namespaces.strays.get(tid), pids.ofThread(tid)];
      if (core.thread_core && strayed.some(Boolean))
        core.thread_core.tscriu_namespaces = { ...strayed[0], ...strayed[1] };
      if (core.thread_core && tid === task.pid && answers.keyrings) core.thread_core.tscriu_keyrings = answers.keyrings;
      if (core.thread_core && objects.get(task.pid)?.apart.includes(tid))
        core.thread_core.tscriu_fs = ownFs(tid, files);
      images.write("CORE", pids.of(tid), [core]);
    }
    const umask = task.status.umask ?? 0o022;
    images.write("FS", pids.of(task.leader), [
      { cwd_id: files.idForLink(task, "cwd"), root_id: files.idForLink(task, "root"), umask },
    ]);
    images.write("IDS", pids.of(task.leader), [idsOf(objects.get(task.pid), namespaceFields.get(task.pid))]);
    jobs.push({ task, one, runs });
    total += runs.bytes;
    step();
  }
  images.write("SECCOMP", [seccomp.entry]);

  log.phase("memory");
  const memory = performance.now();
  let done = 0;
  using memoryLimits = new MemoryLimits(options.cgroups.yard);
  const progress = (bytes: number) => {
    done += bytes;
    log.progress(done, total);
    step();
  };
  const inMemory = holdsMemory(images.path);
  const copies = jobs.map(({ task, one: { parasite, memory }, runs }) => {
    const limit = looks.get(task.pid)?.limits[RLIMIT_FSIZE]?.cur ?? RLIM_INFINITY;
    const asVictim =
      BigInt(limit) === RLIM_INFINITY && (runs.bytes < HARMLESS || memoryLimits.allow(task.pid, runs.bytes, inMemory));
    return { id: pids.of(task.leader), pagesId: nextPagesId(), runs, parasite, memory, asVictim, progress };
  });
  dumpPages(images, copies);
  saved.writingUs = since(memory);
  saved.bytes = total;

  log.phase("files");
  if (!rehearsal) files.dump();
  // with the links that keep files alive
  mounts.save(images);
  if (files.blockers.length > 0) throw new CrErrors("some of this tree's descriptors cannot be dumped", files.blockers);
  files.finish();
  for (const task of tree.tasks) {
    const own = objects.get(task.pid);
    if (own?.filesOwner === task.pid) images.write("FDINFO", own.files_id, files.table(task.pid));
  }
  images.write(
    "PSTREE",
    tree.tasks.map((task) => treeEntry(task, pids)),
  );
  images.write("TIMENS", HOST_CLOCKS, [readClocks()]);
  ipc.save(images, (id, fd) => files.segment(id, fd));
  if (owners && owners.strangers.size > 0)
    log.warn(
      `the tree's user namespace does not know them, and what is theirs comes back as root's: ${[...owners.strangers].join(", ")}`,
    );
  step();
  return saved;
}

/** Requests of asynchronous I/O that are on their way end in the tree's memory: they have to be there before that is saved. */
function settleRequests(log: Log): void {
  const busy = waitForDisks();
  if (busy === undefined) log.warn("whether asynchronous I/O is under way cannot be seen: /sys is not mounted");
  else if (busy.length > 0) log.warn(`asynchronous I/O may be under way: ${busy.join(", ")} never rest`);
}

function treeEntry(task: FrozenTask, pids: VirtualPids) {
  return {
    pid: pids.of(task.leader),
    ppid: task.parent ? pids.of(task.parent.leader) : 0,
    pgid: pids.groupOf(task),
    sid: pids.sessionOf(task),
    // a zombie has no thread left
    threads: task.zombie ? [0] : tidsOf(task).map((tid) => pids.of(tid)),
    tscriu_pids: pids.spaces(task),
  };
}

/** Root and working directory of a thread that does not share its process's. */
function ownFs(tid: number, files: TreeFiles): FsEntry {
  using dir = new ProcDir(tid);
  const { umask } = parseStatus(dir.text("status"));
  const [cwd_id, root_id] = ["cwd", "root"].map((name) => files.idForLink({ pid: tid, dir }, name));
  return { cwd_id: cwd_id ?? 0, root_id: root_id ?? 0, umask: umask ?? 0o022 };
}

function idsOf(own: TaskObjects | undefined, namespaces: Required<NamespaceFields> | undefined) {
  if (!own || !namespaces) throw new CrError("a task has no kernel objects");
  return { vm_id: own.vm_id, files_id: own.files_id, fs_id: own.fs_id, sighand_id: own.sighand_id, ...namespaces };
}

/** The roots of the cgroup namespace of each thread. */
function rootsOfCgroups(tree: FrozenTree, namespaces: NamespaceIds): (tid: number) => NamespaceRoots | undefined {
  const foreign = namespaces.foreign.filter(({ name }) => name === "cgroup");
  const roots = new Map(foreign.map(({ id, member }) => [id, namespaceRoots(member)]));
  const byTid = new Map<number, NamespaceRoots | undefined>();
  if (roots.size > 0)
    for (const { pid, zombie, threads } of tree.tasks) {
      const own = zombie ? undefined : namespaces.ofTask(pid).cgroup_ns_id;
      for (const { tid } of threads) byTid.set(tid, roots.get(namespaces.strays.get(tid)?.cgroup_ns_id ?? own ?? 0));
    }
  return (tid) => byTid.get(tid);
}

/** Saves the cgroups of the tree, if the user wants them or they can be had. */
function readCgroups(
  { tree, options, images, log, frozen }: Saving,
  namespaces: NamespaceIds,
): TreeCgroups | undefined {
  if (!managesCgroups(options.cgroups.mode)) return undefined;
  const cgroups = options.cgroups.roots.length > 0 ? knownRoots(options.cgroups, log) : options.cgroups;
  const living = tree.tasks.filter((task) => !task.zombie);
  const isApart = namespaces.foreign.some(({ name }) => name === "cgroup");
  try {
    const members = living.map(({ pid, threads }) => ({ pid, tids: threads.map(({ tid }) => tid) }));
    const found = new TreeCgroups(members, cgroups, rootsOfCgroups(tree, namespaces), frozen);
    found.save(images);
    return found;
  } catch (error) {
    // who did not ask for them need not have them; the root of a namespace has to be known
    if (cgroups.isGiven || isApart || !(error instanceof CrError)) throw error;
    log.warn(`the tree's cgroups are not saved: ${error.message}`);
    return undefined;
  }
}
