import { CrError } from "../error.ts";
import type { FownEntry } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { compareFiles } from "../kernel/kcmp.ts";
import { NR } from "../kernel/nr.ts";
import { pidfdGetfd, pidfdOpen } from "../kernel/pidfd.ts";
import { type FdInfo, readFdInfo } from "../kernel/proc/fdinfo.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type FileStat, statFd } from "../kernel/stat.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import type { HeldFd, OpenFile } from "./kind.ts";
import { allowDescriptors } from "./numbers.ts";

/** What the collector must be told. */
export interface CollectContext {
  /** A fresh file id. */
  nextId(): number;
  /** The pid as the tree sees it; 0 when it is none of the tree's. */
  virtualPid(hostPid: number): number;
  /** How many duplicates may be open at once; by our own limit of open files when left out. */
  readonly maxDuplicates?: number;
}

/** Numbers of our own that duplicates leave to the rest of a dump. */
const ENOSYS = -38;
const RESERVE = 1024;

/**
 * Our duplicates of the tree's descriptions. Where the limit of open files is lower than their number, the oldest are
 * closed and taken again when somebody asks.
 */
class Duplicates implements Disposable {
  readonly #open = new Map<number, number>();
  #max: number;
  /** So many there may be, which is known not to be too many. */
  #allowed = 0;

  constructor(private readonly fixedMax: number | undefined) {
    this.#max = fixedMax ?? RESERVE;
  }

  /** Announces how many there will be. */
  expect(count: number): void {
    if (this.fixedMax !== undefined || count <= this.#allowed) return;
    this.#allowed = allowDescriptors(count + RESERVE) - RESERVE;
    this.#max = Math.max(64, this.#allowed);
  }

  add(id: number, dup: number): void {
    for (const [oldest, fd] of this.#open) {
      if (this.#open.size < this.#max) break;
      closeFd(fd);
      this.#open.delete(oldest);
    }
    this.#open.set(id, dup);
  }

  get(id: number, at: { pid: number; fd: number }): number {
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    const pidfd = pidfdOpen(at.pid);
    try {
      const dup = pidfdGetfd(pidfd, at.fd);
      this.add(id, dup);
      return dup;
    } finally {
      closeFd(pidfd);
    }
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open.values()) closeFd(fd);
    this.#open.clear();
  }
}

/** A description with the place through which it is compared with others. */
interface Known {
  readonly file: OpenFile;
  readonly pid: number;
  readonly fd: number;
}

const nobody: FownEntry = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };
const words = new Int32Array(new ArrayBuffer(8));
const wordsAddress = addressOf(words);
const statfsBuffer = new BigInt64Array(new ArrayBuffer(128));
const statfsAddress = addressOf(statfsBuffer);

/** Who gets SIGIO of this description, and as whom: fcntl(2). */
function readFown(dup: number, flags: number, virtualPid: (pid: number) => number): FownEntry {
  if ((flags & O.PATH) !== 0) return nobody;
  const signum = Math.max(0, sys(NR.fcntl, dup, F.GETSIG, 0));
  if (sys(NR.fcntl, dup, F.GETOWN_EX, wordsAddress) !== 0) return { ...nobody, signum };
  const [type = 0, pid = 0] = words;
  if (pid === 0) return signum === 0 && type === 0 ? nobody : { ...nobody, signum, pid_type: type };
  const owned = sys(NR.fcntl, dup, F.GETOWNER_UIDS, wordsAddress) === 0;
  const [uid = 0, euid = 0] = owned ? words : [];
  return { uid: uid >>> 0, euid: euid >>> 0, signum, pid_type: type, pid: virtualPid(pid) };
}

function fsTypeOf(fd: number): number {
  const result = sys(NR.fstatfs, fd, statfsAddress);
  // a program that answers for a file system need not know this
  if (result === ENOSYS) return 0;
  check(result, "cannot read a file system's state", { fd });
  return Number(statfsBuffer[0] ?? 0n);
}

/** Descriptions that may be equal: one inode opened with the same flags. */
function groupOf(info: FdInfo): string {
  return `${info.ino ?? 0}.${info.flags & ~O.CLOEXEC}.${info.mntId}.${info.eventfd?.id ?? ""}`;
}

/**
 * Lists the descriptors of a frozen tree and tells which of them are one open file description. Holds duplicates of the
 * descriptions until it is disposed of; `dup` of a file is good until the next file's is asked for.
 */
export class FileCollector implements Disposable {
  readonly held: HeldFd[] = [];
  readonly files: OpenFile[] = [];
  /** Per group, sorted by the kernel's order of descriptions, so that 10,000 eventfds are found by halving. */
  readonly #groups = new Map<string, Known[]>();
  readonly #duplicates: Duplicates;
  readonly #adopted: number[] = [];

  constructor(private readonly context: CollectContext) {
    this.#duplicates = new Duplicates(context.maxDuplicates);
  }

