import { CrError } from "../error.ts";
import { FdTypes, type FownEntry, type MemfdInodeEntry } from "../image/schema.gen.ts";
import { closeFd, dupFd, F, fcntl, reopen } from "../kernel/fd.ts";
import { openMapFile } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { pageSize } from "../kernel/page-size.ts";
import { roomOf, setAside } from "../kernel/set-aside.ts";
import { S_IFMT, S_IFREG } from "../kernel/stat.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { toU64 } from "../kernel/u64.ts";
import { F_SEAL, MFD, O, SEEK } from "../kernel/uapi/fcntl.ts";
import { FS } from "../kernel/uapi/magic.ts";
import { HUGE_SHIFT, MAP, PROT } from "../kernel/uapi/mman.ts";
import { attributesOf, giveAttributes, giveLateFlags, lateFlags } from "./attributes.ts";
import type { FileDump, FileKind, FileRestore, OpenFile } from "./kind.ts";
import { perRun } from "./per-run.ts";
import { shmemDevice } from "./shmem-device.ts";

const NSEC_PER_SEC = 1_000_000_000n;
const nobody: FownEntry = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };
const PREFIX = "/memfd:";
const DELETED = " (deleted)";
/** What the kernel calls shared anonymous memory. */
const ANONYMOUS = "/dev/zero";
/** What the kernel calls shared anonymous memory on huge pages, which lies on a file system of its own. */
const HUGE_ANONYMOUS = "/anon_hugepage";
/** A writable shared mapping stands against these; they are set when all are made. */
const LATE = F_SEAL.SEAL | F_SEAL.SHRINK | F_SEAL.GROW | F_SEAL.WRITE | F_SEAL.FUTURE_WRITE | F_SEAL.EXEC;

function isHuge(file: OpenFile): boolean {
  return file.fsType === FS.HUGETLBFS && (file.link.startsWith(PREFIX) || file.link.startsWith(HUGE_ANONYMOUS));
}

/** Whether the kernel calls a file as it calls memfds. */
export function isMemfdLink(link: string): boolean {
  return link.startsWith(PREFIX);
}

/** The name that memfd_create(2) was given; for shared anonymous memory what the kernel calls it. */
function nameOf(link: string): string {
  const name = link.endsWith(DELETED) ? link.slice(0, -DELETED.length) : link;
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
}

const statfsBuffer = new BigInt64Array(new ArrayBuffer(128));

/** MFD_HUGETLB with the code of the page size, which is the block size of the file system. */
function hugeFlag(file: OpenFile): number {
  check(sys(NR.fstatfs, file.dup, addressOf(statfsBuffer)), "cannot read the page size of a memory file", {
    fd: file.fd,
  });
  return (MFD.HUGETLB | (Math.log2(Number(statfsBuffer[1] ?? 0n)) << HUGE_SHIFT)) >>> 0;
}

/** F_GET_SEALS; a descriptor that is only a place (O_PATH) does not tell. */
function sealsOf(file: OpenFile): number {
  const isPlace = (file.flags & O.PATH) !== 0;
  const fd = isPlace ? reopen(file.dup, O.RDONLY, "cannot open a memory file") : file.dup;
  try {
    return Math.max(0, sys(NR.fcntl, fd, F.GET_SEALS, 0));
  } finally {
    if (isPlace) closeFd(fd);
  }
}

/**
 * The memory files of one dump: memfds, and shared anonymous memory, which is the same without a descriptor. Each inode is
 * written once, whoever holds or maps it.
 */
export class MemoryFiles {
  /** The one of this dump. */
  static readonly of = perRun((dump: FileDump) => new MemoryFiles(dump));

  readonly #inodes = new Map<string, number>();
  readonly #mapped = new Map<string, number>();

  private constructor(private readonly dump: FileDump) {}

  /** The inode's number in memfd.img. */
  inode(file: OpenFile): number {
    const key = `${file.stat.dev}:${file.stat.ino}`;
    const known = this.#inodes.get(key);
    if (known !== undefined) return known;
    const id = this.#inodes.size + 1;
    this.#inodes.set(key, id);
    const { stat } = file;
    const entry: MemfdInodeEntry = {
      name: nameOf(file.link),
      uid: stat.uid,
      gid: stat.gid,
      size: stat.size,
      shmid: this.dump.shared(stat, file.dup),
      seals: sealsOf(file),
      inode_id: id,
      mode: stat.mode,
      tscriu_times: [],
    };
    if (isMemfdLink(file.link)) Object.assign(entry, roomOf(stat), this.#ofMemfd(file));
    if (isHuge(file)) entry.hugetlb_flag = hugeFlag(file);
    this.dump.images.append("MEMFD_INODE", [entry]);
    return id;
  }

  /** What shared anonymous memory has not, which nobody has a descriptor of. */
  #ofMemfd(file: OpenFile): Partial<MemfdInodeEntry> {
    const { stat, dup } = file;
    const readable = sys(NR.fcntl, dup, F.GETFL, 0) & O.PATH ? undefined : dup;
    const attributes = attributesOf(dup, stat.mode, readable, (what) =>
      this.dump.log.warn(`of the memory file ${file.link} is not kept ${what}`),
    );
    const times = [toU64(stat.atimeNs), toU64(stat.mtimeNs)];
    return { tscriu_times: times, ...(attributes && { tscriu_attributes: attributes }) };
  }

