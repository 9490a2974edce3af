/**
 * Whose sockets they are: SO_PEERCRED tells who made a pair, who listens, who connected, and nobody can set it (socket(7)).
 * So the very process makes them again, with the user and group it had then, while it is a puppet.
 */
import { existsSync } from "node:fs";
import type { Arg, Program, Result } from "../agent/program.ts";
import { Puppet } from "../agent/puppet.ts";
import { CrError, type Subject } from "../error.ts";
import type { FileRestore, RestoredTask } from "../file/kind.ts";
import { closeFd, openPath } from "../kernel/fd.ts";
import { keepFileIds } from "../kernel/file-ids.ts";
import { NR } from "../kernel/nr.ts";
import { pidfdGetfd, pidfdOpen } from "../kernel/pidfd.ts";
import { getPeerCredentials, listen, makeSocketPair, tryConnect, unixAddress } from "../kernel/socket.ts";
import { sys } from "../kernel/sys.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import { AF, SOCK } from "../kernel/uapi/socket.ts";

/** An id that stays as it is: setresuid(2). */
const KEEP = 0xffff_ffff;
const PR_SET_DUMPABLE = 4;
/** Pairs that one program makes. */
const BATCH = 256;

/** Effective user and group of a process at the moment when it made, listened or connected. */
export interface Maker {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** SO_PEERCRED of a socket; undefined where it has no such peer. `pid` is as we see it, 0 for one that we cannot see. */
export function readMaker(fd: number): Maker | undefined {
  const maker = getPeerCredentials(fd);
  return maker?.uid === KEEP ? undefined : maker;
}

const keyOf = (type: number, maker: Maker) => `${type}:${maker.pid}:${maker.uid}:${maker.gid}`;

type Doer = Pick<RestoredTask, "pid" | "hostPid" | "run"> & {
  /** Appends what takes a descriptor of ours; its number there. */
  take(program: Program, fd: number): Arg;
};

/** Where the agent of a stand-in lives: nothing else of such a process is up there. */
const STAND_IN_BASE = 0x10_0000_0000;
const SIGKILL = 9;
const WAIT_ALL = 0x4000_0000;

/** A process with the pid of one that is gone, for as long as its sockets are made. It dies with us. */
class StandIn implements Doer, Disposable {
  readonly #puppet: Puppet;

  constructor(readonly pid: number) {
    this.#puppet = Puppet.root(pid, STAND_IN_BASE, 0);
  }

  get hostPid(): number {
    return this.#puppet.pid;
  }

  run(build: (program: Program) => void): void {
    build(this.#puppet.program);
    this.#puppet.program.run();
  }

  take(program: Program, fd: number): Arg {
    const us = program.call(NR.pidfd_open, [process.pid, 0]);
    const theirs = program.call(NR.pidfd_getfd, [us, fd, 0]);
    program.call(NR.close, [us]);
    return theirs;
  }

  [Symbol.dispose](): void {
    sys(NR.kill, this.pid, SIGKILL);
    sys(NR.wait4, this.pid, 0, WAIT_ALL, 0);
    this.#puppet[Symbol.dispose]();
  }
}

function doer(task: RestoredTask): Doer {
  return {
    pid: task.pid,
    hostPid: task.hostPid,
    run: (build) => task.run(build),
    take: (program, fd) => task.receive(program, fd),
  };
}

interface Wanted {
  readonly type: number;
  readonly maker: Maker;
  count: number;
  readonly made: [number, number][];
}

/** The address of a socket below /proc as one who stands in our /proc writes it; undefined for others. */
function belowProc(address: Uint8Array): Uint8Array | undefined {
  const path = Buffer.from(address.subarray(2)).toString("latin1").replace(/\0.*$/s, "");
  return path.startsWith("/proc/") ? unixAddress(Buffer.from(path.slice(6), "latin1")) : undefined;
}

export class UnixMakers implements Disposable {
  readonly #self: Maker = { pid: process.pid, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  readonly #wanted = new Map<string, Wanted>();
  readonly #pidfds = new Map<number, number>();
  readonly #standIns = new Map<number, StandIn>();
  #proc: number | undefined;
  /** Undefined for those that could not be had. */
  #tasks: Map<number, Doer | undefined> | undefined;

  constructor(readonly restore: FileRestore) {}