  /**
   * Adds the descriptor table of a frozen task. Tasks that share a table (CLONE_FILES) are one: call it for the first.
   * @param only the numbers to look at; all when left out
   * @throws CrError ESRCH when the task is gone
   */
  addTable(pid: number, only?: readonly number[]): void {
    using dir = new ProcDir(pid);
    const numbers = only ?? dir.list("fd");
    this.#duplicates.expect(this.files.length + numbers.length);
    const pidfd = pidfdOpen(pid);
    try {
      for (const fd of numbers) this.#add(dir, pidfd, fd);
    } catch (cause) {
      throw new CrError("cannot list the descriptors of a task", { subject: { pid }, cause });
    } finally {
      closeFd(pidfd);
    }
  }

  #add(dir: ProcDir, pidfd: number, fd: number): void {
    const { pid } = dir;
    const info = readFdInfo(dir, fd);
    const file = this.#find(info, pid, fd, () => {
      const link = dir.link(`fd/${fd}`);
      const id = this.context.nextId();
      const duplicates = this.#duplicates;
      duplicates.add(id, pidfdGetfd(pidfd, fd));
      return this.#describe({ pid, fd }, id, info, link, () => duplicates.get(id, { pid, fd }));
    });
    this.held.push({ pid, fd, cloexec: (info.flags & O.CLOEXEC) !== 0, file, locks: info.locks });
  }

  /**
   * The description that a duplicate of ours stands for, one that was found in a queue: the known one that it equals, or
   * a new one of which `from` is told as the place. The duplicate becomes the collector's, whichever it is.
   */
  adopt(dup: number, from: { pid: number; fd: number }): { file: OpenFile; isNew: boolean } {
    using dir = new ProcDir(process.pid);
    const info = readFdInfo(dir, dup);
    let isNew = false;
    const file = this.#find(info, process.pid, dup, () => {
      isNew = true;
      this.#adopted.push(dup);
      return this.#describe(
        { pid: from.pid, fd: from.fd },
        this.context.nextId(),
        info,
        dir.link(`fd/${dup}`),
        () => dup,
      );
    });
    if (!isNew) closeFd(dup);
    return { file, isNew };
  }

  #find(info: FdInfo, pid: number, fd: number, describe: () => OpenFile): OpenFile {
    const key = groupOf(info);
    const group = this.#groups.get(key) ?? [];
    if (group.length === 0) this.#groups.set(key, group);
    let low = 0;
    let high = group.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = group[middle] as Known;
      const order = compareFiles(pid, fd, other.pid, other.fd);
      if (order === 0) return other.file;
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    const file = describe();
    group.splice(low, 0, { file, pid, fd });
    this.files.push(file);
    return file;
  }

  #describe(
    at: { pid: number; fd: number },
    id: number,
    info: FdInfo,
    link: string,
    duplicate: () => number,
  ): OpenFile {
    const dup = duplicate();
    const flags = info.flags & ~O.CLOEXEC;
    return {
      id,
      pid: at.pid,
      fd: at.fd,
      get dup() {
        return duplicate();
      },
      link,
      stat: statFd(dup, { ...at, path: link }),
      fsType: fsTypeOf(dup),
      flags,
      pos: info.pos,
      mntId: info.mntId,
      info,
      fown: readFown(dup, flags, this.context.virtualPid.bind(this.context)),
    };
  }

  /** Closes all duplicates. Do so before the tree runs on or ends: they keep pipes and sockets open. */
  [Symbol.dispose](): void {
    this.#duplicates[Symbol.dispose]();
    for (const fd of this.#adopted.splice(0)) closeFd(fd);
    this.files.length = 0;
    this.held.length = 0;
    this.#groups.clear();
  }
}

/** A description that was found in the queue of a socket, by a descriptor of ours. */
export function describeQueued(dup: number, carrier: OpenFile): OpenFile {
  using dir = new ProcDir(process.pid);
  const info = readFdInfo(dir, dup);
  const at = { pid: carrier.pid, fd: carrier.fd };
  return { ...describeFile(0, dup, dir.link(`fd/${dup}`), info.flags, at), info, fsType: fsTypeOf(dup) };
}

/**
 * Describes an open file of ours that is no descriptor of the tree: the file behind a mapping, an executable. The caller
 * closes `fd`, and does not ask for the kind of its file system afterwards.
 * @param link the name that /proc/PID gives it
 * @param stat its state, where that is known
 */
export function describeFile(
  id: number,
  fd: number,
  link: string,
  flags: number,
  at: { pid: number; fd: number },
  stat: FileStat = statFd(fd, { pid: at.pid, path: link }),
): OpenFile {
  const { mntId } = stat;
  const info: FdInfo = { pos: 0, flags, mntId, locks: [], raw: "" };
  let fsType: number | undefined;
  return {
    id,
    ...at,
    dup: fd,
    link,
    stat,
    // hardly anybody asks
    get fsType() {
      fsType ??= fsTypeOf(fd);
      return fsType;
    },
    flags,
    pos: 0,
    mntId,
    info,
    fown: nobody,
  };
}
