/** A task's private pages, from its own address space into the images. */
import { PSEUDO } from "../agent/layout.ts";
import type { Parasite } from "../agent/parasite.ts";
import { load32, type Result } from "../agent/program.ts";
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

const [ENOSPC, EFBIG] = [-28, -27];

const PROT_READ = 1;
/**
 * What the agent writes with one call: bytes, some milliseconds, after which it looks whether somebody wants us to stop; and
 * parts. And what one program has of both, below what the area holds.
 */
const AGENTS = { bytes: 16 << 20, parts: 8192 } as const;
const PROGRAM = { calls: 1024, parts: 16384 } as const;
/** What we read before we write it, bytes: it stays in the processor's cache between the copies. */
const BUFFER = 256 << 10;
/** What each of us writes to see who is faster, bytes. */
const TRIAL = 4 << 20;

/** So many tasks write at the same time, each to a file of its own. */
const AT_ONCE = 4;

/** A task, and where its pages go. */
export interface PagesJob {
  /** What its images are called. */
  readonly id: number;
  readonly pagesId: number;
  readonly runs: PageRuns;
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
  readonly most: number;
  readonly offset: number;
}

interface Taken {
  bytes: number;
  /** Milliseconds. */
  ms: number;
}

/** Writes the page maps and the pages of tasks, those of long ones side by side. */
export function dumpPages(images: ImageDirectory, jobs: readonly PagesJob[]): void {
  const long: Copy[] = [];
  for (const job of jobs) {
    writePagemap(images.pagemapWriter("PAGEMAP", job.id, job.pagesId), job.runs);
    if (job.runs.starts.length === 0) continue;
    const copy = new Copy(images, job);
    if (copy.isLong) long.push(copy);
    else {
      while (copy.begin()) copy.end(() => copy.tell());
      copy.finish();
    }
  }
  // all that is left of a long one is ours then
  if (long.length > 0 && areWeFaster(long)) for (const copy of long.splice(0)) copy.finish();
  const running: Copy[] = [];
  const watch = () => {
    try {
      for (const copy of running) copy.tell();
    } catch (error) {
      for (const copy of running) copy.stop();
      throw error;
    }
  };
  try {
    while (long.length + running.length > 0) {
      for (const copy of long.splice(0, AT_ONCE - running.length)) {
        running.push(copy);
        copy.begin();
      }
      const [first] = running;
      first?.end(watch);
      if (first?.begin()) running.push(first);
      else first?.finish();
      running.shift();
    }
  } catch (error) {
    for (const copy of running) copy.abandon();
    throw error;
  }
}

/**
 * Whether we copy pages faster than agents write them, who need one copy less: it is so where page tables are shadowed, and a
 * fault of the kernel at each page of the task costs more than copying it. What the first long one tries out is done.
 */
function areWeFaster(long: readonly Copy[]): boolean {
  const [first] = long;
  const ours = { bytes: 0, ms: 0 };
  const agents = { bytes: 0, ms: 0 };
  while (agents.bytes < TRIAL) if (!first?.tryOurs(ours) || !first.tryAgents(agents)) return false;
  const sideBySide = Math.min(AT_ONCE, long.length, navigator.hardwareConcurrency);
  return ours.bytes / ours.ms > (agents.bytes / agents.ms) * sideBySide;
}

/**
 * One task's pages on their way. The agent writes them itself, straight from the task's memory to the file: one copy, and one
 * program as long as there are not very many areas. One writer is all that a file takes: what we brought into a mapping of it
 * meanwhile, page by page, only made it longer. Pages that the task may not read are copied by us; and all of a long one where
 * we are faster.
 */
class Copy {
  readonly #file: ImageWriter<"PAGES">;
  readonly #agents: Share;
  readonly #ours: Share;
  #next = 0;
  /** The program that the agent is at. */
  #writes: { readonly call: Result; readonly bytes: number }[] = [];
  #told = 0;
  #hear: ((watch?: () => void) => void) | undefined;
  #comeBack: (() => void) | undefined;

