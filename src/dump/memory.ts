/** A frozen task's memory: what its areas are, which files they map, what blocks, and the mm image. */
import type { Area } from "../agent/home.ts";
import { CrError } from "../error.ts";
import { describeFile } from "../file/collect.ts";
import { isRingOf, withoutIoUring } from "../file/io-uring.ts";
import { RegularFiles } from "../file/regular-files.ts";
import { shmemDevice } from "../file/shmem-device.ts";
import type { MmEntry, TscriuMempolicy, VmaEntry } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { openMapFile } from "../kernel/memory.ts";
import { anyFlag, hasFlag, readSmaps, VM, type Vma } from "../kernel/proc/maps.ts";
import { getNumber } from "../kernel/socket.ts";
import { type FileStat, S_IFMT, S_IFREG, statPath } from "../kernel/stat.ts";
import { check } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { AF, SO, SOL } from "../kernel/uapi/socket.ts";
import { ringOf } from "../memory/aio.ts";
import { type Polls, readPolls } from "../memory/aio-polls.ts";
import { findContent, type PageRuns } from "../memory/content.ts";
import { isSegment, type Segments } from "../memory/segments.ts";
import { withoutProbes } from "../memory/uprobes.ts";
import { ownAreas } from "../memory/vdso-mark.ts";
import {
  type DumpedVma,
  describeVma,
  isAioRing,
  isSocketRing,
  isUprobes,
  isUring,
  joinVvar,
  type MappedFile,
  VMA,
  vmaBlocker,
} from "../memory/vmas.ts";
import type { TreeFiles } from "./files.ts";
import type { InfectedTask } from "./infect.ts";
import type { TaskAnswers } from "./task.ts";
import type { FrozenTask } from "./tree.ts";

function pathOf(pid: number, { start, end }: Vma): string {
  return `/proc/${pid}/map_files/${start.toString(16)}-${end.toString(16)}`;
}

const isRegular = (stat: FileStat | undefined) => stat !== undefined && (stat.mode & S_IFMT) === S_IFREG;

/**
 * Whether two areas of different tasks are so alike that the same is to be written of them. They nearly always come from one
 * mapping, by fork(2); where each was mapped by itself, how its file was opened shows in what a shared one may become (`mw`),
 * and makes no difference to a private one.
 */
function isAlike(a: Vma, b: Vma): boolean {
  return (
    a.end === b.end &&
    a.ino === b.ino &&
    a.flags === b.flags &&
    a.prot === b.prot &&
    a.offset === b.offset &&
    a.dev === b.dev &&
    a.name === b.name &&
    a.shared === b.shared &&
    a.pkey === b.pkey &&
    a.pageSize === b.pageSize
  );
}

/** Areas that look alike and show different objects of the kernel. */
const isItsOwn = (vma: Vma) => isAioRing(vma) || isUring(vma) || isSocketRing(vma);

/** Mapped files of the whole dump by device and inode: thousands of areas may map a few files. */
export class MappedFiles {
  readonly #known = new Map<string, Omit<MappedFile, "fdflags">>();
  /** What was described last at an address: relatives have the same there. */
  readonly #last = new Map<number, DumpedVma>();
  /** Files that a private area was found to be mapped of by a description for reading alone. */
  readonly #read = new Set<string>();

  constructor(readonly files: TreeFiles) {}

