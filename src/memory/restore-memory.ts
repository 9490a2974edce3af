/** A puppet's address space becomes the task's: mappings, contents, protections, advice, and what the kernel knows of them. */
import { AREA, PSEUDO } from "../agent/layout.ts";
import type { Load, Program } from "../agent/program.ts";
import type { Puppet } from "../agent/puppet.ts";
import { CrError } from "../error.ts";
import { FDS_PER_MESSAGE, receiveFds } from "../file/numbers.ts";
import type { Pagemap } from "../image/pagemap.ts";
import type { MmEntry, VmaEntry } from "../image/schema.gen.ts";
import { PAGE_SIZE } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { readMaps, type Vma } from "../kernel/proc/maps.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { restoreRings } from "./aio.ts";
import { fillPages, type MemoryPlan, type MemoryResult, type MemorySources, type Target } from "./fill-pages.ts";
import { dontFork, inheritable } from "./inherit.ts";
import { restorePolicy } from "./policies.ts";
import { hasOwnKey, protectWithKey, takeKeys } from "./protection-keys.ts";
import { attachSegments } from "./segments-restore.ts";
import { isKernelPage, moveVdso } from "./vdso.ts";
import { requireI386Vdso } from "./vdso-i386.ts";
import { MAP, VMA } from "./vmas.ts";

const PROT_WRITE = 2;
const MADV_HUGEPAGE = 14;
const MADV_NOHUGEPAGE = 15;
const MADV_GUARD_INSTALL = 102;
const PR_SET_VMA = 0x53564d41;
const MLOCK_ONFAULT = 1;
const PR_SET_MM = 35;
const PR_SET_MM_MAP = 14;
/** Offset of the descriptor in struct prctl_mm_map. */
const EXE_FD = 12 * 8 + 4;
/** Lowest address that a task may map. */
const LOWEST = 0x10000;

/** Restores the memory of one task; its program is still to be run. `parent`: entries of the parent whose memory the puppet was cloned with. */
export function restoreMemory(
  puppet: Puppet,
  mm: MmEntry,
  parent: readonly VmaEntry[],
  sources: MemorySources,
): MemoryResult {
  const { program, inner } = puppet;
  const real = mm.vmas.filter((v) => (v.status & (VMA.VSYSCALL | VMA.GUARD)) === 0);
  checkOrder(real, inner);
  // guard entries stand behind all others, and lie within them
  const inherited = parent.filter((v) => (v.status & VMA.GUARD) === 0);
  const plan = sources.plan(inner);
  const { vdso, pagemap } = plan;
  // what is not the running kernel's is memory as any other
  const kernels = vdso.kind === "beside" ? 0 : VMA.VDSO | VMA.VVAR;
  const targets: Target[] = real
    .filter((v) => (v.status & kernels) === 0)
    .map((entry) => {
      const other = inheritable(entry, inherited);
      const kept = other !== undefined && !dontFork(other);
      const policy = kept ? other.tscriu_mempolicy : undefined;
      return { entry, start: Number(entry.start), end: Number(entry.end), kept, policy, held: 0, prot: entry.prot };
    });
  markPages(targets, pagemap);
  clearSpace(puppet, targets, plan, sources.parking);
  const keysMapped = takeKeys(program, mm.tscriu_pkeys ?? 0, real, inherited);
  mapAll(program, targets, sources);
  attachSegments(puppet, sources.segments, real);
  for (const { entry, policy } of targets) restorePolicy(program, entry, policy);
  chooseHugePages(program, targets);
  const result: MemoryResult = { pagesRestored: 0, pagesCompared: 0, pagesSkippedCow: 0 };
  fillPages(puppet, targets, pagemap, sources, result);
  restoreRings(puppet, mm.aios, real);
  protect(program, targets);
  keysMapped();
  advise(program, targets, mm.vmas);
  return result;
}

function checkOrder(vmas: readonly VmaEntry[], pid: number): void {
  let last = 0;
  for (const { start, end } of vmas) {
    const from = Number(start);
    const to = Number(end);
    if (from < last || to <= from || from % PAGE_SIZE || to % PAGE_SIZE || !Number.isSafeInteger(to)) {
      throw new CrError("the list of mappings is not in order", {
        code: "BAD_IMAGE",
        subject: { image: `mm-${pid}.img`, address: from },
      });
    }
    last = to;
  }
}

