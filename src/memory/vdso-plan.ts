/**
 * What becomes of a task's vDSO. The running kernel's takes its place where programs cannot tell the two apart. Else the old one
 * stays as the memory that it is in the images, and its functions jump to the running kernel's, which lies elsewhere: so CRIU
 * does it, too. Old code that a thread was stopped in runs on over a data area of zeros, which make it ask the kernel.
 */
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { PageFlag, type Pagemap } from "../image/pagemap.ts";
import type { MmEntry, VmaEntry } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { PAGE_SIZE, RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { parseMaps } from "../kernel/proc/maps.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { exportedFunctions, type Functions, sameCode } from "./vdso-elf.ts";
import { type Jumps, jumps } from "./vdso-jump.ts";
import type { Mark } from "./vdso-mark.ts";
import { isFree, nearestRoom, occupied, type Range } from "./vdso-room.ts";
import { VMA } from "./vmas.ts";

/** The running kernel's, as every task gets it: places are bytes from the lowest of its areas. */
export interface Runtime {
  readonly vdso: Range;
  /** All of its data areas. */
  readonly vvar: Range | undefined;
  readonly size: number;
  readonly bytes: Uint8Array;
  /** By name, bytes from the vDSO's beginning. */
  readonly functions: Functions;
}

interface Patch {
  readonly at: number;
  readonly bytes: Uint8Array;
}

export type VdsoPlan =
  /** The task has none. */
  | { readonly kind: "none" }
  /** The running kernel's goes to where the task had its own: what lies at these addresses is wanted. */
  | { readonly kind: "move"; readonly vdso: number; readonly wanted: readonly Range[] }
  /** The old one stays, patched; the running kernel's goes to `to`, with a mark at its beginning. */
  | {
      readonly kind: "beside";
      readonly to: number;
      /** Where the old one lies, and what is to be there. */
      readonly vdso: number;
      readonly code: Uint8Array;
      readonly mark: (Mark & { readonly at: number }) | undefined;
    };

/** A task as the images have it. */
export interface SavedSpace {
  readonly pid: number;
  readonly mm: MmEntry;
  /** Instruction pointers of its threads, by tid. */
  readonly stopped: ReadonlyMap<number, number>;
  /** What its vDSO holds; undefined where the images have not all of it. */
  readonly bytes: Uint8Array | undefined;
}

let known: { runtime: Runtime | undefined } | undefined;

/** Undefined where the kernel gives tasks no vDSO. */
export function runtimeVdso(): Runtime | undefined {
  known ??= { runtime: readRuntime() };
  return known.runtime;
}

function readRuntime(): Runtime | undefined {
  using dir = new ProcDir(process.pid);
  // of our own hundreds, the few that the kernel made
  const lines = dir.text("maps").split("\n");
  const maps = parseMaps(Buffer.from(lines.flatMap((line) => (line.includes("[v") ? `${line}\n` : [])).join("")));
  const vdso = maps.find((vma) => vma.name === "[vdso]");
  if (!vdso) return undefined;
  const data = spanOf(maps.filter((vma) => vma.name.startsWith("[vvar")));
  const lowest = Math.min(vdso.start, data?.start ?? vdso.start);
  const highest = Math.max(vdso.end, data?.end ?? vdso.end);
  using memory = new RemoteMemory(process.pid);
  const bytes = memory.read(vdso.start, vdso.end - vdso.start);
  const functions = exportedFunctions(bytes);
  if (!functions) return undefined;
  const relative = ({ start, end }: Range) => ({ start: start - lowest, end: end - lowest });
  return { vdso: relative(vdso), vvar: data && relative(data), size: highest - lowest, bytes, functions };
}

function spanOf(ranges: readonly Range[]): Range | undefined {
  if (ranges.length === 0) return undefined;
  return { start: Math.min(...ranges.map((r) => r.start)), end: Math.max(...ranges.map((r) => r.end)) };
}

const rangeOf = ({ start, end }: VmaEntry): Range => ({ start: Number(start), end: Number(end) });

/** Where the images have a task's vDSO and its data. */
function ownRanges(mm: MmEntry): { vdso: Range | undefined; vvar: Range | undefined; all: Range[] } {
  const vdso = mm.vmas.filter((entry) => entry.status & VMA.VDSO).map(rangeOf);
  const vvar = mm.vmas.filter((entry) => entry.status & VMA.VVAR).map(rangeOf);
  return { vdso: spanOf(vdso), vvar: spanOf(vvar), all: [...vdso, ...vvar] };
}

/** No kernel's vDSO has more bytes. */
const LARGEST = 1 << 20;

/** What the images hold of a task's vDSO; undefined where they have not all of it. */
export function savedVdso(images: ImageDirectory, mm: MmEntry, pagemap: Pagemap): Uint8Array | undefined {
  const { vdso } = ownRanges(mm);
  if (!vdso) return undefined;
  const size = vdso.end - vdso.start;
  if (!(size > 0 && size <= LARGEST))
    throw new CrError(`the images have a vDSO of ${size} bytes`, {
      code: "BAD_IMAGE",
      subject: { address: vdso.start },
      remedy: "take the whole set from its origin again, or dump again",
    });
  const bytes = new Uint8Array(size);
  const fd = images.openRaw("PAGES", pagemap.pagesId);
  if (fd === undefined) return undefined;
  let offset = 0;
  let got = 0;
  try {
    for (let i = 0; i < pagemap.count && (pagemap.vaddr[i] ?? 0) < vdso.end; i++) {
      const start = pagemap.vaddr[i] ?? 0;
      const length = (pagemap.pages[i] ?? 0) * PAGE_SIZE;
      if (((pagemap.flags[i] ?? 0) & PageFlag.present) === 0) continue;
      const from = Math.max(start, vdso.start);
      const to = Math.min(start + length, vdso.end);
      if (from < to) {
        const into = bytes.subarray(from - vdso.start, to - vdso.start);
        const done = sys(NR.pread64, fd, addressOf(into), into.length, offset + from - start);
        if (done === into.length) got += done;
      }
      offset += length;
    }
  } finally {
    closeFd(fd);
  }
  return got === bytes.length ? bytes : undefined;
}

/**
 * @param taken what else is not to be touched while the task is made
 * @param space size of an address space, bytes
 */
export function planVdso(
  task: SavedSpace,
  taken: readonly Range[],
  space: number,
  runtime = runtimeVdso(),
  how = jumps,
): VdsoPlan {
  const { pid, mm, bytes, stopped } = task;
  const { vdso, vvar, all } = ownRanges(mm);
  if (all.length === 0) return { kind: "none" };
  const same =
    runtime !== undefined && (!vdso || vdso.end - vdso.start === runtime.bytes.length) && sameData(vdso, vvar, runtime);
  const place = vdso?.start ?? (vvar?.start ?? 0) + (runtime?.vdso.start ?? 0) - (runtime?.vvar?.start ?? 0);
  const move: VdsoPlan = { kind: "move", vdso: place, wanted: all };
  const inside = vdso ? [...stopped.values()].filter((ip) => ip > vdso.start && ip < vdso.end) : [];
  if (same && (!vdso || (bytes && sameCode(bytes, runtime.bytes)))) return move;
  const functions = bytes && exportedFunctions(bytes);
  if (!vdso || !bytes || !functions) {
    // of a set that keeps its pages elsewhere: sizes are all that there is to go by
    if (same && vdso && !bytes && inside.length === 0) return move;
    throw new CrError("the task's vDSO is of another kernel, and the set has not all of its code", {
      code: "ENOTSUP",
      subject: { pid, address: place },
      remedy: "restore on the kernel that the task was dumped on",
    });
  }
  if (same && inside.length === 0 && sameFunctions(functions, runtime.functions)) return move;

  const around = [...occupied(mm), ...taken];
  const to = runtime ? besideOf(pid, { vdso, bytes, functions }, runtime, around, space, how) : 0;
  const patches = patchesOf(pid, { vdso, bytes, functions }, runtime, to, how);
  for (const [tid, ip] of stopped) {
    const patch = patches.find(({ at, bytes }) => ip > at && ip < at + bytes.length);
    if (!patch) continue;
    throw new CrError(
      "the vDSO is of another kernel, and a thread was stopped at the very instructions that a jump replaces",
      {
        code: "ENOTSUP",
        subject: { pid, tid, address: ip },
        remedy: "restore on the kernel that the task was dumped on, or dump again",
      },
    );
  }
  const mark = runtime && {
    at: to + runtime.vdso.start,
    vdso: vdso.start,
    vvar: vvar?.start,
    marksVvar: runtime.vvar && to + runtime.vvar.start,
  };
  const code = new Uint8Array(bytes);
  for (const patch of patches) code.set(patch.bytes, patch.at - vdso.start);
  return { kind: "beside", to, vdso: vdso.start, code, mark };
}

function sameData(vdso: Range | undefined, vvar: Range | undefined, runtime: Runtime): boolean {
  if (!vvar) return true;
  if (!runtime.vvar || vvar.end - vvar.start !== runtime.vvar.end - runtime.vvar.start) return false;
  return !vdso || vvar.start - vdso.start === runtime.vvar.start - runtime.vdso.start;
}

function sameFunctions(one: Functions, other: Functions): boolean {
  return one.size === other.size && [...one].every(([name, at]) => other.get(name) === at);
}

interface Old {
  readonly vdso: Range;
  readonly bytes: Uint8Array;
  readonly functions: Functions;
}

/** Where each function of the old one is replaced, by name: offset in it. An instruction to land on stays, or comes first. */
function replaced({ bytes, functions }: Old, how: Jumps): Map<string, { offset: number; lander: Uint8Array }> {
  const names = Object.keys(how.calls).filter((name) => functions.has(name));
  return new Map(
    names.map((name) => {
      const start = functions.get(name) ?? 0;
      const landing = how.landing(bytes, start);
      return [name, { offset: start + landing, lander: landing > 0 ? new Uint8Array(0) : how.lander }];
    }),
  );
}

/** Where the running kernel's goes: where it lay when the task was dumped, if it has been so before; else near the old one. */
function besideOf(pid: number, old: Old, runtime: Runtime, taken: readonly Range[], space: number, how: Jumps): number {
  const before = new Set<number>();
  for (const [name, { offset }] of replaced(old, how)) {
    const target = how.target(old.bytes, offset, old.vdso.start + offset);
    const to = runtime.functions.get(name);
    if (target !== undefined && to !== undefined) before.add(target - to - runtime.vdso.start);
  }
  const [last = -1] = before;
  if (before.size === 1 && last % PAGE_SIZE === 0 && isFree(last, runtime.size, taken)) return last;
  const place = nearestRoom(old.vdso, runtime.size, taken, space);
  if (place !== undefined) return place;
  throw new CrError("the address space of the task leaves no room for the running kernel's vDSO", {
    code: "ENOMEM",
    subject: { pid, bytes: runtime.size },
  });
}

function patchesOf(pid: number, old: Old, runtime: Runtime | undefined, to: number, how: Jumps): Patch[] {
  const places = replaced(old, how);
  const starts = [...places.keys()].map((name) => old.functions.get(name) ?? 0);
  const ends = [...starts, old.bytes.length].sort((a, b) => a - b);
  return [...places].map(([name, { offset, lander }]) => {
    const at = old.vdso.start + offset;
    const target = runtime?.functions.get(name);
    const rest =
      runtime && target !== undefined
        ? how.jump(at + lander.length, to + runtime.vdso.start + target)
        : how.call(how.calls[name] ?? 0);
    const bytes = Uint8Array.of(...lander, ...rest);
    const next = ends.find((start) => start > offset) ?? 0;
    if (offset + bytes.length > next)
      throw new CrError(`the vDSO is of another kernel, and its function ${name} is too short for a jump`, {
        code: "ENOTSUP",
        subject: { pid, address: at },
        remedy: "restore on the kernel that the task was dumped on",
      });
    return { at, bytes };
  });
}
