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
import { LONG, makeRoom } from "./room.ts";

const PROT_READ = 1;
/**
 * What the agent writes with one call: bytes, some milliseconds, after which it looks whether somebody wants us to stop; and
 * parts. And what one program has of both, below what the area holds.
 */
const AGENTS = { bytes: 16 << 20, parts: 8192 } as const;
const PROGRAM = { calls: 1024, parts: 16384 } as const;
/** The same of us: what stays in a processor's cache between the two copies, and what process_vm_readv(2) takes. */
const OURS = { bytes: 512 << 10, parts: 1024 } as const;
/** How a task's pages go to a file. */
interface Way {
  readonly parasite: Parasite;
  /** Whose pid names, too, the file that may have been set aside. */
  readonly memory: RemoteMemory;
  /** False when writing as the task would hurt it: then we copy everything. */
  readonly asVictim: boolean;
  progress(bytes: number): void;
}

/** Ranges of the task's memory, addresses and lengths by turns, and their place in the file. */
interface Chunk {
  readonly pieces: number[];
  bytes: number;
  readonly offset: number;
}

/**
 * Writes the page map and the pages. The agent writes them itself, straight from the task's memory to the file: one copy, and
 * one program as long as there are not very many areas. One writer is all that a file takes: what we brought into a mapping of it
 * meanwhile, page by page, only made it longer. Pages that the task may not read are copied by us.
 */
export function dumpPages(images: ImageDirectory, id: number, pagesId: number, runs: PageRuns, way: Way): void {
  const map = images.pagemapWriter("PAGEMAP", id, pagesId);
  writePagemap(map, runs);
  if (runs.starts.length === 0) return;
  const { parasite, memory, asVictim, progress } = way;
  const file = images.pagesWriter(memory.pid, pagesId);
  makeRoom(file.fd, runs.bytes);
  const { agents, ours } = share(runs, asVictim);
  // a long one had better find itself a CPU than share ours
  if (agents.bytes >= LONG) parasite.roaming(() => writeAsVictim(parasite, file, agents.chunks, progress));
  else writeAsVictim(parasite, file, agents.chunks, progress);
  for (const chunk of ours.chunks) {
    copyOurselves(memory, file, chunk);
    progress(chunk.bytes);
  }
}

class Share {
  readonly chunks: Chunk[] = [];
  bytes = 0;
  #end = 0;

  constructor(readonly most: { readonly bytes: number; readonly parts: number }) {}

  /** Adds a range that lies at a place of the file. */
  add(start: number, length: number, offset: number): void {
    for (let done = 0; done < length; ) {
      let chunk = this.chunks.at(-1);
      if (
        !chunk ||
        this.#end !== offset + done ||
        chunk.bytes === this.most.bytes ||
        chunk.pieces.length === 2 * this.most.parts
      ) {
        chunk = { pieces: [], bytes: 0, offset: offset + done };
        this.chunks.push(chunk);
      }
      const part = Math.min(length - done, this.most.bytes - chunk.bytes);
      chunk.pieces.push(start + done, part);
      chunk.bytes += part;
      done += part;
      this.#end = offset + done;
    }
    this.bytes += length;
  }
}

/** Who writes what. */
function share(runs: PageRuns, asVictim: boolean): { agents: Share; ours: Share } {
  const agents = new Share(AGENTS);
  const ours = new Share(OURS);
  let offset = 0;
  for (let i = 0; i < runs.starts.length; i++) {
    const start = runs.starts[i] ?? 0;
    const length = (runs.ends[i] ?? 0) - start;
    (asVictim && canRead(runs, i) ? agents : ours).add(start, length, offset);
    offset += length;
  }
  return { agents, ours };
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
  chunks: readonly Chunk[],
  progress: (bytes: number) => void,
): void {
  let first = 0;
  while (first < chunks.length) {
    let last = first;
    let parts = 0;
    for (; last < chunks.length && last - first < PROGRAM.calls; last++) {
      const more = (chunks[last]?.pieces.length ?? 0) / 2;
      if (parts + more > PROGRAM.parts) break;
      parts += more;
    }
    writeTogether(parasite, file, chunks.slice(first, last), progress);
    first = last;
  }
}

/** One program. */
function writeTogether(
  parasite: Parasite,
  file: ImageWriter<"PAGES">,
  chunks: readonly Chunk[],
  progress: (bytes: number) => void,
): void {
  const { program } = parasite;
  const fd = load32(parasite.receiveFd(program, file.fd));
  const writes = chunks.map(({ pieces, bytes, offset }) => {
    const parts = program.reserve(pieces.length * 8);
    putU64s(parts.bytes, pieces.length, pieces);
    const call = program.call(PSEUDO.writevAll, [fd, parts, pieces.length / 2, offset], {
      ignore: true,
      watched: true,
    });
    return { call, bytes };
  });
  program.call(NR.close, [fd]);
  let told = 0;
  const tell = () => {
    let done = 0;
    for (const { call, bytes } of writes.slice(told)) {
      if (!program.made(call)) break;
      done += bytes;
      told++;
    }
    progress(done);
  };
  program.run(() => {
    try {
      tell();
    } catch (error) {
      // its descriptor is still to be closed
      for (const { call } of writes) program.empty(call, 2);
      throw error;
    }
  });
  for (const { call } of writes) {
    const result = program.result(call);
    if (result < 0) throw pageError(result, parasite.subject.pid ?? 0, file.path);
  }
  tell();
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