/** Notes how much of each area is in the images: those that have something are mapped writable first. */
function markPages(targets: readonly Target[], pagemap: Pagemap): void {
  let t = 0;
  for (let i = 0; i < pagemap.count; i++) {
    const from = pagemap.vaddr[i] ?? 0;
    const to = from + (pagemap.pages[i] ?? 0) * PAGE_SIZE;
    while (t < targets.length && (targets[t]?.end ?? 0) <= from) t++;
    for (let k = t; k < targets.length; k++) {
      const target = targets[k];
      if (!target || target.start >= to) break;
      target.held += Math.min(to, target.end) - Math.max(from, target.start);
    }
  }
}

/** What is mapped in a puppet, read once for all who were born alike: it is going to change. */
function takeMaps(puppet: Puppet): readonly Vma[] {
  const { born } = puppet;
  puppet.born = undefined;
  if (born?.maps) return born.maps;
  using dir = new ProcDir(puppet.pid);
  const maps = readMaps(dir).filter((v) => v.name !== "[vsyscall]" && v.name !== "[vectors]");
  if (born) born.maps = maps;
  return maps;
}

/** Unmaps all that the target does not inherit, and moves the vDSO. */
function clearSpace(puppet: Puppet, targets: readonly Target[], plan: MemoryPlan, parking: number): void {
  const { program, pid, base } = puppet;
  const current = takeMaps(puppet);
  const kept = [
    ...targets.filter((t) => t.kept),
    { start: base, end: base + AREA.size },
    ...current.filter(isKernelPage),
  ].sort((a, b) => a.start - b.start);
  let at = LOWEST;
  const top = Math.max(...current.map((v) => v.end));
  for (const { start, end } of [...kept, { start: top, end: top }]) {
    if (start > at) program.call(NR.munmap, [at, start - at], { what: "cannot clear the address space" });
    at = Math.max(at, end);
  }
  if (plan.i386Vdso) requireI386Vdso(pid, current.filter(isKernelPage), plan.i386Vdso);
  moveVdso(program, current, plan.vdso, parking);
}

function mapAll(program: Program, targets: readonly Target[], sources: MemorySources): void {
  // files first of all travel to the puppet, a message's worth at a time
  const files = new Map<string, number>();
  const numbers = new Map<string, Load>();
  const key = (entry: VmaEntry) => `${entry.shmid}:${entry.fdflags ?? 0}`;
  const mapped = targets.filter((t) => !t.kept && (t.entry.status & VMA.SYSVIPC) === 0);
  const isFile = (entry: VmaEntry) => (entry.status & (VMA.FILE_PRIVATE | VMA.FILE_SHARED | VMA.SOCKET)) !== 0;
  for (const { entry } of mapped) {
    if (isFile(entry) && !files.has(key(entry)))
      files.set(key(entry), sources.mapFd(Number(entry.shmid), entry.fdflags ?? 0));
  }
  const order = [...files.entries()];
  for (let i = 0; i < order.length; i += FDS_PER_MESSAGE) {
    const part = order.slice(i, i + FDS_PER_MESSAGE);
    const fds = part.map(([, fd]) => fd);
    for (const [k, fd] of receiveFds(program, sources.service, fds).entries()) numbers.set(part[k]?.[0] ?? "", fd);
  }
  for (const { target, end } of runs(mapped)) {
    const { entry, start, prot } = target;
    const fd = isFile(entry) ? (numbers.get(key(entry)) ?? -1) : -1;
    program.call(
      NR.mmap,
      [start, end - start, prot, mmapFlags(entry) | MAP.FIXED_NOREPLACE, fd, isFile(entry) ? Number(entry.pgoff) : 0],
      { expect: start, what: "cannot map an area", subject: { address: start } },
    );
  }
  for (const fd of numbers.values()) program.call(NR.close, [fd]);
}

function mmapFlags(entry: VmaEntry): number {
  return entry.status & VMA.AIORING ? MAP.PRIVATE | MAP.ANONYMOUS : entry.flags & ~MAP.LOCKED;
}

/** Whether one call may map an area together with its neighbours: the kernel would join them anyway. */
function joins({ entry }: Target): boolean {
  const apart = MAP.SHARED | MAP.GROWSDOWN | MAP.HUGETLB | MAP.DROPPABLE;
  return (entry.status & VMA.ANON_PRIVATE) !== 0 && (entry.status & VMA.AIORING) === 0 && (entry.flags & apart) === 0;
}

