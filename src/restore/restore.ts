/**
 * The story of a restore: read, plan, make the tree of puppets with its memory, files, threads, identities, go.
 * Until the last step every puppet dies with us.
 */

import type { Puppet } from "../agent/puppet.ts";
import { roundTrips } from "../agent/tracee.ts";
import { CrError } from "../error.ts";
import { ownGround, type Surroundings } from "../file/ground.ts";
import type { RestoredTask } from "../file/kind.ts";
import { allowDescriptors, receiveFd, type Service } from "../file/numbers.ts";
import { restoredTerminals } from "../file/tty-restore.ts";
import { ImageDirectory } from "../image/directory.ts";
import { writeStats } from "../image/work.ts";
import { pinToOneCpu } from "../kernel/cpu.ts";
import { closeFd } from "../kernel/fd.ts";
import { bearing } from "../kernel/file-ids.ts";
import { takeSignals } from "../kernel/interrupt.ts";
import { NR } from "../kernel/nr.ts";
import { requirePageSize } from "../kernel/page-size.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { SIG } from "../kernel/uapi/signal.ts";
import { Undoing } from "../kernel/undoing.ts";
import type { Log } from "../log.ts";
import { restorePolls } from "../memory/aio-polls.ts";
import { RestoredSegments } from "../memory/segments-restore.ts";
import { RestoredCgroups } from "../namespace/cgroup-restore.ts";
import { JoinedNamespaces } from "../namespace/join.ts";
import { givenPidNamespace } from "../namespace/pid.ts";
import { restorePidLimits } from "../namespace/pid-limits.ts";
import { FreshNamespaces, translateIds } from "../namespace/restore.ts";
import type { RestoreOptions, RestoreResult } from "../options.ts";
import { unlockNamespace } from "../socket/others-lock.ts";
import { isI386Core } from "../task/arch/i386.ts";
import { checkCpuInfo, isSaved } from "../task/cpuinfo.ts";
import { type Keyholder, RestoredKeys } from "../task/keyrings-restore.ts";
import { prepareLabels } from "../task/label.ts";
import { registers } from "../task/registers.ts";
import { RestoredFiles } from "./files.ts";
import { type Finish, finishIdentity, makeThreads, release, restoreFs } from "./finish.ts";
import { Forest } from "./grow.ts";
import type { GrownTask } from "./growth.ts";
import { findHole, I386_SPACE } from "./hole.ts";
import { planMemory } from "./plan-memory.ts";
import { readSet, type SavedSet, type SavedTask } from "./set.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const CLONE_PARENT = 0x8000;

function since(start: number): number {
  return Math.round((performance.now() - start) * 1000);
}

function mustHook(options: RestoreOptions, name: Parameters<RestoreOptions["hook"]>[0], pid?: number): void {
  if (options.hook(name, pid) !== 0) throw new CrError(`the ${name} script failed`, { code: "SCRIPT" });
}

/** The socket pair through which puppets get descriptors: ours, and a number above all that the tree uses. */
function openService(set: SavedSet): { ours: number; theirs: number; inherited: number } {
  let highest = 256;
  for (const task of set.tasks) for (const { fd } of task.fds) highest = Math.max(highest, fd);
  const theirs = highest + 8;
  const limit = allowDescriptors(highest + set.files.size + 1024);
  if (limit <= theirs) {
    throw new CrError("too few files may be open at once for this tree", {
      code: "EMFILE",
      subject: { limit, needed: theirs + 1 },
      remedy: "raise the limit of open files (ulimit -n)",
    });
  }
  const pair = new Int32Array(2);
  check(sys(NR.socketpair, AF_UNIX, SOCK_STREAM, 0, addressOf(pair)), "cannot make the service socket");
  const [ours = -1, inherited = -1] = pair;
  const CLOEXEC = 1;
  sys(NR.fcntl, ours, 2, CLOEXEC);
  return { ours, inherited, theirs };
}