  /** An area as it will be saved. */
  describe(task: FrozenTask, vma: Vma): DumpedVma {
    const twin = this.#last.get(vma.start);
    if (twin && isAlike(twin.vma, vma)) return { ...twin, vma };
    const dumped = describeVma(vma, this.#of(task, vma));
    if (this.files.tree.tasks.length > 1 && !isItsOwn(vma)) this.#last.set(vma.start, dumped);
    return dumped;
  }

  /**
   * How the file of an area was opened, by a link of /proc: a task has some thirty of them. To private areas it makes no difference,
   * and so one of a file that was opened for reading alone tells of all of them.
   */
  #flagsOf(task: FrozenTask, vma: Vma, key: string): number {
    if (!vma.shared && this.#read.has(key)) return O.RDONLY;
    const mode = statPath(pathOf(task.pid, vma), true)?.mode ?? 0o400;
    if ((mode & 0o200) !== 0) return (mode & 0o400) !== 0 ? O.RDWR : O.WRONLY;
    if (!vma.shared) this.#read.add(key);
    return O.RDONLY;
  }

  /** The file of an area; undefined for anonymous memory. */
  #of(task: FrozenTask, vma: Vma): MappedFile | undefined {
    if (vma.name === "" && vma.ino === 0) return undefined;
    // the first segment of an ipc namespace has id 0, which stands where a file's inode does
    if ((vma.ino === 0 && !isSegment(vma)) || isAioRing(vma) || isUring(vma)) return undefined;
    // private anonymous memory on huge pages has a file of the kernel's own, which says nothing
    if (!vma.shared && vma.name.startsWith("/anon_hugepage")) return undefined;
    const key = `${vma.dev}:${vma.ino}`;
    const fdflags = this.#flagsOf(task, vma, key);
    if (isSocketRing(vma)) return { id: this.#socket(task, vma), kind: "socket", fdflags };
    let known = this.#known.get(key);
    if (!known) {
      known = this.#open(task, vma);
      this.#known.set(key, known);
    }
    return { ...known, fdflags };
  }

  #socket(task: FrozenTask, vma: Vma): number {
    const id = socketOf(this.files, vma);
    if (id !== undefined) return id;
    throw ringProblem(task.pid, vma);
  }

  #open(task: FrozenTask, vma: Vma): Omit<MappedFile, "fdflags"> {
    const subject = { pid: task.pid, address: vma.start, path: vma.name };
    const kind = isSegment(vma)
      ? "segment"
      : vma.dev === shmemDevice() || hasFlag(vma.flags, VM.ht)
        ? "memory"
        : "file";
    const stat = kind === "file" ? statPath(pathOf(task.pid, vma)) : undefined;
    const open = (flags: number) => openMapFile(task.pid, vma.start, vma.end, flags);
    // opened for reading, a device may do who knows what
    let fd = kind !== "file" ? open(O.RDONLY) : isRegular(stat) ? open(O.RDONLY | O.NONBLOCK) : -1;
    const isReadable = fd >= 0;
    if (!isReadable && kind === "file") fd = open(O.PATH);
    check(fd, "cannot open a mapped file", subject, "run as root, or with CAP_CHECKPOINT_RESTORE");
    try {
      if (kind === "segment") {
        this.files.segment(vma.ino, fd);
        return { id: vma.ino, kind };
      }
      const file = describeFile(0, fd, vma.name, 0, { pid: task.pid, fd: -1 }, stat);
      if (kind === "memory") return { id: this.files.memoryFile(file), kind };
      const id = RegularFiles.of(this.files).idForPath(Object.assign(file, { isReadable }));
      return { id, kind };
    } finally {
      closeFd(fd);
    }
  }
}

/** File id of the packet socket whose rings an area shows. */
function socketOf(files: TreeFiles, vma: Vma): number | undefined {
  const found = files.held.find(({ file }) => file.stat.ino === vma.ino && file.link === vma.name)?.file;
  return found && getNumber(found.dup, SOL.SOCKET, SO.DOMAIN) === AF.PACKET ? found.id : undefined;
}

function ringProblem(pid: number, vma: Vma): CrError {
  return new CrError("the area maps a socket that is no packet socket of which the tree has a descriptor", {
    code: "ENOTSUP",
    subject: { pid, address: vma.start, path: vma.name },
    remedy: "let the program unmap it before the dump",
  });
}

function strayRing(pid: number, vma: Vma): CrError {
  return new CrError("the task has mapped an io_uring of which it has no descriptor", {
    code: "ENOTSUP",
    subject: { pid, address: vma.start, path: vma.name },
    remedy: withoutIoUring(pid),
  });
}

/** All that a dump knows of a task's address space before it touches it. */
export interface TaskMemory {
  readonly vmas: readonly Vma[];
  /** The same for the search for a way home. */
  readonly areas: readonly Area[];
  /** Requests of asynchronous I/O that wait for a descriptor; undefined where nobody may see them. */
  readonly polls: Polls | undefined;
}

const isNotOurs = anyFlag([...[VM.um, VM.uw, VM.ui, VM.ht, VM.dp, VM.wf, VM.io, VM.pf, VM.ss, VM.sl, VM.gu]]);
const isLocked = anyFlag([VM.lo, VM.lf]);