  constructor(
    images: ImageDirectory,
    readonly job: PagesJob,
  ) {
    this.#file = images.pagesWriter(job.memory.pid, job.pagesId);
    makeRoom(this.#file.fd, job.runs.bytes);
    // what one buffer holds takes less time than waking the agent does
    const { agents, ours } = share(job.runs, job.asVictim && job.runs.bytes > BUFFER);
    this.#agents = agents;
    this.#ours = ours;
  }

  get isLong(): boolean {
    return this.#agents.bytes >= LONG;
  }

  /** We copy a chunk and count what it took; false when there is none left. */
  tryOurs(taken: Taken): boolean {
    const start = performance.now();
    taken.bytes += this.#agents.chunks[this.#next]?.bytes ?? 0;
    const is = this.#copyNext();
    taken.ms += performance.now() - start;
    return is;
  }

  /** The same for the agent. */
  tryAgents(taken: Taken): boolean {
    const start = performance.now();
    taken.bytes += this.#agents.chunks[this.#next]?.bytes ?? 0;
    const is = this.begin(1);
    if (is) this.end(() => this.tell());
    taken.ms += performance.now() - start;
    return is;
  }

  #copyNext(): boolean {
    const chunk = this.#agents.chunks[this.#next];
    if (!chunk) return false;
    this.#next++;
    copyOurselves(this.job.memory, this.#file, chunk);
    this.job.progress(chunk.bytes);
    return true;
  }

  /** Lets the agent begin its next program, of so many calls at most; false when there is none left. */
  begin(calls: number = PROGRAM.calls): boolean {
    const { chunks } = this.#agents;
    const first = this.#next;
    let parts = 0;
    for (; this.#next < chunks.length && this.#next - first < calls; this.#next++) {
      const more = (chunks[this.#next]?.pieces.length ?? 0) / 2;
      if (parts + more > PROGRAM.parts) break;
      parts += more;
    }
    if (this.#next === first) return false;
    const { parasite } = this.job;
    // a long one had better find itself a CPU than share ours
    if (this.isLong) this.#comeBack ??= parasite.pins.roam();
    const { program } = parasite;
    const fd = load32(parasite.receiveFd(program, this.#file.fd));
    this.#told = 0;
    this.#writes = chunks.slice(first, this.#next).map(({ pieces, bytes, offset }) => {
      const place = program.reserve(pieces.length * 8);
      putU64s(place.bytes, pieces.length, pieces);
      const args = [fd, place, pieces.length / 2, offset];
      return { call: program.call(PSEUDO.writevAll, args, { ignore: true, watched: true }), bytes };
    });
    program.call(NR.close, [fd]);
    this.#hear = parasite.launch();
    return true;
  }

  /** Tells what has been written since the last time. */
  tell(): void {
    let done = 0;
    for (const { call, bytes } of this.#writes.slice(this.#told)) {
      if (!this.job.parasite.program.made(call)) break;
      done += bytes;
      this.#told++;
    }
    this.job.progress(done);
  }

  /** Takes away what the agent has not begun yet. Its program goes on, for the descriptor is still to be closed. */
  stop(): void {
    for (const { call } of this.#writes) this.job.parasite.program.empty(call, 2);
  }

  /** Waits until the agent has done its program. */
  end(watch: () => void): void {
    const hear = this.#hear;
    this.#hear = undefined;
    hear?.(watch);
    const { parasite } = this.job;
    for (const { call } of this.#writes) {
      const result = parasite.program.result(call);
      if (result < 0) throw pageError(result, parasite.subject.pid ?? 0, this.#file.path);
    }
    this.tell();
  }

  /** We do what is left. */
  finish(): void {
    this.#comeBack?.();
    while (this.#copyNext());
    const { memory, progress } = this.job;
    for (const chunk of this.#ours.chunks) {
      copyOurselves(memory, this.#file, chunk);
      progress(chunk.bytes);
    }
  }

  /** After an error, maybe of another task: the agent must be at rest before it can be taken out. */
  abandon(): void {
    if (this.#hear === undefined) return;
    this.stop();
    try {
      this.#hear();
    } catch {
      // the first error is the one to tell
    }
  }
}

class Share {
  readonly chunks: Chunk[] = [];
  bytes = 0;
  #end = 0;

  /** Adds a range that lies at a place of the file. */
  add(start: number, length: number, offset: number): void {
    for (let done = 0; done < length; ) {
      let chunk = this.chunks.at(-1);
      if (
        !chunk ||
        this.#end !== offset + done ||
        chunk.bytes === chunk.most ||
        chunk.pieces.length === 2 * AGENTS.parts
      ) {
        const most = this.chunks.length < 2 ? TRIAL : AGENTS.bytes;
        chunk = { pieces: [], bytes: 0, most, offset: offset + done };
        this.chunks.push(chunk);
      }
      const part = Math.min(length - done, chunk.most - chunk.bytes);
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
  const agents = new Share();
  const ours = new Share();
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

function pageError(result: number, pid: number, path: string): CrError {
  return sysError(
    result,
    "cannot write the task's pages to the image",
    { pid, path },
    result === ENOSPC
      ? "make room in the image directory, or dump to another file system"
      : result === EFBIG
        ? "raise the file size limit (ulimit -f), or dump to another file system"
        : undefined,
  );
}

let buffer: Uint8Array | undefined;

function copyOurselves(memory: RemoteMemory, file: ImageWriter<"PAGES">, chunk: Chunk): void {
  buffer ??= new Uint8Array(new ArrayBuffer(BUFFER));
  let { offset } = chunk;
  const write = (bytes: Uint8Array) => {
    pwriteFully(file, bytes, offset, memory.pid);
    offset += bytes.length;
  };
  const address = memory.tryGather(chunk.pieces, buffer, write);
  if (address === undefined) return;
  throw new CrError("cannot read the task's memory", { code: "EIO", subject: { pid: memory.pid, address } });
}

function pwriteFully(file: ImageWriter<"PAGES">, bytes: Uint8Array, offset: number, pid: number): void {
  for (let done = 0; done < bytes.length; ) {
    const put = sys(NR.pwrite64, file.fd, addressOf(bytes) + done, bytes.length - done, offset + done);
    if (put === -4) continue;
    if (put < 0) throw pageError(put, pid, file.path);
    done += put;
  }
}
