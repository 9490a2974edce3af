/**
 * The story of a dump: freeze, look, infect, save memory, save tasks and what they share, finish, cure.
 * From freeze to cure nothing waits on anything but the kernel.
 */
import { roundTrips } from "../agent/tracee.ts";
import { CrError, CrErrors } from "../error.ts";
import { allowDescriptors } from "../file/numbers.ts";
import { ImageDirectory } from "../image/directory.ts";
import { warmUp } from "../image/warm.ts";
import { writeStats } from "../image/work.ts";
import { pinToOneCpu } from "../kernel/cpu.ts";
import { takeSignals } from "../kernel/interrupt.ts";
import { PAGE_SIZE } from "../kernel/memory.ts";
import { requirePageSize } from "../kernel/page-size.ts";
import type { Log } from "../log.ts";
import { dumpPages } from "../memory/dump-pages.ts";
import type { DumpOptions, DumpResult } from "../options.ts";
import { buildZombie } from "../task/core.ts";
import { SeccompChains } from "../task/seccomp.ts";
import { monotonic } from "../task/wait.ts";
import { readClocks } from "./clocks.ts";
import { Executioner } from "./executioner.ts";
import { NAMESPACE_IDS, TreeFiles } from "./files.ts";
import { Freezer } from "./freezer.ts";
import { checkRoot, checkTree } from "./guard.ts";
import { InfectedTask } from "./infect.ts";
import { describeMemory, MappedFiles, mmEntry, readMemory, type TaskMemory } from "./memory.ts";
import { findObjects, type TaskObjects } from "./objects.ts";
import { askTask, buildCores, lookAt, lookAtRunning, type RunningTree, type TaskLook } from "./task.ts";
import { type FrozenTask, FrozenTree } from "./tree.ts";

const RLIMIT_FSIZE = 1;
const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

/** Microseconds since a performance.now() time. */
function since(start: number): number {
  return Math.round((performance.now() - start) * 1000);
}

/** Undoes what must not outlive the dump, whatever happens. */
class Scope implements Disposable {
  readonly #actions: (() => void)[] = [];

  add(action: () => void): void {
    this.#actions.push(action);
  }

  use<T extends Disposable>(thing: T): T {
    this.add(() => thing[Symbol.dispose]());
    return thing;
  }

