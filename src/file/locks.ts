import { CrError, type Subject } from "../error.ts";
import type { FileLockEntry } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, tryOpen } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import type { FileLock } from "../kernel/proc/locks.ts";
import { LOCK_EOF } from "../kernel/proc/locks.ts";
import { addressOf, sys, sysError } from "../kernel/sys.ts";
import { F, F_LOCK, LOCK, O } from "../kernel/uapi/fcntl.ts";
import type { FileDump, FileRestore, HeldFd, OpenFile, RestoredTask } from "./kind.ts";

const EAGAIN = -(ERRNO.EAGAIN ?? 11);

/** Kinds of lock, as images number them (file_lock_entry.flag). */
const KIND = { POSIX: 1, FLOCK: 2, OFD: 4, LEASE: 8 } as const;
/** In file_lock_entry.type of a lease: it is being broken, and the type is what it shall become. */
const BREAKING = 4;

const KINDS: Partial<Record<FileLock["kind"], number>> = {
  POSIX: KIND.POSIX,
  FLOCK: KIND.FLOCK,
  OFDLCK: KIND.OFD,
  LEASE: KIND.LEASE,
};
const TYPES: Partial<Record<FileLock["type"], number>> = {
  READ: F_LOCK.RDLCK,
  WRITE: F_LOCK.WRLCK,
  UNLCK: F_LOCK.UNLCK,
};
const WORDS: ReadonlyMap<number, string> = new Map([
  [KIND.POSIX, "a POSIX lock"],
  [KIND.FLOCK, "a flock lock"],
  [KIND.OFD, "a lock of an open file description"],
  [KIND.LEASE, "a lease"],
]);

/** struct flock on 64-bit machines: l_type, l_whence, l_start, l_len, l_pid. */
const FLOCK_SIZE = 32;

function subjectOf(held: HeldFd): Subject {
  return { pid: held.pid, fd: held.fd, path: held.file.link };
}

/**
 * What a lease is that shall go away altogether, which the kernel shows nowhere: one for reading lets others read, and this
 * breaks none any further.
 */
function leaseOf(file: OpenFile): number | undefined {
  const fd = tryOpen(`/proc/self/fd/${file.dup}`, O.RDONLY | O.NONBLOCK);
  if (fd < 0) return fd === EAGAIN ? F_LOCK.WRLCK : undefined;
  closeFd(fd);
  return F_LOCK.RDLCK;
}

/** A lock as an image keeps it. */
function entryOf(lock: FileLock, held: HeldFd, dump: FileDump): FileLockEntry {
  const flag = KINDS[lock.kind];
  const type = TYPES[lock.type];
  if (flag === undefined || type === undefined) {
    throw new CrError(`a lock of the kind ${lock.kind} ${lock.type} cannot be dumped`, {
      code: "UNSUPPORTED",
      subject: subjectOf(held),
      remedy: "let the program release it before the dump",
    });
  }
  const breaking = flag === KIND.LEASE && lock.mode === "BREAKING" ? BREAKING : 0;
  const was = breaking !== 0 && type === F_LOCK.UNLCK ? leaseOf(held.file) : undefined;
  const hasRange = flag === KIND.POSIX || flag === KIND.OFD;
  return {
    flag,
    type: type | breaking,
    pid: dump.virtualPid(dump.processOf(held.pid)),
    fd: held.fd,
    start: hasRange ? Number(lock.start) : 0,
    len: hasRange && lock.end !== LOCK_EOF ? Number(lock.end - lock.start + 1n) : 0,
    ...(was === undefined ? {} : { tscriu_lease: was }),
  };
}

/**
 * Every lock of the tree once, with the descriptor through which it is set again. Locks of a description are shown by all
 * descriptors that share it, and are set by who did it before if he still has one; POSIX locks are shown by all numbers that
 * one task has for it.
 */
function* locksOf(dump: FileDump): Generator<[FileLock, HeldFd]> {
  const seen = new Map<OpenFile, Set<string>>();
  const holders = new Map<OpenFile, Set<number>>();
  for (const { file, pid, locks } of dump.held) {
    if (locks.length > 0) holders.set(file, (holders.get(file) ?? new Set()).add(dump.processOf(pid)));
  }
  for (const held of dump.held) {
    if (held.locks.length === 0) continue;
    const known = seen.get(held.file) ?? new Set<string>();
    seen.set(held.file, known);
    for (const lock of held.locks) {
      if (lock.blocked || lock.mode === "BREAKER") continue;
      const owner = lock.kind === "POSIX" ? held.pid : 0;
      const key = `${lock.kind} ${lock.type} ${owner} ${lock.start} ${lock.end}`;
      const isForAnother = lock.pid !== dump.processOf(held.pid) && holders.get(held.file)?.has(lock.pid) === true;
      if (known.has(key) || isForAnother) continue;
      known.add(key);
      yield [lock, held];
    }
  }
}

/** Reports locks that cannot be dumped: all of them unless the user allowed locks. */
export function checkLocks(dump: FileDump): void {
  for (const [lock, held] of locksOf(dump)) {
    try {
      const { flag } = entryOf(lock, held, dump);
      if (dump.options.fileLocks) continue;
      const what = `${WORDS.get(flag)} is held`;
      dump.blocker(
        new CrError(what, { code: "LOCKED", subject: subjectOf(held), remedy: "keep it with --file-locks" }),
      );
    } catch (error) {
      if (!(error instanceof CrError)) throw error;
      dump.blocker(error);
    }
  }
}