  /** The file id of a memory file that is mapped: one for each inode, with no flags and no position. */
  idForMapping(file: OpenFile): number {
    const key = `${file.stat.dev}:${file.stat.ino}`;
    const known = this.#mapped.get(key);
    if (known !== undefined) return known;
    const id = this.dump.nextId();
    this.#mapped.set(key, id);
    this.#add(id, 0, 0, nobody, this.inode(file));
    return id;
  }

  addDescriptor(file: OpenFile): void {
    this.#add(file.id, file.flags, file.pos, file.fown, this.inode(file));
  }

  #add(id: number, flags: number, pos: number, fown: FownEntry, inode_id: number): void {
    this.dump.add({ type: FdTypes.MEMFD, id, memfd: { id, flags, pos, fown, inode_id } });
  }
}

/** The inodes of one restore: each is made on first use and keeps a writable descriptor of ours until its seals are set. */
class RestoredInodes {
  readonly #entries: ReadonlyMap<number, MemfdInodeEntry>;
  readonly #made = new Map<number, { fd: number; entry: MemfdInodeEntry; isTaken: boolean }>();

  constructor(private readonly restore: FileRestore) {
    this.#entries = new Map(restore.images.read("MEMFD_INODE").map((entry) => [Number(entry.inode_id), entry]));
    restore.atEnd(() => {
      for (const { fd } of this.#made.values()) sys(NR.close, fd);
      this.#made.clear();
    });
  }

  /**
   * A description of the inode with these flags; the caller's from now on. The first that can be is the one that made it:
   * that alone has no O_LARGEFILE missing and nothing reopened about it.
   */
  open(id: number, flags: number, file: number): number {
    const inode = this.#inode(id, file);
    const asMade = (flags & ~O.LARGEFILE) === O.RDWR;
    if (asMade && !inode.isTaken) {
      inode.isTaken = true;
      return dupFd(inode.fd);
    }
    return reopen(inode.fd, flags & ~(O.CREAT | O.EXCL | O.TRUNC | O.ASYNC), "cannot open a memory file", { file });
  }

  #inode(id: number, file: number): { fd: number; entry: MemfdInodeEntry; isTaken: boolean } {
    const known = this.#made.get(id);
    if (known) return known;
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      throw new CrError("a memory file is not in memfd.img", { code: "BAD_IMAGE", subject: { file, inode: id } });
    }
    const made = { fd: this.#make(entry), entry, isTaken: false };
    this.#made.set(id, made);
    return made;
  }

  #make(entry: MemfdInodeEntry): number {
    const subject = { path: `${PREFIX}${entry.name}` };
    const size = Number(entry.size);
    const huge = entry.name === HUGE_ANONYMOUS ? (entry.hugetlb_flag ?? 0) & ~MFD.HUGETLB : undefined;
    const anonymous =
      entry.name === ANONYMOUS || huge !== undefined
        ? sharedAnonymous(size, huge === undefined ? 0 : MAP.HUGETLB | huge)
        : undefined;
    if (anonymous !== undefined) {
      this.restore.fillShared(entry.shmid, anonymous, size);
      return anonymous;
    }
    const fd = create(entry);
    try {
      check(sys(NR.ftruncate, fd, size), "cannot give a memory file its size", subject);
      check(sys(NR.fchown, fd, entry.uid, entry.gid), "cannot set the owner of a memory file", subject);
      const mode = (entry.mode ?? 0o777) & 0o7777;
      check(sys(NR.fchmod, fd, mode), "cannot set the mode of a memory file", subject);
      if (size > 0) this.restore.fillShared(entry.shmid, fd, size);
      if (entry.tscriu_room) setAside(fd, Number(entry.tscriu_room), subject.path);
      const attributes = entry.tscriu_attributes;
      // who writes takes capabilities away
      if (attributes) giveAttributes(fd, S_IFREG, attributes, subject.path, this.restore.log);
      // nobody maps it for writing: a mapping made before this seal could, as far as the kernel knows
      if (entry.seals & F_SEAL.WRITE) {
        const early = entry.seals & LATE & ~(F_SEAL.SEAL | F_SEAL.FUTURE_WRITE);
        fcntl(fd, F.ADD_SEALS, early, "cannot seal a memory file", subject);
      }
      return fd;
    } catch (error) {
      sys(NR.close, fd);
      throw error;
    }
  }

  /** Sets what must not be set before all mappings exist and all is written. */
  finish(): void {
    for (const { fd, entry } of this.#made.values()) {
      const path = `${PREFIX}${entry.name}`;
      if (entry.tscriu_times.length === 2) {
        const times = new BigInt64Array(
          entry.tscriu_times.map(BigInt).flatMap((ns) => {
            const rest = ((ns % NSEC_PER_SEC) + NSEC_PER_SEC) % NSEC_PER_SEC;
            return [(ns - rest) / NSEC_PER_SEC, rest];
          }),
        );
        check(sys(NR.utimensat, fd, 0, addressOf(times), 0), "cannot set the times of a memory file", { path });
      }
      const flags = lateFlags(entry.tscriu_attributes);
      if (flags !== 0) giveLateFlags(fd, flags, path, this.restore.log);
      const seals = entry.seals & LATE;
      if (seals === 0 || seals === F_SEAL.SEAL) continue;
      fcntl(fd, F.ADD_SEALS, seals, "cannot seal a memory file", { path });
    }
  }
}

