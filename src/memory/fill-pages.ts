/** The contents of a task's memory: from the pages image straight to their addresses. */
import type { Program } from "../agent/program.ts";
import type { Puppet } from "../agent/puppet.ts";
import { CrError } from "../error.ts";
import type { Service } from "../file/numbers.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { PageFlag, type Pagemap } from "../image/pagemap.ts";
import type { TscriuMempolicy, VmaEntry } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { PAGE_SIZE, type RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { statFd } from "../kernel/stat.ts";
import { addressOf } from "../kernel/sys.ts";
import { BUFFER, PageCopier, readPages } from "./copy-pages.ts";
import type { RestoredSegments } from "./segments-restore.ts";
import type { SavedI386Vdso } from "./vdso-i386.ts";
import type { VdsoPlan } from "./vdso-plan.ts";

const MADV_DONTNEED = 4;
const wanted = Buffer.allocUnsafeSlow(BUFFER);
const there = Buffer.allocUnsafeSlow(BUFFER);

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
}

export interface MemoryResult {
  pagesRestored: number;
  pagesCompared: number;
  pagesSkippedCow: number;
}

/** An area that is to be. */
export interface Target {
  readonly entry: VmaEntry;
  readonly start: number;
  readonly end: number;
  /** Inherited from the parent's puppet: contents are compared, not written. */
  readonly kept: boolean;
  /** The parent's policy, which came with it. */
  readonly policy?: TscriuMempolicy | undefined;
  /** Bytes of it that are in the images. */
  held: number;
  /** How it is protected at present. */
  prot: number;
}

/** Makes the areas, by running the program so far, and fills them; what is shared with the parent is compared first. */
export function fillPages(
  puppet: Puppet,
  targets: readonly Target[],
  pagemap: Pagemap,
  sources: MemorySources,
  result: MemoryResult,
): void {
  const image = `pagemap-${puppet.inner}.img`;
  const pages = openPages(sources.images, pagemap, image);
  if (pages === undefined) return;
  const name = `pages-${pagemap.pagesId}.img`;
  try {
    // the areas must be there
    puppet.program.run();
    const copier = new PageCopier(puppet.pid, pages, name);
    let offset = 0;
    let t = 0;
    for (let i = 0; i < pagemap.count; i++) {
      let at = pagemap.vaddr[i] ?? 0;
      const end = at + (pagemap.pages[i] ?? 0) * PAGE_SIZE;
      requirePresent(pagemap.flags[i] ?? 0, image, at);
      while (at < end) {
        while (t < targets.length && (targets[t]?.end ?? 0) <= at) t++;
        const target = targets[t];
        const inside = target !== undefined && target.start <= at;
        const until = Math.min(end, inside ? target.end : (target?.start ?? end));
        const bytes = until - at;
        // what is outside is the vDSO's own code: the running kernel's is used
        if (inside && target.kept) comparePages(puppet.memory, pages, name, { at, bytes, offset }, result);
        else if (inside) {
          copier.put(at, bytes, offset);
          result.pagesRestored += bytes / PAGE_SIZE;
        }
        offset += bytes;
        at = until;
      }
    }
    copier.flush();
  } finally {
    closeFd(pages);
  }
  dropInherited(puppet.program, targets, pagemap);
}

/** The pages image, as large as the page map says; undefined when there is none and none is needed. The caller closes it. */
function openPages(images: ImageDirectory, pagemap: Pagemap, image: string): number | undefined {
  const name = `pages-${pagemap.pagesId}.img`;
  const pages = images.openRaw("PAGES", pagemap.pagesId);
  if (pages === undefined) {
    if (pagemap.count === 0) return undefined;
    throw images.missing("PAGES", pagemap.pagesId);
  }
  const held = statFd(pages).size;
  let named = 0;
  for (let i = 0; i < pagemap.count; i++) {
    if ((pagemap.flags[i] ?? 0) & PageFlag.present) named += (pagemap.pages[i] ?? 0) * PAGE_SIZE;
  }
  if (held === named) return pages;
  closeFd(pages);
  throw new CrError(`the page map names ${named} bytes of pages, and ${name} holds ${held}`, {
    code: "BAD_IMAGE",
    subject: { image },
    remedy: "take the whole set from its origin again, or dump again",
  });
}

function requirePresent(flags: number, image: string, address: number): void {
  if (flags & PageFlag.parent)
    throw new CrError("pages of this set lie in a parent set: incremental sets are not supported yet", {
      code: "ENOTSUP",
      subject: { image },
      remedy: "restore it with criu, or make a full dump",
    });
  if (!(flags & PageFlag.present))
    throw new CrError("pages of this set were left with a page server: lazy sets are not supported yet", {
      code: "ENOTSUP",
      subject: { image, address },
      remedy: "dump without --lazy-pages",
    });
}

/** Writes what differs from the parent's pages, so that the others stay shared. */
function comparePages(
  memory: RemoteMemory,
  pages: number,
  name: string,
  { at, bytes, offset }: { at: number; bytes: number; offset: number },
  result: MemoryResult,
): void {
  for (let done = 0; done < bytes; done += BUFFER) {
    const length = Math.min(BUFFER, bytes - done);
    readPages(pages, addressOf(wanted), length, offset + done, name);
    if (!memory.tryRead(at + done, there.subarray(0, length)))
      throw new CrError("cannot compare pages", { code: "EFAULT", subject: { pid: memory.pid, address: at + done } });
    const differs = (page: number) => wanted.compare(there, page, page + PAGE_SIZE, page, page + PAGE_SIZE) !== 0;
    let written = 0;
    for (let to = 0; to < length; to += PAGE_SIZE) {
      const from = to;
      while (to < length && differs(to)) to += PAGE_SIZE;
      if (to > from) memory.write(at + done + from, wanted.subarray(from, to));
      written += (to - from) / PAGE_SIZE;
    }
    const count = length / PAGE_SIZE;
    result.pagesCompared += count;
    result.pagesSkippedCow += count - written;
    result.pagesRestored += written;
  }
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