  [Symbol.dispose](): void {
    for (const action of this.#actions.splice(0).reverse()) action();
  }
}

export function dump(options: DumpOptions, log: Log): DumpResult {
  const started = performance.now();
  requirePageSize();
  checkRoot(options.pid);
  if (options.hook("pre-dump") !== 0) throw new CrError("the pre-dump script failed", { code: "SCRIPT" });
  roundTrips.stops = 0;
  roundTrips.programs = 0;
  const images = ImageDirectory.create(options.images.path);
  warmUp();
  const interrupted = takeSignals(options.interrupted);
  const step = () => {
    if (interrupted())
      throw new CrError("interrupted: the tree runs on as before, no images were written", { code: "EINTR" });
  };
  using scope = new Scope();
  scope.add(() => images.abort());
  const cpu = pinToOneCpu();
  scope.add(cpu.release);

  const executioner = scope.use(new Executioner());
  const running = lookAtRunning(options.pid);
  images.prepare(filesAhead(running));
  log.phase("freeze");
  const freezing = performance.now();
  const freezer = options.freezeCgroup === undefined ? undefined : scope.use(new Freezer(options.freezeCgroup));
  const tree = scope.use(new FrozenTree(options.pid, options.timeout, interrupted, () => freezer?.thaw()));
  const stoppedAt = monotonic();
  const freezingUs = since(freezing);
  log.info(`Froze ${tree.tasks.length} tasks in ${freezingUs} us`);

  log.phase("collect");
  const errors: CrError[] = [];
  const blocker = (error: CrError) => void errors.push(error);
  let pagesId = 0;
  const nextPagesId = () => ++pagesId;
  checkTree(tree, blocker, options.shellJob);
  const objects = findObjects(tree, blocker);
  const files = scope.use(new TreeFiles(images, options, log, tree, nextPagesId, objects));
  let success = false;
  scope.add(() => {
    if (!success) files.undo();
  });
  const memories = new Map<number, TaskMemory>();
  for (const task of tree.tasks) if (!task.zombie) memories.set(task.pid, readMemory(task, blocker));
  files.check();
  errors.push(...files.blockers);
  if (errors.length === 1 && errors[0]) throw errors[0];
  if (errors.length > 0) throw new CrErrors(`${errors.length} things of this tree cannot be dumped`, errors);
  step();

  log.phase("infect");
  const infected = new Map<number, InfectedTask>();
  const looks = new Map<number, TaskLook>();
  for (const task of tree.tasks) {
    const memory = memories.get(task.pid);
    if (!memory) continue;
    if (task.status.seccomp !== 0) tree.suspendSeccomp(task);
    const look = scope.use(lookAt(task, running.waits, stoppedAt));
    looks.set(task.pid, look);
    infected.set(task.pid, scope.use(new InfectedTask(task, log, memory, look.memory, cpu.number)));
    step();
  }

  log.phase("tasks");
  const mapped = new MappedFiles(files);
  const seccomp = new SeccompChains();
  let total = 0;
  const jobs: { task: FrozenTask; one: InfectedTask; runs: ReturnType<typeof describeMemory>["runs"] }[] = [];
  for (const task of tree.tasks) {
    const one = infected.get(task.pid);
    const memory = memories.get(task.pid);
    const look = looks.get(task.pid);
    if (!one || !memory || !look) {
      images.write("CORE", task.pid, [buildZombie(task.dir)]);
      continue;
    }
    const answers = askTask(one, look, cpu.number);
    const exe = files.idForLink(task, "exe");
    const { entries, runs } = describeMemory(task, memory, mapped, one.home.own);
    const { dumpable, thpDisabled } = answers.leader.process;
    images.write("MM", task.pid, [mmEntry(task, entries, exe, { brk: answers.brk, dumpable, thpDisabled })]);
    for (const [tid, core] of buildCores(task, look, answers, seccomp)) images.write("CORE", tid, [core]);
    const umask = task.status.umask ?? 0o022;
    images.write("FS", task.pid, [
      { cwd_id: files.idForLink(task, "cwd"), root_id: files.idForLink(task, "root"), umask },
    ]);
    images.write("IDS", task.pid, [idsOf(objects.get(task.pid))]);
    jobs.push({ task, one, runs });
    total += runs.bytes;
    step();
  }
  images.write("SECCOMP", [seccomp.entry]);

  log.phase("memory");
  const memory = performance.now();
  let done = 0;
  for (const { task, one, runs } of jobs) {
    const limit = looks.get(task.pid)?.limits[RLIMIT_FSIZE]?.cur ?? RLIM_INFINITY;
    const asVictim = BigInt(limit) === RLIM_INFINITY;
    dumpPages(images, task.pid, nextPagesId(), runs, one.parasite, one.memory, asVictim, (bytes) => {
      done += bytes;
      log.progress(done, total);
      step();
    });
  }
  const memwriteUs = since(memory);

  log.phase("files");
  files.dump();
  if (files.blockers.length > 0) throw new CrErrors("some of this tree's descriptors cannot be dumped", files.blockers);
  files.finish();
  for (const task of tree.tasks) {
    const own = objects.get(task.pid);
    if (own?.filesOwner === task.pid) images.write("FDINFO", own.files_id, files.table(task.pid));
  }
  images.write("PSTREE", tree.tasks.map(treeEntry));
  images.write("TIMENS", 0, [readClocks()]);
  step();

  log.phase("finish");
  images.commit({
    img_version: 2,
    fdinfo_per_id: true,
    root_ids: { vm_id: 1, files_id: 1, fs_id: 1, sighand_id: 1, ...NAMESPACE_IDS },
    ns_per_id: true,
    root_cg_set: 1,
    lsmtype: 0,
    network_lock_method: { iptables: 0, nftables: 1, skip: 2 }[options.networkLock],
    plugins_entry: { plugins: [] },
    dump_criu_run_id: crypto.randomUUID(),
    tcp_close: options.tcpClose || undefined,
  });
  const script = options.hook("post-dump", options.pid);
  if (script !== 0)
    throw new CrError("the post-dump script failed: the tree runs on", { code: "SCRIPT", status: script });
  success = true;
  files[Symbol.dispose]();
  if (options.fate === "kill") {
    for (const one of infected.values()) one.forget();
    tree.kill(executioner);
  } else {
    for (const one of infected.values()) one.cure();
    tree.release(options.fate === "stop");
  }
  const frozenUs = since(freezing);
  images.sync();
  const pages = total / PAGE_SIZE;
  log.info(`Round trips: ${roundTrips.stops} stops, ${roundTrips.programs} programs`);
  const result: DumpResult = {
    tasks: tree.tasks.length,
    threads: tree.tasks.reduce((n, t) => n + t.threads.length, 0),
    pagesWritten: total + files.sharedBytes,
    freezingUs,
    frozenUs,
    totalUs: since(started),
    imageBytes: total + files.sharedBytes,
    details: { memdumpUs: memwriteUs, memwriteUs, pagesScanned: pages, pagesSkippedParent: 0, pagesLazy: 0 },
  };
  writeStats(options.workDir, "dump", {
    dump: {
      freezing_time: freezingUs,
      frozen_time: frozenUs,
      memdump_time: memwriteUs,
      memwrite_time: memwriteUs,
      pages_scanned: pages,
      pages_skipped_parent: 0,
      pages_written: pages,
      irmap_resolve: 0,
      pages_lazy: 0,
      page_pipes: 0,
      page_pipe_bufs: 0,
      shpages_scanned: files.sharedBytes / PAGE_SIZE,
      shpages_skipped_parent: 0,
      shpages_written: files.sharedBytes / PAGE_SIZE,
    },
  });
  return result;
}

/** How many image files to make before the tree is frozen: as many as it will take, as far as descriptors go. */
function filesAhead({ tasks, threads }: RunningTree): number {
  const always = 5;
  const perTask = 7;
  // descriptors for all else that a dump opens
  const others = 256;
  return Math.max(0, Math.min(always + tasks * (perTask - 1) + threads, allowDescriptors(1024) - others));
}

function treeEntry(task: FrozenTask) {
  const { pid, stat } = task;
  return {
    pid,
    ppid: task.parent?.pid ?? 0,
    pgid: stat.pgrp,
    sid: stat.sid,
    // a zombie has no thread left
    threads: task.zombie ? [0] : task.threads.map((t) => t.tid),
  };
}

function idsOf(own: TaskObjects | undefined) {
  if (!own) throw new CrError("a task has no kernel objects");
  return { vm_id: own.vm_id, files_id: own.files_id, fs_id: own.fs_id, sighand_id: own.sighand_id, ...NAMESPACE_IDS };
}