export function restore(asked: RestoreOptions, log: Log): RestoreResult {
  const started = performance.now();
  roundTrips.stops = 0;
  roundTrips.programs = 0;
  const interrupted = takeSignals(asked.interrupted);
  const step = () => {
    if (interrupted()) throw new CrError("interrupted: nothing of the tree is left", { code: "EINTR" });
  };
  requirePageSize();
  log.phase("read");
  using images = ImageDirectory.open(asked.images.path);
  using joined = new JoinedNamespaces(asked);
  translateIds(images, joined);
  const set = readSet(images);
  const namespaces = new FreshNamespaces(images, set.tasks, log, joined);
  const isWrapped = asked.newPids && !namespaces.isFresh("pid");
  const options = { ...asked, newPids: isWrapped };
  if (images.inventory.tcp_close && !options.tcpClose) {
    throw new CrError("the set was dumped with --tcp-close", { remedy: "pass --tcp-close to restore too" });
  }
  if (images.inventory.allow_uprobes && !options.allowUprobes) {
    throw new CrError("uprobes were set in the tree when it was dumped", {
      remedy: "pass --allow-uprobes to restore too",
    });
  }
  const plugins = images.inventory.plugins_entry?.plugins ?? [];
  if (plugins.length > 0) {
    throw new CrError(
      `the set holds what CRIU's plugins saved (${plugins.join(", ")}), and they cannot be loaded here`,
      {
        code: "NOT_YET",
        remedy: "restore with the program that dumped",
      },
    );
  }
  using undoing = new Undoing();
  checkCpuInfo(options.cpuCap, images.read("CPUINFO")[0], isSaved(options.cpuCap));
  using files = new RestoredFiles(images, options, log, set, undoing);
  files.check();
  const cores = set.tasks.flatMap(({ core, threads }) => [core, ...threads.map((thread) => thread.core)]);
  for (const core of cores) registers.requireOwn(core);
  prepareLabels(cores, images.inventory.lsmtype, options.lsmProfile);
  using cgroups = new RestoredCgroups(images, images.inventory.root_cg_set, options.cgroups, log, undoing);
  const { root } = set;
  if (root.tree.sid !== root.pid && !options.shellJob) {
    throw new CrError("the tree was dumped as a shell job", {
      subject: { pid: root.pid },
      remedy: "pass --shell-job to restore too",
    });
  }
  if (namespaces.isFresh("pid") && root.pid !== 1)
    throw new CrError("the set has no init for its pid namespace", { code: "BAD_IMAGE", subject: { pid: root.pid } });
  namespaces.check(options);
  const grown: (() => void)[] = [];
  const late: (() => void)[] = [];
  const hole = findHole(set.tasks, cores.some(isI386Core) ? I386_SPACE : undefined);
  const plans = planMemory(set.tasks, images, hole);
  mustHook(options, "pre-restore");
  step();

  const cpu = pinToOneCpu();
  const service = openService(set);
  const segments = new RestoredSegments(images);
  const stat = ownSession();
  const hasNew = namespaces.any || isWrapped;
  const forest = new Forest(set, {
    hole,
    rootLevels: namespaces.levels(options),
    bearRoot: (act) => bearing({ groups: namespaces.groupsBefore(root), owner: namespaces.owner }, act),
    groupsBefore: (task, bornIn) => namespaces.groupsBefore(task, bornIn),
    inRootsPids: (act) => namespaces.inRootsPids(options, act),
    isWrapped,
    prepareWarden: (warden) => {
      cgroups.enter(warden.puppet.pid, root.core, undefined);
      if (namespaces.isFresh("mnt") || joined.has("mnt")) return;
      warden.mountProc();
      if (warden.surroundings) files.surround(warden.surroundings);
    },
    givenPids: (id) => givenPidNamespace(images, id, options),
    firstFlags: options.sibling || (options.detached && !isWrapped && outlivesUs(root)) ? CLONE_PARENT : 0,
    rootFlags: namespaces.flags,
    rootBorn: (pid) => namespaces.born(pid),
    fillNamespaces: ({ program, pid }) => {
      // first, for that is the root of a cgroup namespace
      cgroups.enter(pid, root.core, undefined, namespaces.isFresh("cgroup"));
      if (hasNew) mustHook(options, "setup-namespaces", pid);
      namespaces.fill({
        options,
        log,
        program,
        pid,
        segments,
        receive: (fd) => receiveFd(program, { ours: service.ours, theirs: service.theirs }, fd),
        surround: (surroundings) => files.surround(around(surroundings, forest.warden?.surroundings)),
        network: (id, path, isRoots) => {
          if (isRoots) files.network = path;
          else files.networks.set(id, path);
        },
        enterCgroupRoot: (id, who) => {
          const member = namespaces.memberOf(id, set.tasks);
          if (member) cgroups.enter(who, member, undefined, true);
        },
        grown: (action) => grown.push(action),
        inPids: (id) => forest.inPids(id),
        inGroup: (id) => {
          const puppet = forest.inGroup(id);
          return puppet && reached(puppet, service);
        },
        pipe: (id) => files.pipeFor(id),
        late: (action) => late.push(action),
        onFailure: (undo) => files.onFailure(undo),
        atEnd: (action) => files.atDispose(action),
      });
      program.run();
      const seen = joined.surroundings(pid);
      if (seen) files.surround(around(files.surroundings, seen));
      if (namespaces.isFresh("cgroup")) cgroups.enter(pid, root.core, undefined);
      if (hasNew) mustHook(options, "post-setup-namespaces", pid);
    },
    born: (pid, core, parent) => cgroups.enter(pid, core, parent),
    toEnter: (ids, from) => namespaces.toEnter(ids, from),
    ownerOf: (id) => namespaces.ownerOfPids(id),
    setClocks: (id, tid) => namespaces.setClocks(id, tid),
    makeClocks: (id, { program, pid }) => namespaces.makeClocks(id, program, pid),
    shellJob: options.shellJob,
    ourSid: stat.sid,
    ourPgid: stat.pgid,
    terminal: (sid) => restoredTerminals(files).ofSession(sid),
    inheritedService: service.inherited,
    sources: {
      images,
      service: { ours: service.ours, theirs: service.theirs },
      mapFd: (id, fdflags) => files.forMapping(id, fdflags),
      segments,
      plan: (pid) => plans.of(pid),
      parking: hole.parking,
    },
    step,
  });
  let done = false;
  try {
    log.phase("tasks");
    const forking = performance.now();
    cgroups.prepare();
    if (images.inventory.root_ids) segments.prepare(images.inventory.root_ids.ipc_ns_id ?? 0);
    forest.grow();
    for (const action of grown.splice(0)) action();
    const forkingUs = since(forking);
    step();

    log.phase("files");
    const tasks = [...forest.tasks.values()].filter((t) => !t.saved.zombie);
    files.tasks = tasks.map((task) => asTask(task, service, forest));
    for (const { saved, puppet } of forest.tasks.values()) files.hosts.set(saved.pid, puppet.pid);
    const inIpc = namespaces.firstIn("ipc", set.tasks);
    if (inIpc) files.ipcMember = forest.task(inIpc.pid).puppet.pid;
    if (joined.has("ipc")) files.ipcMember = forest.task(root.pid).puppet.pid;
    files.pidsApart = forest.task(root.pid).puppet.levels > 0;
    files.ownNamespaces = forest.warden?.namespaces;
    for (const { saved } of tasks) {
      const ids = namespaces.idsOf(saved);
      if (ids) files.ids.set(saved.pid, ids);
    }
    files.openAll();
    placeFiles(tasks, files, service);
    files.link();
    for (const { saved, puppet } of tasks) restorePolls(puppet.program, saved.mm?.aios ?? [], saved.pid);
    step();

    log.phase("threads");
    const finish: Finish = {
      log,
      images,
      set,
      forest,
      files,
      segments,
      step,
      affinity: cpu.before,
      service: { ours: service.ours, theirs: service.theirs },
      idsOf: (saved) => namespaces.idsOf(saved),
      ofThread: (core) => namespaces.ofThread(core),
    };
    const keys = new RestoredKeys(keyholders(tasks, namespaces), log);
    keys.begin();
    makeThreads(finish);
    files.threaded();
    keys.finish();
    const hasMember = (id: number) => (id === root.ids?.pid_ns_id ? forest.task(root.pid).puppet : forest.inPids(id));
    const inPids = (id: number) => reached(hasMember(id), service);
    restorePidLimits(images, new Set(set.tasks.map(({ ids }) => ids?.pid_ns_id)), inPids, log);
    for (const { core, threads } of set.tasks)
      for (const thread of threads) cgroups.enterThread(files.hosts.get(thread.tid) ?? thread.tid, thread.core, core);
    const rootPid = forest.task(root.pid).puppet.pid;
    options.created(rootPid);
    mustHook(options, "post-restore", rootPid);
    files.applyOwners();
    log.phase("identity");
    finishIdentity(finish);
    files.arm();
    files.end();
    for (const action of late.splice(0)) action();
    cgroups.limit();
    if (namespaces.isFresh("net")) options.hook("network-unlock", rootPid);
    else unlockNamespace(files);
    if (options.hook("pre-resume", rootPid) !== 0) log.warn("the pre-resume script failed");
    log.phase("go");
    for (const task of set.tasks) tellTask(task, log);
    step();
    const resolved = () => {
      done = true;
    };
    release(finish, options.leaveStopped, resolved, () => cgroups.removeAtLast());
    cgroups.freeze();
    log.info(`Round trips: ${roundTrips.stops} stops, ${roundTrips.programs} programs`);
    const totalUs = since(started);
    const { pagesCompared, pagesSkippedCow, pagesRestored } = forest.totals;
    const unkept = writeStats(options.workDir, "restore", {
      restore: {
        pages_compared: pagesCompared,
        pages_skipped_cow: pagesSkippedCow,
        forking_time: forkingUs,
        restore_time: totalUs,
        pages_restored: pagesRestored,
      },
    });
    if (unkept !== undefined) log.warn(unkept);
    if (options.hook("post-resume", rootPid) !== 0) log.warn("the post-resume script failed");
    for (const group of restoredTerminals(files).elsewhere) sys(NR.kill, -group, SIG.WINCH);
    return {
      pid: rootPid,
      init: forest.warden?.puppet.pid,
      tasks: set.tasks.length,
      totalUs,
      forkingUs,
      foreground: restoredTerminals(files).foreground,
      details: { pagesCompared, pagesSkippedCow, pagesRestored },
    };
  } finally {
    if (!done) {
      segments.undo();
      forest.kill();
      cgroups.undo();
      files.end();
      files.undo();
    }
    forest[Symbol.dispose]();
    closeFd(service.ours);
    closeFd(service.inherited);
    cpu.release();
  }
}