/** What is mapped by one call each, from the first area to the end of the last; notes how they are protected then. */
function runs(mapped: readonly Target[]): { target: Target; end: number }[] {
  const found: { target: Target; end: number }[] = [];
  let run: { target: Target; end: number } | undefined;
  for (const target of mapped) {
    if (target.held > 0) target.prot |= PROT_WRITE;
    const first = run?.target;
    if (
      run &&
      first &&
      run.end === target.start &&
      first.prot === target.prot &&
      joins(first) &&
      joins(target) &&
      mmapFlags(first.entry) === mmapFlags(target.entry)
    ) {
      run.end = target.end;
    } else {
      run = { target, end: target.end };
      found.push(run);
    }
  }
  return found;
}

/**
 * Whether pages are huge is decided when they come: so that advice is given before the others. Not where much is missing, which
 * huge pages would take.
 */
function chooseHugePages(program: Program, targets: readonly Target[]): void {
  for (const { entry, start, end, kept, held } of targets) {
    if (kept || held === 0) continue;
    const size = end - start;
    for (const advice of adviceOf(entry)) {
      const now = advice === MADV_NOHUGEPAGE || (advice === MADV_HUGEPAGE && size - held <= size / 16);
      // `advise` tells if the kernel refuses
      if (now) program.call(NR.madvise, [start, size, advice], { ignore: true });
    }
  }
}

function adviceOf({ madv }: VmaEntry): number[] {
  const all = Number(madv ?? 0);
  return all === 0 ? [] : Array.from({ length: 32 }, (_, advice) => advice).filter((advice) => (all >>> advice) & 1);
}

function protect(program: Program, targets: readonly Target[]): void {
  for (const { entry, start, end, prot, kept } of targets) {
    if (!kept && hasOwnKey(entry)) {
      protectWithKey(program, entry);
      continue;
    }
    if (prot === entry.prot) continue;
    program.call(NR.mprotect, [start, end - start, entry.prot], {
      what: "cannot protect an area",
      subject: { address: start },
    });
  }
}

function advise(program: Program, targets: readonly Target[], all: readonly VmaEntry[]): void {
  for (const { entry, start, end, kept } of targets) {
    for (const advice of kept ? [] : adviceOf(entry)) {
      program.call(NR.madvise, [start, end - start, advice], {
        what: `cannot give an area advice ${advice}`,
        subject: { address: start },
      });
    }
    const subject = { address: start };
    if (entry.flags & MAP.LOCKED) {
      const how = entry.tscriu_lock_onfault ? MLOCK_ONFAULT : 0;
      program.call(NR.mlock2, [start, end - start, how], { what: "cannot lock an area", subject });
    }
    if (entry.tscriu_name !== undefined && !kept) {
      const name = program.text(entry.tscriu_name);
      // a kernel without CONFIG_ANON_VMA_NAME shows no names
      program.call(NR.prctl, [PR_SET_VMA, 0, start, end - start, name], { ignore: true });
    }
  }
  for (const guard of all) {
    if (!(guard.status & VMA.GUARD)) continue;
    const start = Number(guard.start);
    program.call(NR.madvise, [start, Number(guard.end) - start, MADV_GUARD_INSTALL], {
      what: "cannot install guard pages (Linux 6.13 and later)",
      subject: { address: start },
    });
  }
}

/**
 * What the kernel knows of the address space: bounds, auxv, the executable. No mapping of the puppet's own program may be left.
 * @param exe the executable's descriptor in the puppet; undefined where it has the right one
 */
export function restoreMmFields(program: Program, mm: MmEntry, exe: Load | undefined): void {
  const auxv = program.data(new Uint8Array(new BigUint64Array(mm.mm_saved_auxv.map(BigInt)).buffer));
  const map = program.reserve(13 * 8);
  const fields = [
    mm.mm_start_code,
    mm.mm_end_code,
    mm.mm_start_data,
    mm.mm_end_data,
    mm.mm_start_brk,
    mm.mm_brk,
    mm.mm_start_stack,
    mm.mm_arg_start,
    mm.mm_arg_end,
    mm.mm_env_start,
    mm.mm_env_end,
    program.area.base + auxv.offset,
  ];
  for (const [i, field] of fields.entries()) map.view.setBigUint64(i * 8, BigInt(field), true);
  map.view.setUint32(12 * 8, mm.mm_saved_auxv.length * 8, true);
  map.view.setInt32(EXE_FD, -1, true);
  if (exe) program.call(PSEUDO.store32, [map.at(EXE_FD), exe]);
  program.call(NR.prctl, [PR_SET_MM, PR_SET_MM_MAP, map, 13 * 8, 0], {
    what: "cannot set the address space's bounds and executable",
  });
  if (exe) program.call(NR.close, [exe]);
}