  [Symbol.dispose](): void {
    for (const { made } of this.#wanted.values()) for (const fd of made.splice(0).flat()) closeFd(fd);
    for (const fd of this.#pidfds.values()) closeFd(fd);
    if (this.#proc !== undefined) closeFd(this.#proc);
    this.#proc = undefined;
    this.#pidfds.clear();
    this.release();
  }

  /** Ends those who stood in: threads of the tree may need their numbers. */
  release(): void {
    for (const [pid, standIn] of this.#standIns) {
      this.#tasks?.set(pid, undefined);
      standIn[Symbol.dispose]();
    }
    this.#standIns.clear();
  }

  /** Announces a pair, so that all those of one process are made by one program. */
  want(type: number, maker: Maker): void {
    const key = keyOf(type, maker);
    const wanted = this.#wanted.get(key);
    if (wanted) wanted.count++;
    else this.#wanted.set(key, { type, maker, count: 1, made: [] });
  }

  /** Two connected sockets, close-on-exec; the caller closes them. */
  pair(type: number, maker: Maker | undefined, subject: Subject): [number, number] {
    if (maker === undefined) return makeSocketPair(AF.UNIX, type, subject);
    const wanted = this.#wanted.get(keyOf(type, maker));
    if (wanted !== undefined && wanted.made.length === 0) this.#makePairs(wanted);
    return wanted?.made.pop() ?? this.#asUs(maker, () => makeSocketPair(AF.UNIX, type, subject));
  }

  #makePairs(wanted: Wanted): void {
    const count = Math.min(wanted.count, BATCH);
    wanted.count -= count;
    const { type, maker } = wanted;
    const task = count > 0 ? this.#task(maker) : undefined;
    if (task === undefined) return;
    try {
      const ends: { call: Result; fds: Int32Array }[] = [];
      const run: Program[] = [];
      task.run((program) => {
        run.push(program);
        this.#become(program, maker);
        for (let i = 0; i < count; i++) {
          const place = program.reserve(8);
          const call = program.call(NR.socketpair, [AF.UNIX, type | SOCK.CLOEXEC, 0, place], { ignore: true });
          ends.push({ call, fds: new Int32Array(place.bytes.buffer, place.bytes.byteOffset, 2) });
        }
        this.#return(program, maker);
      });
      const made = ends
        .filter(({ call }) => run[0]?.result(call) === 0)
        .map(({ fds: [a = -1, b = -1] }) => [a, b] as const);
      const pidfd = this.#pidfd(task);
      try {
        for (const [a, b] of made) wanted.made.push([pidfdGetfd(pidfd, a), pidfdGetfd(pidfd, b)]);
      } finally {
        task.run((program) => {
          for (const fd of made.flat()) program.call(NR.close, [fd]);
        });
      }
    } catch (error) {
      this.#cannot(maker, error);
    }
  }

  /** listen(2), in the name of the one who did. */
  listen(fd: number, backlog: number, maker: Maker | undefined, subject: Subject): void {
    if (maker === undefined) listen(fd, backlog, subject);
    else if (
      this.#throughTask(fd, maker, (program, theirs) =>
        program.call(NR.listen, [theirs, backlog], { ignore: true }),
      ) !== 0
    )
      this.#asUs(maker, () => listen(fd, backlog, subject));
  }

  /** connect(2), in the name of the one who did: 0 or the negative errno. The address has to mean the same everywhere. */
  connect(fd: number, address: Uint8Array, maker: Maker | undefined): number {
    if (maker === undefined) return tryConnect(fd, address);
    const done = this.#throughTask(fd, maker, (program, theirs, task) => {
      const below = belowProc(address);
      if (below === undefined)
        return program.call(NR.connect, [theirs, program.data(address), address.length], { ignore: true });
      // the task may have another /proc, or none
      const proc = task.take(program, this.#openProc());
      const before = program.call(NR.openat, [AT.FDCWD, program.text("."), O.PATH | O.DIRECTORY]);
      program.call(NR.fchdir, [proc]);
      const connected = program.call(NR.connect, [theirs, program.data(below), below.length], { ignore: true });
      for (const [nr, which] of [
        [NR.fchdir, before],
        [NR.close, before],
        [NR.close, proc],
      ] as const)
        program.call(nr, [which]);
      return connected;
    });
    return done === 0 ? 0 : this.#asUs(maker, () => tryConnect(fd, address));
  }

