/** A task's private pages, from its own address space into the images. */
import { PSEUDO } from "../agent/layout.ts";
import type { Parasite } from "../agent/parasite.ts";
import { load32 } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { PageFlag } from "../image/pagemap.ts";
import type { ImageWriter } from "../image/writer.ts";
import { PAGE_SIZE, type RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, sys, sysError } from "../kernel/sys.ts";
import type { PageRuns } from "./content.ts";
import { type Piece, Stretch } from "./stretch.ts";

const PROT_READ = 1;
/** Parts of one pwritev program; far below what the area holds. */
const PARTS = 16384;
/** From so many bytes on a task had better find itself a CPU than share ours. */
const LONG = 16 << 20;
/** Pieces of a long stretch, bytes: the agent takes half of what is left, and no less than this; we take this. */
const AGENTS = 8 << 20;
const OURS = 4 << 20;
/** Parts that process_vm_readv(2) takes. */
const IOV_MAX = 1024;
/** File systems by f_type of statfs(2). */
const TMPFS = 0x01021994n;
/** Of disks, of this machine: ext, XFS, btrfs. */
const OF_DISKS = [0xef53n, 0x58465342n, 0x9123683en];

/**
 * Writes the page map and the pages. The agent writes them itself, straight from the task's memory to the file: one copy. Of
 * long stretches we bring a part there ourselves, from their end, where there is a CPU for each of us: a file takes one write
 * at a time, but it can be mapped meanwhile. Pages that the task may not read are copied by us.
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
  const mappable = makeRoom(pages.fd, runs.bytes);
  let offset = 0;
  let first = 0;
  while (first < runs.starts.length) {
    const readable = asVictim && canRead(runs, first);
    let last = first;
    let bytes = 0;
    while (last < runs.starts.length && (asVictim && canRead(runs, last)) === readable) bytes += length(runs, last++);
    const stretch = new Stretch(runs, first, last, offset);
    if (!readable) copyOurselves(memory, pages, runs, first, last, offset);
    else if (bytes < LONG) writeAsVictim(parasite, pages, stretch, progress);
    else
      parasite.roaming(
        () => writeAsVictim(parasite, pages, stretch, progress),
        mappable ? copier(memory, pages, stretch) : undefined,
      );
    if (!readable) progress(bytes);
    offset += bytes;
    first = last;
  }
}

/**
 * Tells how long the file will be, if it is to be long. Disk file systems then take it a quarter quicker; in memory files room
 * costs what it saves. What has no room, or cannot be asked, tells when it is written.
 * @returns whether the file can be mapped and written at the same time
 */
function makeRoom(fd: number, bytes: number): boolean {
  if (bytes < LONG) return false;
  const statfs = new BigUint64Array(15);
  if (sys(NR.fstatfs, fd, addressOf(statfs)) < 0) return false;
  const [type = 0n] = statfs;
  if (type === TMPFS) return sys(NR.ftruncate, fd, bytes) === 0;
  return sys(NR.fallocate, fd, 0, 0, bytes) === 0 && OF_DISKS.includes(type);
}

/** Brings a piece of a stretch into the file with each call, until there is none left for us, or it fails: then the agent does it. */
function copier(memory: RemoteMemory, file: ImageWriter<"PAGES">, stretch: Stretch): () => boolean {
  let able = true;
  return () => {
    if (!able || stretch.bytes === 0) return false;
    const pieces = stretch.takeLast(OURS, IOV_MAX);
    able = memory.readIntoFile(pieces, file.fd, stretch.offset + stretch.bytes);
    if (!able) stretch.giveBack(pieces);
    return able;
  };
}

function length(runs: PageRuns, i: number): number {
  return (runs.ends[i] ?? 0) - (runs.starts[i] ?? 0);
}

/** Whether the task itself may read a run: under a protection key it depends. */
function canRead(runs: PageRuns, i: number): boolean {
  const { prot = 0, tscriu_pkey: key } = runs.vmas[i]?.entry ?? {};
  return (prot & PROT_READ) !== 0 && !key;
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
  stretch: Stretch,
  progress: (bytes: number) => void,
): void {
  let left = stretch.bytes;
  while (left > 0) {
    const { offset } = stretch;
    const pieces = stretch.takeFirst(Math.max(AGENTS, pageAligned(stretch.bytes / 2)), PARTS);
    if (pieces.length > 0) writePieces(parasite, file, pieces, offset);
    // of our own pieces, too
    progress(left - stretch.bytes);
    left = stretch.bytes;
  }
}

const pageAligned = (bytes: number) => Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;

function writePieces(parasite: Parasite, file: ImageWriter<"PAGES">, pieces: readonly Piece[], offset: number): void {
  const { program } = parasite;
  const fd = load32(parasite.receiveFd(program, file.fd));
  const parts = program.reserve(pieces.length * 16);
  let at = 0;
  for (const { start, length } of pieces) {
    put64(parts.view, at, start);
    put64(parts.view, at + 8, length);
    at += 16;
  }
  const written = program.call(PSEUDO.writevAll, [fd, parts, pieces.length, offset], { ignore: true });
  program.call(NR.close, [fd]);
  program.run();
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
