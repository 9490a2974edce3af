/** From the kernel's list of mappings to VMA entries: what each area is, and how it comes back. */
import { CrError } from "../error.ts";
import { URING } from "../file/io-uring.ts";
import type { VmaEntry } from "../image/schema.gen.ts";
import { anyFlag, hasFlag, VM, type Vma } from "../kernel/proc/maps.ts";

/** Bits of vma_entry.status. */
export const VMA = {
  REGULAR: 1 << 0,
  VSYSCALL: 1 << 2,
  VDSO: 1 << 3,
  HEAP: 1 << 5,
  FILE_PRIVATE: 1 << 6,
  FILE_SHARED: 1 << 7,
  ANON_SHARED: 1 << 8,
  ANON_PRIVATE: 1 << 9,
  SYSVIPC: 1 << 10,
  SOCKET: 1 << 11,
  VVAR: 1 << 12,
  AIORING: 1 << 13,
  MEMFD: 1 << 14,
  SHSTK: 1 << 15,
  GUARD: 1 << 16,
  UPROBES: 1 << 17,
} as const;

export const MAP = {
  SHARED: 0x1,
  PRIVATE: 0x2,
  DROPPABLE: 0x8,
  FIXED: 0x10,
  ANONYMOUS: 0x20,
  GROWSDOWN: 0x100,
  LOCKED: 0x2000,
  NORESERVE: 0x4000,
  HUGETLB: 0x40000,
  FIXED_NOREPLACE: 0x100000,
} as const;
const HUGE_SHIFT = 26;

/** VmFlags that stand for an madvise(2) advice; the bit number of `madv` is the advice's value. */
const ADVICE: readonly (readonly [flag: number, advice: number])[] = [
  [VM.rr, 1],
  [VM.sr, 2],
  [VM.dc, 10],
  [VM.mg, 12],
  [VM.hg, 14],
  [VM.nh, 15],
  [VM.dd, 16],
  [VM.wf, 18],
];

const isAdvised = anyFlag(ADVICE.map(([flag]) => flag));

/** What the images need to know of a mapped file: given by the file room. */
export interface MappedFile {
  id: number;
  /**
   * Shared memory of the kernel's own tmpfs, whose content goes with the set; a System V segment, whose id the id is; the rings
   * of a packet socket.
   */
  kind: "file" | "memory" | "segment" | "socket";
  /** How to open the file for the mapping: O_RDONLY or O_RDWR. */
  fdflags: number;
}

/** A VMA as it will be saved, with what a dump needs beside the entry. */
export interface DumpedVma {
  readonly entry: VmaEntry;
  readonly vma: Vma;
  /** Its pages go to the task's own page images. */
  readonly hasPages: boolean;
  /** Contents can be fetched on demand at restore. */
  readonly lazy: boolean;
}

/** PROT_BTI of aarch64 (asm/mman.h): smaps tells it by a flag. */
const PROT_BTI = 0x10;

function refuse(pid: number, vma: Vma, what: string, remedy: string): CrError {
  return new CrError(what, {
    code: "ENOTSUP",
    subject: { pid, address: vma.start, path: vma.name || undefined },
    remedy,
  });
}

/** The ring of completions of an AIO context (io_setup(2)). */
export function isAioRing(vma: Vma): boolean {
  return vma.name.startsWith("/[aio]");
}

/** The queues of an io_uring: they are saved as plain memory, and put back into a new one. */
export function isUring(vma: Vma): boolean {
  return vma.name === URING;
}

/** The rings of a packet socket. */
export function isSocketRing(vma: Vma): boolean {
  return vma.name.startsWith("socket:[");
}

/** Most areas are plain. */
const isPeculiar = anyFlag([VM.gd, VM.lo, VM.nr, VM.dp, VM.ht]);

function flagsOf(vma: Vma, anonymous: boolean): number {
  let flags: number = vma.shared ? MAP.SHARED : MAP.PRIVATE;
  if (anonymous) flags |= MAP.ANONYMOUS;
  if (!isPeculiar(vma.flags)) return flags;
  const has = (flag: number) => hasFlag(vma.flags, flag);
  if (has(VM.gd)) flags |= MAP.GROWSDOWN;
  if (has(VM.lo)) flags |= MAP.LOCKED;
  if (has(VM.nr)) flags |= MAP.NORESERVE;
  if (has(VM.dp)) flags = (flags & ~MAP.PRIVATE) | MAP.DROPPABLE;
  if (has(VM.ht)) flags |= MAP.HUGETLB | (Math.log2(vma.pageSize) << HUGE_SHIFT);
  return flags;
}

/** Flags that may stand in the way of a dump. */
const isDoubtful = anyFlag([VM.um, VM.uw, VM.ui, VM.mt, VM.ss, VM.io, VM.pf]);

/** Where the kernel keeps the instructions at whose place it has put breakpoints (uprobes): it is made with the first that is hit. */
export function isUprobes(vma: Vma): boolean {
  return vma.name === "[uprobes]";
}