/** Reads the mappings, and reports what could not be saved. */
export function readMemory(
  task: FrozenTask,
  files: TreeFiles,
  segments: Segments,
  blocker: (error: CrError) => void,
): TaskMemory {
  const vmas = readSmaps(task.dir);
  const told = new Set<string>();
  for (const vma of vmas) {
    const isLost = isSocketRing(vma) && socketOf(files, vma) === undefined;
    const isStray = isUring(vma) && !files.held.some(({ pid, file }) => pid === task.pid && isRingOf(file, vma));
    const other = isLost
      ? ringProblem(task.pid, vma)
      : isStray
        ? strayRing(task.pid, vma)
        : vmaBlocker(task.pid, vma, files.options.allowUprobes);
    const problem = isSegment(vma) ? segments.look(task.pid, vma) : other;
    // an object is mapped in several parts
    if (!problem || told.has(`${problem.message} ${vma.ino}`)) continue;
    told.add(`${problem.message} ${vma.ino}`);
    blocker(problem);
  }
  const areas = vmas.map((vma) => ({
    start: vma.start,
    end: vma.end,
    readable: (vma.prot & 1) !== 0,
    writable: (vma.prot & 2) !== 0,
    executable: (vma.prot & 4) !== 0,
    shared: vma.shared,
    special: (isNotOurs(vma.flags) && vma.name !== "[vdso]") || isUprobes(vma),
    locked: isLocked(vma.flags),
    name: vma.name,
  }));
  const polls = vmas.some(isAioRing) ? readPolls(task.pid, blocker) : new Map<number, number[]>();
  return { vmas, areas, polls };
}

function withPolicy(area: DumpedVma, policies: ReadonlyMap<number, TscriuMempolicy>): DumpedVma {
  const policy = policies.get(area.vma.start);
  return policy ? { ...area, entry: { ...area.entry, tscriu_mempolicy: policy } } : area;
}

/** The areas as they will be saved, and the pages to save. */
export function describeMemory(
  task: FrozenTask,
  memory: TaskMemory,
  policies: ReadonlyMap<number, TscriuMempolicy>,
  files: MappedFiles,
  { home, memory: remote }: InfectedTask,
): {
  entries: VmaEntry[];
  runs: PageRuns;
} {
  const isProbed = memory.vmas.some(isUprobes);
  const own = isProbed ? memory.vmas.filter((vma) => !isUprobes(vma)) : memory.vmas;
  const areas = ownAreas(task.pid, own, (address, length) => remote.read(address, length));
  const dumped: DumpedVma[] = areas.map((vma) => withPolicy(files.describe(task, vma), policies));
  const { runs, guards } = findContent(task.dir, dumped, home.own);
  const regions = guards.map(
    ([start, end]): VmaEntry => ({ start, end, pgoff: 0, shmid: 0, prot: 0, flags: 0, status: VMA.GUARD, fd: -1 }),
  );
  return {
    entries: [...joinVvar(dumped).map((d) => d.entry), ...regions],
    runs: isProbed ? withoutProbes({ pid: task.pid, memory: remote, code: home.code }, runs) : runs,
  };
}

/** The mm image of a task. The answers are what only the task itself could tell. */
export function mmEntry(
  task: FrozenTask,
  vmas: VmaEntry[],
  polls: Polls,
  exe: number,
  { leader, brk, protectionKeys }: TaskAnswers,
): MmEntry {
  const { stat } = task;
  const auxv = task.dir.bytes("auxv");
  const words = new BigUint64Array(new Uint8Array(auxv).buffer);
  let used = words.length;
  // without the closing AT_NULL pair, as the format keeps it
  while (used >= 2 && words[used - 1] === 0n && words[used - 2] === 0n) used -= 2;
  return {
    mm_start_code: stat.startCode,
    mm_end_code: stat.endCode,
    mm_start_data: stat.startData,
    mm_end_data: stat.endData,
    mm_start_stack: stat.startStack,
    mm_start_brk: stat.startBrk,
    mm_brk: brk,
    mm_arg_start: stat.argStart,
    mm_arg_end: stat.argEnd,
    mm_env_start: stat.envStart,
    mm_env_end: stat.envEnd,
    exe_file_id: exe,
    mm_saved_auxv: [...words.subarray(0, used)].map((w) => (w <= 0x1f_ffff_ffff_ffffn ? Number(w) : w)),
    vmas,
    dumpable: leader.process.dumpable,
    aios: vmas.filter((vma) => vma.status & VMA.AIORING).map((vma) => ringOf(vma, polls)),
    thp_disabled: leader.process.thpDisabled,
    tscriu_pkeys: protectionKeys || undefined,
  };
}
