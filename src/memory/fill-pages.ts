/** The contents of a task's memory: from the pages image straight to their addresses. */
import { AREA, PSEUDO } from "../agent/layout.ts";
import type { Program, Result } from "../agent/program.ts";
import type { Puppet } from "../agent/puppet.ts";
import { CrError } from "../error.ts";
import { receiveFd, type Service } from "../file/numbers.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { PageFlag, type Pagemap } from "../image/pagemap.ts";
import type { VmaEntry } from "../image/schema.gen.ts";
import type { OneCpu } from "../kernel/cpu.ts";
import { closeFd } from "../kernel/fd.ts";
import { PAGE_SIZE } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { statFd } from "../kernel/stat.ts";
import { putU64s } from "../kernel/u64.ts";
import { LONG } from "./room.ts";
import type { RestoredSegments } from "./segments-restore.ts";
import type { SavedI386Vdso } from "./vdso-i386.ts";
import type { VdsoPlan } from "./vdso-plan.ts";

const MADV_DONTNEED = 4;
/** Parts of one readv program; far below what the area holds. */
const MAX_PARTS = 4096;

export interface MemoryPlan {
  readonly pagemap: Pagemap;
  readonly vdso: VdsoPlan;
  /** Of a 32-bit task that has one. */
  readonly i386Vdso?: SavedI386Vdso | undefined;
}

/** What the restore of one task's memory needs from the other rooms. */
export interface MemorySources {
  readonly images: ImageDirectory;
  readonly service: Service;
  /** Our descriptor for a mapped file: reg-file or memfd id, with the access the mapping needs. */
  mapFd(id: number, fdflags: number): number;
  readonly segments: RestoredSegments;
  /** What was found out of a task's memory before anything was made. */
  plan(pid: number): MemoryPlan;
  /** Where the vDSO may be parked. */
  readonly parking: number;
  readonly cpu: Pick<OneCpu, "spread" | "gather">;
}

export interface MemoryResult {
  pagesRestored: number;
  pagesCompared: number;
  pagesSkippedCow: number;
  /** There was so much to read that it does not sit on our CPU now. */
  roams: boolean;
}

/** An area that is to be. */
export interface Target {
  readonly entry: VmaEntry;
  readonly start: number;
  readonly end: number;
  /** Inherited from the parent's puppet: contents are compared, not written. */
  readonly kept: boolean;
  /** Bytes of it that are in the images. */
  held: number;
  /** How it is protected at present. */
  prot: number;
}