const inodes = perRun((restore: FileRestore) => new RestoredInodes(restore));

/**
 * Shared anonymous memory as mmap makes it, by a mapping of our own that is opened and goes; undefined where we may not open
 * it (/proc/self/map_files needs CAP_CHECKPOINT_RESTORE): a memfd does as well, but for its name in maps.
 */
function sharedAnonymous(size: number, huge: number): number | undefined {
  if (size === 0) return undefined;
  const bytes = Math.ceil(size / pageSize()) * pageSize();
  const flags = MAP.SHARED | MAP.ANONYMOUS | MAP.NORESERVE | huge;
  const start = check(sys(NR.mmap, 0, bytes, PROT.READ | PROT.WRITE, flags, -1, 0), "cannot map shared memory", {
    bytes,
  });
  try {
    const fd = openMapFile(process.pid, start, start + bytes, O.RDWR);
    return fd < 0 ? undefined : fd;
  } finally {
    sys(NR.munmap, start, bytes);
  }
}

/** memfd_create(2); close-on-exec, the caller closes it. */
function create(entry: MemfdInodeEntry): number {
  const name = cstring(entry.name);
  const sealing = entry.seals === F_SEAL.SEAL ? 0 : MFD.ALLOW_SEALING;
  const flags = MFD.CLOEXEC | sealing | (entry.hugetlb_flag ?? 0);
  // with MFD_EXEC the sysctl vm.memfd_noexec does not decide on the mode; kernels before 6.3 have neither
  const fd = sys(NR.memfd_create, addressOf(name), flags | MFD.EXEC);
  if (fd >= 0) return fd;
  const remedy = entry.hugetlb_flag ? "set huge pages aside: /proc/sys/vm/nr_hugepages" : undefined;
  return check(
    sys(NR.memfd_create, addressOf(name), flags),
    "cannot make a memory file",
    { path: `${PREFIX}${entry.name}` },
    remedy,
  );
}

/** memfds, and what is one without having been called so: shared anonymous memory opened through a mapping. */
export const memfd: FileKind = {
  name: "memfd",
  type: FdTypes.MEMFD,

  matches(file) {
    if ((file.stat.mode & S_IFMT) !== S_IFREG) return false;
    if (isHuge(file)) return true;
    return file.stat.dev === shmemDevice() && /^\/(memfd:|dev\/zero \(deleted\))/.test(file.link);
  },

  dump(file, dump) {
    MemoryFiles.of(dump).addDescriptor(file);
  },

  open(entry, restore) {
    const { memfd: state } = entry;
    if (state === undefined)
      throw new CrError("a memfd without its state", { code: "BAD_IMAGE", subject: { file: entry.id } });
    const given = inherited(state.inode_id, restore);
    const fd = given ?? inodes(restore).open(state.inode_id, state.flags, entry.id);
    restore.put(entry.id, fd);
    if (given !== undefined || (state.flags & O.PATH) !== 0) return;
    check(sys(NR.lseek, fd, Number(state.pos), SEEK.SET), "cannot set the position in a memory file", {
      file: entry.id,
    });
    restore.applyFown(fd, state.fown, state.flags);
  },

  arm(_, restore) {
    inodes(restore).finish();
  },
};

/** `--inherit-fd fd[N]:/memfd:NAME` */
function inherited(id: number, restore: FileRestore): number | undefined {
  if (restore.options.inheritFds.length === 0) return undefined;
  const entry = restore.images.read("MEMFD_INODE").find(({ inode_id }) => Number(inode_id) === id);
  const given = restore.options.inheritFds.find(({ resource }) => resource === `${PREFIX}${entry?.name}`);
  return given && dupFd(given.fd, "cannot use the descriptor of --inherit-fd", { fd: given.fd });
}