/** What cannot be saved of a mapping, or undefined when it can. */
export function vmaBlocker(pid: number, vma: Vma, allowUprobes: boolean): CrError | undefined {
  if (vma.name === "" && !isDoubtful(vma.flags)) return undefined;
  const has = (flag: number) => hasFlag(vma.flags, flag);
  if (isUring(vma)) return undefined;
  const object = /^anon_inode:\[?([^\]]+)/.exec(vma.name)?.[1];
  if (object !== undefined) {
    return refuse(
      pid,
      vma,
      `the area maps a kernel object of the kind ${object}`,
      "let the program unmap it before the dump",
    );
  }
  if (has(VM.um) || has(VM.uw) || has(VM.ui)) {
    return refuse(pid, vma, "the area is watched by a userfaultfd", "let the program close its userfaultfd");
  }
  if (isUprobes(vma)) {
    const remedy = "pass --allow-uprobes: it is left out, and set again where it still is";
    return allowUprobes ? undefined : refuse(pid, vma, "a uprobe was hit in the task", remedy);
  }
  if (has(VM.mt)) {
    return refuse(
      pid,
      vma,
      "the area has memory tags (MTE), which are not kept yet",
      "start the program with GLIBC_TUNABLES=glibc.mem.tagging=0",
    );
  }
  if (has(VM.ss))
    return refuse(
      pid,
      vma,
      "the task uses a shadow stack: these are not kept yet",
      "start it with GLIBC_TUNABLES=glibc.cpu.hwcaps=-SHSTK",
    );
  const special = vma.name.startsWith("[v") || vma.name === "";
  if (!special && (has(VM.io) || has(VM.pf))) {
    return refuse(pid, vma, "the area maps device memory", "let the program unmap the device before the dump");
  }
  return undefined;
}

/**
 * The entry of one mapping.
 * @param file for mappings of files, which file it is
 */
export function describeVma(found: Vma, file: MappedFile | undefined): DumpedVma {
  const vma = isUring(found) ? { ...found, shared: false } : found;
  const vdso = vma.name === "[vdso]";
  const vvar = vma.name.startsWith("[vvar");
  const vsyscall = vma.name === "[vsyscall]" || vma.name === "[vectors]";
  const segment = file?.kind === "segment";
  const anonymous = file === undefined || segment;
  let status: number = vsyscall ? VMA.VSYSCALL : VMA.REGULAR;
  if (vdso) status |= VMA.VDSO;
  if (vvar) status |= VMA.VVAR;
  if (vma.name === "[heap]") status |= VMA.HEAP;
  if (file?.kind === "memory") status |= VMA.MEMFD;
  if (segment) status |= VMA.SYSVIPC;
  if (file?.kind === "socket") status |= VMA.SOCKET;
  else if (anonymous) status |= vma.shared ? VMA.ANON_SHARED : VMA.ANON_PRIVATE;
  else status |= vma.shared ? VMA.FILE_SHARED : VMA.FILE_PRIVATE;
  const ring = isAioRing(vma);
  if (ring) status = VMA.AIORING;
  let madv = 0;
  if (isAdvised(vma.flags)) for (const [flag, advice] of ADVICE) if (hasFlag(vma.flags, flag)) madv += 2 ** advice;
  const flags = flagsOf(vma, anonymous && !ring);
  const entry: VmaEntry = {
    // vsyscall lies beyond what a number holds exactly in general
    start: vsyscall ? BigInt(vma.start) : vma.start,
    end: vsyscall ? BigInt(vma.end) : vma.end,
    pgoff: anonymous && !segment ? 0 : vma.offset,
    shmid: file?.id ?? 0,
    prot: hasFlag(vma.flags, VM.bt) ? vma.prot | PROT_BTI : vma.prot,
    flags,
    status,
    fd: -1,
    madv: madv || undefined,
    fdflags: file?.fdflags,
    tscriu_lock_onfault: hasFlag(vma.flags, VM.lf) || undefined,
    tscriu_pkey: vma.pkey || undefined,
    // a kernel may seal what is its own
    tscriu_sealed: (hasFlag(vma.flags, VM.sl) && !vdso && !vvar && !vsyscall) || undefined,
    tscriu_name: vma.name === "" ? undefined : /^\[anon(?:_shmem)?:(.*)\]$/s.exec(vma.name)?.[1],
  };
  const isPrivate = (status & (VMA.ANON_PRIVATE | VMA.FILE_PRIVATE)) !== 0;
  const hasPages = ring || (isPrivate && !vsyscall && !vvar && !(flags & MAP.DROPPABLE));
  return {
    entry,
    vma,
    hasPages,
    lazy: hasPages && anonymous && !vdso && !ring && !isUring(vma) && !(flags & MAP.LOCKED),
  };
}

/** vvar and vvar_vclock are one area in the images. */
export function joinVvar(vmas: DumpedVma[]): DumpedVma[] {
  const out: DumpedVma[] = [];
  for (const one of vmas) {
    const last = one.entry.status & VMA.VVAR ? out.at(-1) : undefined;
    if (last && last.entry.status & VMA.VVAR && last.entry.end === one.entry.start) {
      out[out.length - 1] = { ...last, entry: { ...last.entry, end: one.entry.end } };
    } else {
      out.push(one);
    }
  }
  return out;
}
