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
import { putU64s } from "../kernel/u64.ts";
import type { PageRuns } from "./content.ts";

const PROT_READ = 1;
/** From so many bytes on a task had better find itself a CPU than share ours. */
const LONG = 16 << 20;
/**
 * What the agent writes at once: bytes, some 10 ms, after which we look whether somebody wants us to stop; and parts, far below
 * what the area holds.
 */
const AGENTS = { bytes: 64 << 20, parts: 16384 } as const;
/** The same of us: what stays in a processor's cache between the two copies, and what process_vm_readv(2) takes. */
const OURS = { bytes: 512 << 10, parts: 1024 } as const;
/** File system by f_type of statfs(2). */
const TMPFS = 0x01021994n;

/** How a task's pages go to a file. */
interface Way {
  readonly parasite: Parasite;
  readonly memory: RemoteMemory;
  /** False when writing as the task would hurt it: then we copy everything. */
  readonly asVictim: boolean;
  progress(bytes: number): void;
}

/** Ranges of the task's memory, addresses and lengths by turns, and their place in the file. */
interface Chunk {
  readonly pieces: number[];
  readonly bytes: number;
  readonly offset: number;
}

/**
 * Writes the page map and the pages. The agent writes them itself, straight from the task's memory to the file: one copy. One
 * writer is all that a file takes: what we brought into a mapping of it meanwhile, page by page, only made it longer. Pages that
 * the task may not read are copied by us.
 */
export function dumpPages(images: ImageDirectory, id: number, pagesId: number, runs: PageRuns, way: Way): void {
  const map = images.pagemapWriter("PAGEMAP", id, pagesId);
  writePagemap(map, runs);
  if (runs.starts.length === 0) return;
  const { parasite, memory, asVictim, progress } = way;
  const file = images.writer("PAGES", pagesId);
  makeRoom(file.fd, runs.bytes);
  let offset = 0;
  let first = 0;
  while (first < runs.starts.length) {
    const readable = asVictim && canRead(runs, first);
    let last = first;
    let bytes = 0;
    while (last < runs.starts.length && (asVictim && canRead(runs, last)) === readable) bytes += length(runs, last++);
    const chunks = chunksOf(runs, first, last, offset, readable ? AGENTS : OURS);
    const copy = () => {
      for (const chunk of chunks) {
        if (readable) writeAsVictim(parasite, file, chunk);
        else copyOurselves(memory, file, chunk);
        progress(chunk.bytes);
      }
    };
    if (readable && bytes >= LONG) parasite.roaming(copy);
    else copy();
    offset += bytes;
    first = last;
  }
}

function* chunksOf(
  runs: PageRuns,
  first: number,
  last: number,
  offset: number,
  most: { bytes: number; parts: number },
): Generator<Chunk> {
  let i = first;
  // where we are in the run, and in the file
  let start = runs.starts[i] ?? 0;
  let at = offset;
  while (i < last) {
    const pieces: number[] = [];
    let left = most.bytes;
    while (i < last && left > 0 && pieces.length < 2 * most.parts) {
      const end = Math.min(runs.ends[i] ?? 0, start + left);
      pieces.push(start, end - start);
      left -= end - start;
      start = end === runs.ends[i] ? (runs.starts[++i] ?? 0) : end;
    }
    const bytes = most.bytes - left;
    yield { pieces, bytes, offset: at };
    at += bytes;
  }
}

/**
 * Tells how long the file will be, if it is to be long. Disk file systems then take it a quarter quicker; in memory files room
 * costs what it saves. What has no room, or cannot be asked, tells when it is written.
 */
function makeRoom(fd: number, bytes: number): void {
  if (bytes < LONG) return;
  const statfs = new BigUint64Array(15);
  if (sys(NR.fstatfs, fd, addressOf(statfs)) === 0 && statfs[0] !== TMPFS) sys(NR.fallocate, fd, 0, 0, bytes);
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

function writeAsVictim(parasite: Parasite, file: ImageWriter<"PAGES">, { pieces, offset }: Chunk): void {
  const { program } = parasite;
  const fd = load32(parasite.receiveFd(program, file.fd));
  const parts = program.reserve(pieces.length * 8);
  putU64s(parts.bytes, pieces.length, pieces);
  const written = program.call(PSEUDO.writevAll, [fd, parts, pieces.length / 2, offset], { ignore: true });
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

let buffer: Uint8Array | undefined;

function copyOurselves(memory: RemoteMemory, file: ImageWriter<"PAGES">, { pieces, bytes, offset }: Chunk): void {
  buffer ??= new Uint8Array(new ArrayBuffer(OURS.bytes));
  const part = buffer.subarray(0, bytes);
  const lost = memory.tryGather(pieces, part);
  if (lost !== undefined)
    throw new CrError("cannot read the task's memory", { code: "EIO", subject: { pid: memory.pid, address: lost } });
  pwriteFully(file, part, offset, memory.pid);
}

function pwriteFully(file: ImageWriter<"PAGES">, bytes: Uint8Array, offset: number, pid: number): void {
  for (let done = 0; done < bytes.length; ) {
    const put = sys(NR.pwrite64, file.fd, addressOf(bytes) + done, bytes.length - done, offset + done);
    if (put === -4) continue;
    if (put < 0) throw pageError(put, pid, file.path);
    done += put;
  }
}