/** Writes filelocks.img. Call it once all descriptors are known. */
export function dumpLocks(dump: FileDump): void {
  if (!dump.options.fileLocks) return;
  const entries = Array.from(locksOf(dump), ([lock, held]) => entryOf(lock, held, dump));
  dump.images.write("FILE_LOCKS", entries);
}

/** What is needed to set one lock again. */
interface Holder {
  readonly task: RestoredTask;
  readonly entry: FileLockEntry;
  readonly subject: Subject;
  /** Our duplicate of the description. */
  readonly dup: number;
}

function holderOf(entry: FileLockEntry, restore: FileRestore): Holder {
  const task = restore.tasks.find(({ pid }) => pid === entry.pid);
  const id = task?.fds.find(({ fd }) => fd === entry.fd)?.id;
  const subject: Subject = { pid: entry.pid, fd: entry.fd };
  if (task === undefined || id === undefined) {
    throw new CrError("a lock of a descriptor that is not in the images", { code: "BAD_IMAGE", subject });
  }
  return {
    task,
    entry,
    subject: { ...subject, path: restore.entries.get(id)?.reg?.name },
    dup: restore.descriptor(id),
  };
}

/** fcntl(F_SETLK), flock(2) or fcntl(F_SETLEASE), as the task itself: some are its own, and all show its pid. */
function setLock({ task, entry, subject }: Holder, type: number): void {
  const options = {
    what: `cannot set ${WORDS.get(entry.flag) ?? "a lock"} again: is the file locked by another process?`,
    subject,
  };
  task.run((program) => {
    if (entry.flag === KIND.FLOCK) {
      program.call(NR.flock, [entry.fd, flockOperation(type) | LOCK.NB], options);
    } else if (entry.flag === KIND.LEASE) {
      program.call(NR.fcntl, [entry.fd, F.SETLEASE, type], options);
    } else {
      if (program.room < FLOCK_SIZE || program.calls < 1) program.run();
      const range = program.reserve(FLOCK_SIZE);
      range.view.setInt16(0, type, true);
      range.view.setBigInt64(8, BigInt(entry.start), true);
      range.view.setBigInt64(16, BigInt(entry.len), true);
      program.call(NR.fcntl, [entry.fd, entry.flag === KIND.OFD ? F.OFD_SETLK : F.SETLK, range], options);
    }
  });
}

function flockOperation(type: number): number {
  return type === F_LOCK.RDLCK ? LOCK.SH : LOCK.EX;
}

/**
 * A lease that is being broken: set as it was, then broken again by an open that does not wait. Nobody is told, for the
 * signal of the first time is among the task's signals. Such a lease was for writing when it shall become one for reading;
 * else it may have been either, which CRIU's images do not say.
 */
function breakLease(holder: Holder): void {
  const target = holder.entry.type & ~BREAKING;
  const isDowngrade = target === F_LOCK.RDLCK;
  const owner = new Int32Array(2);
  const had = sys(NR.fcntl, holder.dup, F.GETOWN_EX, addressOf(owner)) === 0 && owner[1] !== 0;
  const was = isDowngrade ? F_LOCK.WRLCK : holder.entry.tscriu_lease;
  tryLease(holder, was === undefined ? [F_LOCK.WRLCK, F_LOCK.RDLCK] : [was]);
  sys(NR.fcntl, holder.dup, F.SETOWN_EX, addressOf(new Int32Array([owner[0] ?? 0, 0])));
  const access = isDowngrade ? O.RDONLY : O.WRONLY;
  const fd = tryOpen(`/proc/self/fd/${holder.dup}`, access | O.NONBLOCK);
  if (fd >= 0) closeFd(fd);
  if (had) sys(NR.fcntl, holder.dup, F.SETOWN_EX, addressOf(owner));
  if (fd >= 0)
    throw new CrError("a lease that was being broken is not broken again", { code: "LEASE", subject: holder.subject });
}

/** Sets the first of these types that can be had. */
function tryLease(holder: Holder, types: readonly number[]): void {
  for (const type of types) {
    try {
      setLock(holder, type);
      return;
    } catch (error) {
      if (type === types.at(-1)) throw error;
    }
  }
}

/**
 * Sets all locks again. Call it when every task has its descriptors, and none of them closes any more: a close of any
 * descriptor of a file ends the POSIX locks that a task holds on it.
 * @throws CrError when the images hold locks and the user did not ask for them, or another process has locked the file
 */
export function restoreLocks(restore: FileRestore): void {
  const entries = restore.images.read("FILE_LOCKS");
  if (entries.length === 0) return;
  if (!restore.options.fileLocks) {
    throw new CrError("the images hold file locks", {
      code: "LOCKED",
      subject: { image: "filelocks.img", locks: entries.length },
      remedy: "restore with --file-locks",
    });
  }
  for (const entry of entries) {
    if (!WORDS.has(entry.flag))
      throw sysError(-22, "a lock of an unknown kind", { image: "filelocks.img", kind: entry.flag });
    const holder = holderOf(entry, restore);
    if (entry.flag === KIND.LEASE && (entry.type & BREAKING) !== 0) breakLease(holder);
    else setLock(holder, entry.type);
  }
}
