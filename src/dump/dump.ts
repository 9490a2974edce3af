/**
 * The story of a dump: freeze, look, infect, save memory, save tasks and what they share, finish, cure.
 * From freeze to cure nothing waits on anything but the kernel.
 */
import { roundTrips } from "../agent/tracee.ts";
import { CrError, CrErrors } from "../error.ts";
import { ImageDirectory } from "../image/directory.ts";
import { writeStats } from "../image/work.ts";
import { pinToOneCpu } from "../kernel/cpu.ts";
import { takeSignals } from "../kernel/interrupt.ts";
import { findLandlock } from "../kernel/landlock.ts";
import { PAGE_SIZE } from "../kernel/memory.ts";
import { requirePageSize } from "../kernel/page-size.ts";
import { traceByDeputy } from "../kernel/ptrace.ts";
import type { Log } from "../log.ts";
import type { DumpOptions, DumpResult } from "../options.ts";
import { isSaved, ownCpuInfo } from "../task/cpuinfo.ts";
import { lsmType } from "../task/label.ts";
import { monotonic } from "../task/wait.ts";
import { FilesAhead } from "./ahead.ts";
import { Bystanders } from "./bystanders.ts";
import { shutDoors } from "./doors.ts";
import { Executioner } from "./executioner.ts";
import { Freezer } from "./freezer.ts";
import { checkFrozen, checkHolds } from "./frozen.ts";
import { checkRoot } from "./guard.ts";
import { Rehearsal } from "./rehearsal.ts";
import { setRoomAside } from "./room.ts";
import { Scope, save, since } from "./save.ts";
import { ScriptLock } from "./script-lock.ts";
import { lookAtRunning, threadsOf } from "./task.ts";
import { FrozenTree } from "./tree.ts";

/** How often a tree is stopped that is in the middle of something that passes, and the first pause between, milliseconds. */
const TURNS = 6;
const PAUSE = 10;

/** What stands in the way is over by itself in a moment. */
function passes(error: unknown): error is CrError {
  if (error instanceof CrErrors) return error.errors.every(passes);
  return error instanceof CrError && error.code === "EAGAIN";
}

export function dump(options: DumpOptions, log: Log): DumpResult {
  requirePageSize();
  checkRoot(options.pid);
  if (options.hook("pre-dump", options.pid) !== 0) throw new CrError("the pre-dump script failed", { code: "SCRIPT" });
  const interrupted = takeSignals(options.interrupted);
  for (let turn = 1; ; turn++) {
    try {
      return dumpNow(options, log, interrupted);
    } catch (error) {
      if (turn === TURNS || !passes(error) || interrupted()) throw error;
      log.info(`Once more, in a moment: ${error.message}`);
      Bun.sleepSync(PAUSE * 2 ** turn);
    }
  }
}