  /** One call on a descriptor of ours, which the task takes for the moment; its result, undefined where there is no such task. */
  #throughTask(
    fd: number,
    maker: Maker,
    act: (program: Program, theirs: Arg, task: Doer) => Result,
  ): number | undefined {
    const task = this.#task(maker);
    if (task === undefined) return undefined;
    try {
      let done: (() => number) | undefined;
      task.run((program) => {
        const theirs = task.take(program, fd);
        this.#become(program, maker);
        const result = act(program, theirs, task);
        this.#return(program, maker);
        program.call(NR.close, [theirs]);
        done = () => program.result(result);
      });
      return done?.();
    } catch (error) {
      this.#cannot(maker, error);
      return undefined;
    }
  }

  #task({ pid }: Maker): Doer | undefined {
    const { tasks } = this.restore;
    this.#tasks ??= new Map(tasks.map((task) => [task.pid, doer(task)]));
    // Without a tree there are no pids to keep.
    if (this.#tasks.has(pid) || pid === 0 || tasks.length === 0) return this.#tasks.get(pid);
    this.#tasks.set(pid, undefined);
    if (this.restore.pidsApart || existsSync(`/proc/${pid}`)) return undefined;
    try {
      const standIn = new StandIn(pid);
      this.#standIns.set(pid, standIn);
      this.#tasks.set(pid, standIn);
      return standIn;
    } catch (error) {
      // Its number is that of a group or a session still, or there are no such rights.
      if (!(error instanceof CrError)) throw error;
      this.restore.log.debug(`SO_PEERCRED of sockets that process ${pid} made will tell our pid: ${error.message}`);
      return undefined;
    }
  }

  #openProc(): number {
    this.#proc ??= openPath("/proc", O.PATH | O.DIRECTORY);
    return this.#proc;
  }

  #pidfd(task: Doer): number {
    const known = this.#pidfds.get(task.pid);
    if (known !== undefined) return known;
    const pidfd = pidfdOpen(task.hostPid);
    this.#pidfds.set(task.pid, pidfd);
    return pidfd;
  }

  /** A task that cannot see us, or may not: its sockets are as good, but for what they say of it. */
  #cannot(maker: Maker, error: unknown): void {
    if (!(error instanceof CrError)) throw error;
    this.restore.log.warn(
      `SO_PEERCRED of sockets that process ${maker.pid} made will tell another pid: ${error.message}`,
    );
  }

  /** An effective user and group, in the words of the one who takes them. */
  #inside({ pid, uid, gid }: Maker): Pick<Maker, "uid" | "gid"> {
    const ids = this.restore.idsOf(pid);
    return ids ? { uid: ids.uid(uid), gid: ids.gid(gid) } : { uid, gid };
  }

  /** Whom a puppet is until the end: ourselves, or the root of the tree's user namespace; perhaps nobody in its own. */
  #puppet(pid: number): Pick<Maker, "uid" | "gid"> {
    const { ids } = this.restore.images;
    const root = { pid, uid: ids?.chief?.uid ?? this.#self.uid, gid: ids?.chief?.gid ?? this.#self.gid };
    return this.#inside(root);
  }

  /** The saved user id leads back. */
  #become(program: Program, maker: Maker): void {
    const { uid, gid } = this.#inside(maker);
    const self = this.#puppet(maker.pid);
    if (gid !== self.gid) program.call(NR.setresgid, [KEEP, gid, KEEP], { ignore: true });
    if (uid !== self.uid) program.call(NR.setresuid, [KEEP, uid, KEEP], { ignore: true });
  }

  #return(program: Program, maker: Maker): void {
    const { uid, gid } = this.#inside(maker);
    const self = this.#puppet(maker.pid);
    if (uid !== self.uid) program.call(NR.setresuid, [KEEP, self.uid, KEEP]);
    if (gid !== self.gid) program.call(NR.setresgid, [KEEP, self.gid, KEEP]);
    if (uid !== self.uid || gid !== self.gid) program.call(NR.prctl, [PR_SET_DUMPABLE, 1, 0, 0, 0]);
  }

  /** In the name of its user and group, where the process itself is gone. The raw calls change this thread alone. */
  #asUs<T>({ uid, gid }: Maker, act: () => T): T {
    const self = this.#self;
    if (uid === self.uid && gid === self.gid) return act();
    if (gid !== self.gid) sys(NR.setresgid, KEEP, gid, KEEP);
    if (uid !== self.uid) sys(NR.setresuid, KEEP, uid, KEEP);
    try {
      return act();
    } finally {
      if (uid !== self.uid) sys(NR.setresuid, KEEP, self.uid, KEEP);
      if (gid !== self.gid) sys(NR.setresgid, KEEP, self.gid, KEEP);
      sys(NR.prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
      keepFileIds();
    }
  }
}