/** What came back, task by task. */
function tellTask({ pid, core, zombie, threads, mm, fds }: SavedTask, log: Log): void {
  const holds = `${threads.length + 1} threads, ${mm?.vmas.length ?? 0} areas of memory, ${fds.length} descriptors`;
  log.task?.(pid);
  log.info(`${core.tc?.comm ?? ""}: ${zombie ? "a zombie" : holds}`);
  log.task?.(0);
}

/** Where paths of a tree would lead to our mounts they lead to `others`. */
function around(own: Surroundings, others: Surroundings | undefined): Surroundings {
  if (others === undefined) return own;
  const groundOf = (mntId?: number) => {
    const found = own.groundOf(mntId);
    return found === ownGround ? others.groundOf() : found;
  };
  return { groundOf, mounts: own.groundOf() === ownGround ? others.mounts : own.mounts, mountId: own.mountId };
}

/** Does the root ask for a signal at its parent's end? Then that may not be us, who end at once. */
function outlivesUs(root: SavedTask): boolean {
  return [root, ...root.threads].some(({ core }) => core.thread_core?.pdeath_sig);
}

/** Descriptors, root and working directory of each task, once where several share them. */
function placeFiles(tasks: readonly GrownTask[], files: RestoredFiles, service: Service): void {
  const tables = new Set<number>();
  const views = new Set<number>();
  for (const { saved, puppet } of tasks) {
    const { files_id = 0, fs_id = 0 } = saved.ids ?? {};
    const { program } = puppet;
    if (!tables.has(files_id)) files.place(program, saved.fds, service);
    if (!views.has(fs_id)) restoreFs(program, saved.fs, files, service);
    program.run();
    program.forget();
    tables.add(files_id);
    views.add(fs_id);
  }
}

