/** A task's private pages, from its own address space into the images. */
import type { OwnPages } from "../agent/home.ts";
import { PSEUDO } from "../agent/layout.ts";
import type { Parasite } from "../agent/parasite.ts";
import { load32 } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { PageFlag } from "../image/pagemap.ts";
import type { ImageWriter } from "../image/writer.ts";
import { closeFd } from "../kernel/fd.ts";
import { PAGE_SIZE, type RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { guardRanges, PRIVATE_CONTENT, scanPages } from "../kernel/pagemap.ts";
import { hasFlag, VM } from "../kernel/proc/maps.ts";
import type { ProcDir } from "../kernel/proc/read.ts";
import { addressOf, sys, sysError } from "../kernel/sys.ts";
import { type DumpedVma, isAioRing } from "./vmas.ts";

const PROT_READ = 1;
/** Parts of one pwritev program; far below what the area holds. */
const PARTS = 16384;
/** From so many bytes on a task had better find itself a CPU than share ours. */
const LONG = 16 << 20;

/** Ranges of a task's pages to be saved. */
export interface PageRuns {
  /** [start, end] pairs, ascending; parallel to `vma`. */
  readonly starts: number[];
  readonly ends: number[];
  readonly vmas: DumpedVma[];
  readonly bytes: number;
}

/** Which pages the image must hold: those of private areas that are neither zero nor the file's own. */
export function findPages(dir: ProcDir, vmas: readonly DumpedVma[], own: readonly OwnPages[]): PageRuns {
  const spans = vmas.filter((v) => v.hasPages && !isWhole(v)).map((v) => v.vma);
  const byStart = new Map(vmas.map((v) => [v.vma.start, v]));
  const pagemap = dir.open("pagemap");
  let ranges: Float64Array;
  try {
    ranges = scanPages(pagemap, spans, PRIVATE_CONTENT);
  } finally {
    closeFd(pagemap);
  }
  const runs = { starts: [] as number[], ends: [] as number[], vmas: [] as DumpedVma[], bytes: 0 };
  const add = (start: number, end: number, vma: DumpedVma): void => {
    let at = start;
    // pages that only our injection touched are no part of the task
    for (const mine of own) {
      if (mine.end <= at || mine.start >= end) continue;
      if (mine.start > at) push(at, mine.start, vma);
      at = Math.max(at, mine.end);
    }
    if (at < end) push(at, end, vma);
  };
  const push = (start: number, end: number, vma: DumpedVma): void => {
    runs.starts.push(start);
    runs.ends.push(end);
    runs.vmas.push(vma);
    runs.bytes += end - start;
  };
  const whole = vmas.filter(isWhole);
  let next = 0;
  let span = 0;
  for (let i = 0; i < ranges.length; i += 3) {
    const start = ranges[i] ?? 0;
    while (span < spans.length - 1 && (spans[span]?.end ?? 0) <= start) span++;
    const vma = byStart.get(spans[span]?.start ?? -1);
    if (!vma) continue;
    for (let w = whole[next]; w && w.vma.start < start; w = whole[++next]) add(w.vma.start, w.vma.end, w);
    add(start, ranges[i + 1] ?? 0, vma);
  }
  for (let w = whole[next]; w; w = whole[++next]) add(w.vma.start, w.vma.end, w);
  return runs;
}

/** The vDSO is saved in full: a restore on another kernel needs its code. So are rings, whose pages are no anonymous ones. */
function isWhole(vma: DumpedVma): boolean {
  return vma.hasPages && (vma.vma.name === "[vdso]" || isAioRing(vma.vma));
}

/** Guard regions (MADV_GUARD_INSTALL), [start, end] pairs. They are invisible but for the page map. */
export function findGuards(dir: ProcDir, vmas: readonly DumpedVma[]): [number, number][] {
  // kernels that flag such areas save us the scan
  const flagged = vmas.some((v) => hasFlag(v.vma.flags, VM.gu));
  const may = vmas.filter((v) => v.hasPages && (!flagged || hasFlag(v.vma.flags, VM.gu)));
  if (may.length === 0) return [];
  const pagemap = dir.open("pagemap");
  try {
    const ranges = guardRanges(
      pagemap,
      may.map((v) => v.vma),
    );
    const out: [number, number][] = [];
    for (let i = 0; i < ranges.length; i += 3) out.push([ranges[i] ?? 0, ranges[i + 1] ?? 0]);
    return out;
  } finally {
    closeFd(pagemap);
  }
}

/**
 * Writes the page map and the pages. The agent writes them itself, straight from the task's memory to the file: one copy.
 * Pages that the task may not read are copied by us instead.
 * @param asVictim false when writing as the task would hurt it (a file size limit): then we copy everything
 */
export function dumpPages(
  images: ImageDirectory,
  id: number,
  pagesId: number,
  runs: PageRuns,
  parasite: Parasite,
  memory: RemoteMemory,
  asVictim: boolean,
  progress: (bytes: number) => void,
): void {
  const map = images.pagemapWriter("PAGEMAP", id, pagesId);
  writePagemap(map, runs);
  if (runs.starts.length === 0) return;
  const pages = images.writer("PAGES", pagesId);
  let offset = 0;
  let first = 0;
  while (first < runs.starts.length) {
    const readable = asVictim && canRead(runs, first);
    let last = first;
    let bytes = 0;
    while (last < runs.starts.length && last - first < PARTS && (asVictim && canRead(runs, last)) === readable) {
      bytes += length(runs, last++);
    }
    if (readable) writeAsVictim(parasite, pages, runs, first, last, offset, bytes);
    else copyOurselves(memory, pages, runs, first, last, offset);
    offset += bytes;
    first = last;
    progress(bytes);
  }
}

function length(runs: PageRuns, i: number): number {
  return (runs.ends[i] ?? 0) - (runs.starts[i] ?? 0);
}

function canRead(runs: PageRuns, i: number): boolean {
  return ((runs.vmas[i]?.entry.prot ?? 0) & PROT_READ) !== 0;
}

function writePagemap(map: ImageWriter, runs: PageRuns): void {
  let start = 0;
  let end = -1;
  let flags = 0;
  const put = () => {
    if (end > start) map.page(start, (end - start) / PAGE_SIZE, flags);
  };
  for (let i = 0; i < runs.starts.length; i++) {
    const wanted = PageFlag.present | (runs.vmas[i]?.lazy ? PageFlag.lazy : 0);
    const from = runs.starts[i] ?? 0;
    if (from !== end || wanted !== flags) {
      put();
      start = from;
      flags = wanted;
    }
    end = runs.ends[i] ?? 0;
  }
  put();
}

function writeAsVictim(
  parasite: Parasite,
  file: ImageWriter<"PAGES">,
  runs: PageRuns,
  first: number,
  last: number,
  offset: number,
  bytes: number,
): void {
  const { program } = parasite;
  const fd = load32(parasite.receiveFd(program, file.fd));
  const parts = program.reserve((last - first) * 16);
  for (let i = first, at = 0; i < last; i++, at += 16) {
    put64(parts.view, at, runs.starts[i] ?? 0);
    put64(parts.view, at + 8, length(runs, i));
  }
  const written = program.call(PSEUDO.writevAll, [fd, parts, last - first, offset], { ignore: true });
  program.call(NR.close, [fd]);
  if (bytes < LONG) program.run();
  else parasite.roaming(() => program.run());
  const result = program.result(written);
  if (result < 0) throw pageError(result, parasite.subject.pid ?? 0, file.path);
}

function pageError(result: number, pid: number, path: string): CrError {
  return sysError(
    result,
    "cannot write the task's pages to the image",
    { pid, path },
    result === -28 ? "make room in the image directory, or dump to another file system" : undefined,
  );
}

function put64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

const COPY = 1 << 20;
let copyBuffer: Uint8Array | undefined;

function copyOurselves(
  memory: RemoteMemory,
  file: ImageWriter<"PAGES">,
  runs: PageRuns,
  first: number,
  last: number,
  offset: number,
): void {
  copyBuffer ??= new Uint8Array(COPY);
  let to = offset;
  for (let i = first; i < last; i++) {
    const end = runs.ends[i] ?? 0;
    for (let at = runs.starts[i] ?? 0; at < end; at += COPY) {
      const part = copyBuffer.subarray(0, Math.min(COPY, end - at));
      if (!memory.tryRead(at, part)) {
        throw new CrError("cannot read the task's memory", { code: "EIO", subject: { pid: memory.pid, address: at } });
      }
      pwriteFully(file, part, to, memory.pid);
      to += part.length;
    }
  }
}

function pwriteFully(file: ImageWriter<"PAGES">, bytes: Uint8Array, offset: number, pid: number): void {
  for (let done = 0; done < bytes.length; ) {
    const put = sys(NR.pwrite64, file.fd, addressOf(bytes) + done, bytes.length - done, offset + done);
    if (put === -4) continue;
    if (put < 0) throw pageError(put, pid, file.path);
    done += put;
  }
}
