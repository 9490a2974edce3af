import { PSEUDO } from "../agent/layout.ts";
import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import { type ExtFileEntry, FdTypes, type TscriuUring, type TscriuUringArea } from "../image/schema.gen.ts";
import { openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { hasFlag, readMaps, readSmaps, VM, type Vma } from "../kernel/proc/maps.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { MAP, PROT } from "../kernel/uapi/mman.ts";
import { isRingOf, URING, withoutIoUring } from "./io-uring.ts";
import type { FileDump, FileKind, OpenFile, RestoredTask } from "./kind.ts";
import { type RingState, ringState, SETUP } from "./uring-state.ts";

/** Offsets of linux/io_uring.h: struct io_uring_params, and what it tells of the queues. */
const PARAMS = { SIZE: 120, CQ_ENTRIES: 4, FLAGS: 8, SQ_TAIL: 44, SQ_ARRAY: 64, CQ_HEAD: 80, CQ_CQES: 100 } as const;
const GETEVENTS = 1;
const CQE = 16;
const FD_CLOEXEC = 1;
/** madvise(2): DONTFORK, DONTDUMP. */
const ADVICE: readonly (readonly [flag: number, advice: number])[] = [
  [VM.dc, 10],
  [VM.dd, 16],
];
/** Lowest address that a task may map. */
const LOWEST = 0x10000;
const NOTHING = MAP.PRIVATE | MAP.ANONYMOUS | MAP.NORESERVE | MAP.FIXED_NOREPLACE;
/** So many requests take a moment. */
const MANY = 20_000_000;

function areasIn(pid: number, file: OpenFile, read: (dir: ProcDir) => Vma[]): Vma[] {
  using dir = new ProcDir(pid);
  return read(dir).filter((vma) => vma.name === URING && isRingOf(file, vma));
}

function problem(file: OpenFile, dump: FileDump): CrError | undefined {
  const refuse = (what: string) =>
    new CrError(what, {
      code: "UNSUPPORTED",
      subject: { pid: file.pid, fd: file.fd, path: file.link },
      remedy: withoutIoUring(file.pid),
    });
  const isOurs = (pid: number) => pid === file.pid;
  const holders = dump.held.filter((held) => held.file.id === file.id).map(({ pid }) => pid);
  const users = dump.pids.filter((pid) => areasIn(pid, file, readMaps).length > 0);
  if (![...holders, ...users].every(isOurs)) return refuse("an io_uring is shared by several processes");
  const others = dump.held.filter((held) => held.file.id !== file.id && held.file.link === URING);
  if (others.some((held) => held.file.stat.ino === file.stat.ino))
    return refuse("this kernel does not tell which io_uring is mapped where");
  if (areasIn(file.pid, file, readMaps).some(({ prot }) => prot !== (PROT.READ | PROT.WRITE)))
    return refuse("an io_uring is mapped, but not for reading and writing");
  return undefined;
}

function areaEntry(vma: Vma): TscriuUringArea {
  return {
    start: vma.start,
    length: vma.end - vma.start,
    offset: vma.offset,
    advice: ADVICE.filter(([flag]) => hasFlag(vma.flags, flag)).map(([, advice]) => advice),
  };
}

function entryOf(file: OpenFile, state: RingState): TscriuUring {
  return {
    setup: state.setup,
    sq_entries: state.sqEntries,
    cq_entries: state.cqEntries,
    submitted: state.submitted,
    completed: state.completed,
    flags: file.flags,
    areas: areasIn(file.pid, file, readSmaps).map(areaEntry),
  };
}

/** io_uring_setup(2) in a task, whose ring then counts its requests from where the saved one stood. */
function makeRing(program: Program, ring: TscriuUring, subject: { file: number }): number {
  const params = program.keep(PARAMS.SIZE);
  params.view.setUint32(PARAMS.CQ_ENTRIES, ring.cq_entries, true);
  const setup = (ring.setup & ~(SETUP.ATTACH_WQ | SETUP.CLAMP)) | SETUP.CQSIZE;
  params.view.setUint32(PARAMS.FLAGS, setup, true);
  const made = program.call(NR.io_uring_setup, [ring.sq_entries, params], {
    what: "cannot make an io_uring (sysctl kernel.io_uring_disabled may forbid it)",
    subject,
  });
  program.run();
  const fd = program.result(made);
  const at = (offset: number) => params.view.getUint32(offset, true);
  const cqe = ring.setup & SETUP.CQE32 ? CQE * 2 : CQE;
  const size = Math.max(at(PARAMS.SQ_ARRAY) + ring.sq_entries * 4, at(PARAMS.CQ_CQES) + ring.cq_entries * cqe);
  const queues = program.call(NR.mmap, [0, size, PROT.READ | PROT.WRITE, MAP.SHARED | MAP.POPULATE, fd, 0], {
    what: "cannot map an io_uring",
    subject,
  });
  program.run();
  const base = program.result(queues);
  countTo(program, fd, ring, { tail: base + at(PARAMS.SQ_TAIL), head: base + at(PARAMS.CQ_HEAD) });
  program.call(NR.munmap, [base, size]);
  return fd;
}

/**
 * Its counters are the kernel's, and go on with each request: so it is asked for as many as there were. New queues are all
 * zeros, which is a request to do nothing.
 */
function countTo(program: Program, fd: number, ring: TscriuUring, at: { tail: number; head: number }): void {
  const most = Math.min(ring.sq_entries, ring.cq_entries);
  for (let done = 0; done < ring.submitted; ) {
    const n = Math.min(most, ring.submitted - done);
    done += n;
    program.call(PSEUDO.store32, [at.tail, done]);
    program.call(NR.io_uring_enter, [fd, n, n, GETEVENTS, 0, 0], {
      expect: n,
      what: "an io_uring does not take requests",
    });
    program.call(PSEUDO.store32, [at.head, done]);
  }
}

/**
 * What the task has had in its mappings lies there as plain memory. The kernel takes no address for a ring, and finds a place by
 * itself: so no other one is free that would do.
 */
function mapThere(task: RestoredTask, program: Program, fd: number, area: TscriuUringArea): void {
  const start = Number(area.start);
  const size = Number(area.length);
  const options = { what: "cannot map an io_uring", subject: { pid: task.pid, address: start } };
  const map = (expect?: number) =>
    program.call(
      NR.mmap,
      [0, size, PROT.READ | PROT.WRITE, MAP.SHARED | MAP.POPULATE, fd, Number(area.offset)],
      expect === undefined ? options : { ...options, expect },
    );
  program.run();
  using dir = new ProcDir(task.hostPid);
  const others = gaps(readMaps(dir), { start, end: start + size });
  const beside = map();
  program.call(PSEUDO.copy, [beside, start, size]);
  program.call(NR.munmap, [beside, size]);
  for (const [at, length] of others)
    program.call(NR.mmap, [at, length, PROT.NONE, NOTHING, -1, 0], { ...options, expect: at });
  program.call(NR.munmap, [start, size]);
  map(start);
  for (const [at, length] of others) program.call(NR.munmap, [at, length]);
  for (const advice of area.advice)
    program.call(NR.madvise, [start, size, advice], { ...options, what: "cannot give an io_uring advice" });
}

/**
 * Where so much would find a place below the highest mapping, beside the area itself; and what is free right before and behind that,
 * however little: with the area it would be one place, of which the kernel takes the one end or the other.
 */
function gaps(maps: readonly Vma[], area: { start: number; end: number }): [start: number, length: number][] {
  const found: [number, number][] = [];
  let at = LOWEST;
  const taken = maps.filter(({ name }) => name !== "[vsyscall]" && name !== "[vectors]");
  for (const { start, end } of [...taken, area].sort((a, b) => a.start - b.start)) {
    const touches = start === area.start || at === area.end;
    if (start - at >= (touches ? 1 : area.end - area.start)) found.push([at, start - at]);
    at = Math.max(at, end);
  }
  return found;
}

function restoreRing(
  holders: readonly { task: RestoredTask; entry: { fd: number; flags: number } }[],
  ring: TscriuUring,
  id: number,
): void {
  const task = holders[0]?.task;
  task?.run((program) => {
    const fd = makeRing(program, ring, { file: id });
    for (const area of ring.areas) mapThere(task, program, fd, area);
    program.call(NR.fcntl, [fd, F.SETFL, ring.flags]);
    for (const { entry } of holders) {
      program.call(NR.dup3, [fd, entry.fd, entry.flags & FD_CLOEXEC ? O.CLOEXEC : 0], {
        what: "cannot put an io_uring at its number",
        subject: { fd: entry.fd },
      });
    }
    program.call(NR.close, [fd]);
  });
}

function savedRing({ id, ext }: { id: number; ext?: ExtFileEntry | undefined }): TscriuUring {
  const ring = ext?.tscriu_uring;
  const isPower = (n: number) => n > 0 && n <= 1 << 16 && (n & (n - 1)) === 0;
  if (ring && isPower(ring.sq_entries) && isPower(ring.cq_entries) && ring.submitted === ring.completed) return ring;
  throw new CrError("an io_uring without its state", { code: "BAD_IMAGE", subject: { file: id } });
}

/**
 * Rings in which nothing is under way. A new one is made in the task itself: the kernel lets nobody send one. Until then
 * something else has its number.
 */
export const uring: FileKind = {
  name: "io_uring",
  type: FdTypes.EXT,

  matches: ({ link }) => link === URING,
  restores: ({ ext }) => ext?.tscriu_uring !== undefined,

  check(file, dump) {
    const found = problem(file, dump);
    if (found) return dump.blocker(found);
    try {
      ringState(file);
    } catch (error) {
      if (!(error instanceof CrError)) throw error;
      dump.blocker(error);
    }
  },

  dump(file, dump) {
    const tscriu_uring = entryOf(file, ringState(file));
    dump.add({ type: FdTypes.EXT, id: file.id, ext: { id: file.id, fown: file.fown, tscriu_uring } });
  },

  precheck(entry) {
    savedRing(entry);
  },

  open(entry, restore) {
    restore.put(entry.id, openPath("/", O.PATH | O.CLOEXEC));
  },

  link(entries, restore) {
    for (const entry of entries) {
      const ring = savedRing(entry);
      if (ring.submitted > MANY)
        restore.log.info(`An io_uring had ${ring.submitted} requests: to count so far takes some seconds`);
      restoreRing(restore.holders(entry.id), ring, entry.id);
    }
  },
};