/** The tasks, with the keyrings of their first threads, of those that live where the first ones have ended. */
function keyholders(tasks: readonly GrownTask[], namespaces: FreshNamespaces): Keyholder[] {
  return tasks.map(({ saved, puppet }) => {
    const cores = [saved.core, ...saved.threads.map(({ core }) => core)];
    const rings = cores.find(({ thread_core }) => thread_core?.tscriu_keyrings)?.thread_core?.tscriu_keyrings;
    const inside = namespaces.idsOf(saved);
    const space = inside && { id: saved.ids?.user_ns_id ?? 0, ...inside.maps };
    const { uid = 0, gid = 0 } = saved.core.thread_core?.creds ?? {};
    return { pid: saved.pid, uid, gid, program: puppet.program, rings: rings ?? { keys: [] }, space };
  });
}

function reached({ program, pid }: Puppet, service: Service) {
  return { program, pid, receive: (fd: number) => receiveFd(program, service, fd) };
}

function ownSession(): { sid: number; pgid: number } {
  return { sid: sys(NR.getsid, 0), pgid: sys(NR.getpgid, 0) };
}

function asTask(task: GrownTask, service: Service, forest: Forest): RestoredTask {
  const { saved, puppet } = task;
  return {
    pid: saved.pid,
    hostPid: puppet.pid,
    tree: saved.tree,
    fds: saved.fds,
    run: (build: (program: typeof puppet.program) => void) => {
      build(puppet.program);
      puppet.program.run();
      puppet.program.forget();
    },
    receive: (program, fd) => receiveFd(program, service, fd),
    spawn: (pid) => forest.helper(puppet, pid),
  };
}