function dumpNow(options: DumpOptions, log: Log, interrupted: () => boolean): DumpResult {
  const started = performance.now();
  const images = ImageDirectory.create(options.images.path);
  const step = () => {
    if (interrupted())
      throw new CrError("interrupted: the tree runs on as before, no images were written", { code: "EINTR" });
  };
  using scope = new Scope();
  scope.add(() => images.abort());
  const rehearsal = scope.use(new Rehearsal(log));
  const cpu = pinToOneCpu();
  scope.add(cpu.release);

  const executioner = scope.use(new Executioner());
  const threads = threadsOf(options.pid);
  const ahead = scope.use(new FilesAhead(images, threads));
  const bystanders = options.fate === "kill" ? scope.use(new Bystanders([...threads.keys()])) : undefined;
  rehearsal.run(options, cpu.number, executioner);
  roundTrips.stops = 0;
  roundTrips.programs = 0;
  let running = lookAtRunning(options.pid, threads);
  // to be found before the tree stands still
  if (running.confined) findLandlock();
  const tookTime = [setRoomAside(images, running.memory, step), shutDoors(options, scope, log, step), running.confined];
  // what threads wait in is to be known as it was right before they are stopped
  if (tookTime.includes(true)) running = lookAtRunning(options.pid, running.threads);
  if (options.freezeCgroup === undefined) checkFrozen([...running.threads.keys()]);
  else checkHolds(options.freezeCgroup, options.pid);
  if (options.fate === "kill") executioner.helpToFree(running.memory);
  // a socket in repair mode gives its program errors: if we die, nobody may run before it is out of that
  if (running.filtered || options.tcpEstablished) scope.use(traceByDeputy());
  ahead.finish();
  bystanders?.tell(log);
  log.phase("freeze");
  const freezing = performance.now();
  const freezer = options.freezeCgroup === undefined ? undefined : scope.use(new Freezer(options.freezeCgroup));
  const tree = scope.use(new FrozenTree(options.pid, options.timeout, interrupted, running, () => freezer?.thaw()));
  const stoppedAt = monotonic();
  const freezingUs = since(freezing);
  log.info(`Froze ${tree.tasks.length} tasks in ${freezingUs} us`);

  const scriptLock = new ScriptLock(options);
  scope.add(() => scriptLock.release());
  if (options.hook("query-ext-files", options.pid) !== 0)
    throw new CrError("the client does not say which files are external: the tree runs on", { code: "SCRIPT" });

  const where = { images, options, log, scope, cpu: cpu.number, executioner, step };
  const saved = save({
    tree,
    stoppedAt,
    waits: running.waits,
    strayed: running.strayed,
    frozen: freezer?.found,
    ...where,
  });
  const { files, infected } = saved;

  log.phase("finish");
  if (options.fate === "kill") files.prepareEnd();
  const inventory = {
    img_version: 2,
    fdinfo_per_id: true,
    root_ids: { vm_id: 1, files_id: 1, fs_id: 1, sighand_id: 1, ...saved.namespaces.own },
    ns_per_id: true,
    root_cg_set: 1,
    lsmtype: lsmType(),
    // it is a table of nf_tables, whichever of the two was asked for
    network_lock_method: options.networkLock === "skip" ? 2 : 1,
    plugins_entry: { plugins: [] },
    dump_criu_run_id: files.runId,
    tcp_close: options.tcpClose || undefined,
    allow_uprobes: saved.isProbed || undefined,
  };
  if (isSaved(options.cpuCap)) images.write("CPUINFO", [ownCpuInfo()]);
  images.commit(inventory, (from, to) => files.complete(from, to));
  const script = options.hook("post-dump", options.pid);
  if (script !== 0)
    throw new CrError("the post-dump script failed: the tree runs on", { code: "SCRIPT", status: script });
  saved.success = true;
  files[Symbol.dispose]();
  if (options.fate === "kill") scriptLock.keep();
  else scriptLock.release();
  if (options.fate === "kill") {
    // they die while we bring the images to the disk, on all CPUs: ours gets its share of them, it is about to wait
    const share = navigator.hardwareConcurrency;
    for (const [nth, one] of [...infected.values()].entries()) one.forget(nth % share === 0);
    tree.kill(executioner);
  } else {
    executioner[Symbol.dispose]();
    for (const one of infected.values()) one.cure();
    saved.unstop();
    tree.release(options.fate === "stop");
  }
  const frozenUs = since(freezing);
  images.sync();
  const { bytes } = saved;
  const pages = bytes / PAGE_SIZE;
  log.info(`Round trips: ${roundTrips.stops} stops, ${roundTrips.programs} programs`);
  const unkept = writeStats(options.workDir, "dump", {
    dump: {
      freezing_time: freezingUs,
      frozen_time: frozenUs,
      memdump_time: saved.writingUs,
      memwrite_time: saved.writingUs,
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
  if (unkept !== undefined) log.warn(unkept);
  // a tree that is dying all the while is waited for once the rest is put away
  return {
    tasks: tree.tasks.length,
    threads: tree.tasks.reduce((n, t) => n + t.threads.length, 0),
    pagesWritten: bytes + files.sharedBytes,
    freezingUs,
    frozenUs,
    totalUs: since(started),
    imageBytes: bytes + files.sharedBytes,
    details: {
      memdumpUs: saved.writingUs,
      memwriteUs: saved.writingUs,
      pagesScanned: pages,
      pagesSkippedParent: 0,
      pagesLazy: 0,
    },
  };
}