/** Appends what reads the contents straight to their addresses; what is shared with the parent is compared first. */
export function fillPages(
  puppet: Puppet,
  targets: readonly Target[],
  pagemap: Pagemap,
  sources: MemorySources,
  result: MemoryResult,
): void {
  const { program, inner } = puppet;
  const image = `pagemap-${inner}.img`;
  const pages = sources.images.openRaw("PAGES", pagemap.pagesId);
  if (pages === undefined) {
    if (pagemap.count === 0) return;
    throw new CrError(`the set lacks its image pages-${pagemap.pagesId}.img`, {
      code: "MISSING_IMAGE",
      subject: { image },
    });
  }
  const held = statFd(pages).size;
  let named = 0;
  for (let i = 0; i < pagemap.count; i++) {
    if ((pagemap.flags[i] ?? 0) & PageFlag.present) named += (pagemap.pages[i] ?? 0) * PAGE_SIZE;
  }
  if (held !== named) {
    closeFd(pages);
    throw new CrError(`it names ${named} bytes of pages, and pages-${pagemap.pagesId}.img holds ${held}`, {
      code: "BAD_IMAGE",
      subject: { image },
      remedy: "take the whole set from its origin again, or dump again",
    });
  }
  if (named >= LONG) {
    sources.cpu.spread(puppet.pid);
    result.roams = true;
  }
  const fd = receiveFd(program, sources.service, pages);
  closeFd(pages);
  let offset = 0;
  let t = 0;
  /** Addresses and lengths of what the next readv fills. */
  let parts: number[] = [];
  let partsAt = 0;
  let partsEnd = 0;
  const flush = () => {
    if (parts.length === 0) return;
    const vector = program.reserve(parts.length * 8);
    putU64s(vector.bytes, parts.length, parts);
    const what = `cannot read pages-${pagemap.pagesId}.img (is it complete?)`;
    program.call(PSEUDO.fillAll, [fd, vector, parts.length / 2, partsAt], { what });
    parts = [];
  };
  let comparisons: { call: Result; count: number }[] = [];
  /** One round trip for all that was asked for. */
  const settle = () => {
    flush();
    program.run();
    for (const { call, count } of comparisons) {
      const written = program.result(call);
      result.pagesCompared += count;
      result.pagesSkippedCow += count - written;
      result.pagesRestored += written;
    }
    comparisons = [];
  };
  const scratch = puppet.base + AREA.stackEnd;
  for (let i = 0; i < pagemap.count; i++) {
    const flags = pagemap.flags[i] ?? 0;
    if (flags & PageFlag.parent) {
      throw new CrError("pages of this set lie in a parent set: incremental sets are not supported yet", {
        code: "ENOTSUP",
        subject: { image },
        remedy: "restore it with criu, or make a full dump",
      });
    }
    let at = pagemap.vaddr[i] ?? 0;
    const end = at + (pagemap.pages[i] ?? 0) * PAGE_SIZE;
    if (!(flags & PageFlag.present)) {
      throw new CrError("pages of this set were left with a page server: lazy sets are not supported yet", {
        code: "ENOTSUP",
        subject: { image, address: at },
        remedy: "dump without --lazy-pages",
      });
    }
    while (at < end) {
      // before records or room for the vector run out, and results with them
      if (program.calls < 4 || program.room < 2 * MAX_PARTS * 16) settle();
      while (t < targets.length && (targets[t]?.end ?? 0) <= at) t++;
      const target = targets[t];
      const inside = target !== undefined && target.start <= at;
      const until = Math.min(end, inside ? target.end : (target?.start ?? end));
      const bytes = until - at;
      if (inside && target.kept) {
        flush();
        const call = program.call(PSEUDO.readDiffering, [fd, at, bytes, offset, scratch], {
          what: "cannot compare pages",
        });
        comparisons.push({ call, count: bytes / PAGE_SIZE });
      } else if (inside) {
        const last = parts.length - 1;
        if (last > 0 && partsEnd === at) parts[last] = (parts[last] ?? 0) + bytes;
        else {
          if (parts.length >= MAX_PARTS * 2) flush();
          if (parts.length === 0) partsAt = offset;
          parts.push(at, bytes);
        }
        partsEnd = at + bytes;
        result.pagesRestored += bytes / PAGE_SIZE;
      } else {
        // the vDSO's own code: the running kernel's is used
        flush();
      }
      offset += bytes;
      at = until;
    }
  }
  if (comparisons.length > 0) settle();
  else flush();
  dropInherited(program, targets, pagemap);
  program.call(NR.close, [fd]);
}

/** Pages that the parent has and the child has not. */
function dropInherited(program: Program, targets: readonly Target[], pagemap: Pagemap): void {
  let i = 0;
  for (const target of targets) {
    if (!target.kept) continue;
    let at = target.start;
    while (i > 0 && (pagemap.vaddr[i - 1] ?? 0) + (pagemap.pages[i - 1] ?? 0) * PAGE_SIZE > at) i--;
    for (; i < pagemap.count; i++) {
      const from = pagemap.vaddr[i] ?? 0;
      const to = from + (pagemap.pages[i] ?? 0) * PAGE_SIZE;
      if (to <= at) continue;
      if (from >= target.end) break;
      if (from > at) program.call(NR.madvise, [at, from - at, MADV_DONTNEED], { ignore: true });
      at = Math.max(at, to);
    }
    if (at < target.end) program.call(NR.madvise, [at, target.end - at, MADV_DONTNEED], { ignore: true });
  }
}
