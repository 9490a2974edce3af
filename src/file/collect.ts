import { CrError } from "../error.ts";
import type { FownEntry } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { compareFiles } from "../kernel/kcmp.ts";
import { NR } from "../kernel/nr.ts";
import { pidfdGetfd, pidfdOpen } from "../kernel/pidfd.ts";
import { type FdInfo, readFdInfo } from "../kernel/proc/fdinfo.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { statFd } from "../kernel/stat.ts";
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
  check(sys(NR.fstatfs, fd, statfsAddress), "cannot read a file system's state", { fd });
  return Number(statfsBuffer[0] ?? 0n);
}

/** Descriptions that may be equal: one inode opened with the same flags. */
function groupOf(info: FdInfo): string {
  return `${info.ino ?? 0}.${info.flags & ~O.CLOEXEC}.${info.mntId}.${info.eventfd?.id ?? ""}`;
}

/**
 * Lists the descriptors of a frozen tree and tells which of them are one open file description. Holds a duplicate of
 * every description until it is disposed of.
 */
export class FileCollector implements Disposable {
  readonly held: HeldFd[] = [];
  readonly files: OpenFile[] = [];
  /** Per group, sorted by the kernel's order of descriptions, so that 10,000 eventfds are found by halving. */
  readonly #groups = new Map<string, OpenFile[]>();

  constructor(private readonly context: CollectContext) {}

  /**
   * Adds the descriptor table of a frozen task. Tasks that share a table (CLONE_FILES) are one: call it for the first.
   * @param only the numbers to look at; all when left out
   * @throws CrError ESRCH when the task is gone
   */
  addTable(pid: number, only?: readonly number[]): void {
    using dir = new ProcDir(pid);
    const numbers = only ?? dir.list("fd");
    allowDescriptors(this.files.length + numbers.length + 1024);
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
    const file = this.#find(info, pid, fd, () => ({ link: dir.link(`fd/${fd}`), dup: pidfdGetfd(pidfd, fd) }));
    this.held.push({ pid, fd, cloexec: (info.flags & O.CLOEXEC) !== 0, file, locks: info.locks });
  }

  /**
   * The description that a duplicate of ours stands for, one that was found in a queue: the known one that it equals, or
   * a new one of which `from` is told as the place. The duplicate becomes the collector's, whichever it is.
   */
  adopt(dup: number, from: { pid: number; fd: number }): { file: OpenFile; isNew: boolean } {
    using dir = new ProcDir(process.pid);
    const known = this.files.length;
    const place = { link: "", dup, at: from };
    const file = this.#find(readFdInfo(dir, dup), process.pid, dup, () => ({ ...place, link: dir.link(`fd/${dup}`) }));
    const isNew = this.files.length > known;
    if (!isNew) closeFd(dup);
    return { file, isNew };
  }

  #find(
    info: FdInfo,
    pid: number,
    fd: number,
    open: () => { link: string; dup: number; at?: { pid: number; fd: number } },
  ): OpenFile {
    const key = groupOf(info);
    const group = this.#groups.get(key) ?? [];
    if (group.length === 0) this.#groups.set(key, group);
    let low = 0;
    let high = group.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = group[middle] as OpenFile;
      const order = compareFiles(pid, fd, process.pid, other.dup);
      if (order === 0) return other;
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    const { link, dup, at } = open();
    const file = this.#describe(at ?? { pid, fd }, info, link, dup);
    group.splice(low, 0, file);
    this.files.push(file);
    return file;
  }

  #describe(at: { pid: number; fd: number }, info: FdInfo, link: string, dup: number): OpenFile {
    try {
      const flags = info.flags & ~O.CLOEXEC;
      const stat = statFd(dup, { ...at, path: link });
      return {
        id: this.context.nextId(),
        pid: at.pid,
        fd: at.fd,
        dup,
        link,
        stat,
        fsType: fsTypeOf(dup),
        flags,
        pos: info.pos,
        mntId: info.mntId,
        info,
        fown: readFown(dup, flags, this.context.virtualPid),
      };
    } catch (error) {
      closeFd(dup);
      throw error;
    }
  }

  /** Closes all duplicates. Do so before the tree runs on or ends: they keep pipes and sockets open. */
  [Symbol.dispose](): void {
    for (const file of this.files) closeFd(file.dup);
    this.files.length = 0;
    this.held.length = 0;
    this.#groups.clear();
  }
}

/**
 * Describes an open file of ours that is no descriptor of the tree: the file behind a mapping, an executable. The caller
 * closes `fd`.
 * @param link the name that /proc/PID gives it
 */
export function describeFile(
  id: number,
  fd: number,
  link: string,
  flags: number,
  at: { pid: number; fd: number },
): OpenFile {
  const stat = statFd(fd, { pid: at.pid, path: link });
  const info: FdInfo = { pos: 0, flags, mntId: stat.mntId, locks: [], raw: "" };
  return { id, ...at, dup: fd, link, stat, fsType: fsTypeOf(fd), flags, pos: 0, mntId: stat.mntId, info, fown: nobody };
}
