/** Memory files (shared anonymous memory, memfd): their content beside the tasks' pages. */
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { PageFlag } from "../image/pagemap.ts";
import { closeFd } from "../kernel/fd.ts";
import { PAGE_SIZE, SharedView } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys, sysError } from "../kernel/sys.ts";
import { makeRoom } from "./room.ts";

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const ENXIO = -6;
const EINTR = -4;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;

/** A whole memory file in our own memory, once it is needed. Dispose unmaps it. */
class LazyMapping implements Disposable {
  readonly #size: number;
  #at: number | undefined;

  constructor(
    readonly fd: number,
    size: number,
    readonly prot: number,
  ) {
    this.#size = wholePages(size);
  }

  get address(): number {
    this.#at ??= check(sys(NR.mmap, 0, this.#size, this.prot, MAP_SHARED, this.fd, 0), "cannot map shared memory");
    return this.#at;
  }

  [Symbol.dispose](): void {
    if (this.#at !== undefined) sys(NR.munmap, this.#at, this.#size);
  }
}

const wholePages = (bytes: number) => Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;

/**
 * Moves a range between a memory file and an image. The kernel does it from file to file, which takes half as long as by a
 * mapping, whose pages fault one by one; but not behind the end of the file, where its last page may hold something, and not for
 * huge pages, which can only be written by a mapping.
 * @param size of the memory file, bytes
 * @param send how many bytes went from file to file, or the negative errno
 * @param move the same by the mapping
 * @param failed the error to throw
 */
function transfer(
  [start, end]: readonly [number, number],
  size: number,
  send: (at: number, bytes: number) => number,
  move: (at: number, bytes: number) => number,
  failed: (result: number) => CrError,
): void {
  let sending = true;
  const limit = Math.floor(size / PAGE_SIZE) * PAGE_SIZE;
  for (let at = start; at < end; ) {
    const sent = sending && at < limit;
    const moved = sent ? send(at, Math.min(end, limit) - at) : move(at, end - at);
    if (moved > 0) at += moved;
    else if (moved === EINTR) continue;
    else if (sent) sending = false;
    else throw failed(moved);
  }
}

/** Bytes of a call of sendfile(2): it is told when somebody wants us to stop only in between. */
const AT_ONCE = 64 << 20;
const place = new BigInt64Array(1);

function sendFile(from: number, at: number, to: number, toAt: number, bytes: number): number {
  const there = sys(NR.lseek, to, toAt, 0);
  if (there < 0) return there;
  place[0] = BigInt(at);
  return sys(NR.sendfile, to, from, addressOf(place), Math.min(bytes, AT_ONCE));
}

/** Ranges of a memory file that hold something; holes must stay holes, else memory use explodes. */
function* dataRanges(fd: number, size: number): Generator<[number, number]> {
  let at = 0;
  while (at < size) {
    const start = sys(NR.lseek, fd, at, SEEK_DATA);
    if (start === ENXIO) return;
    check(start, "cannot find the data of shared memory");
    const end = Math.min(check(sys(NR.lseek, fd, start, SEEK_HOLE), "cannot find the holes of shared memory"), size);
    const from = start - (start % PAGE_SIZE);
    yield [from, Math.ceil(end / PAGE_SIZE) * PAGE_SIZE];
    at = end;
  }
}

/**
 * Writes pagemap-shmem-`shmid` and its pages.
 * @param fd a descriptor of ours for it; its position is changed, so it must be a description of our own
 * @param size bytes
 * @returns bytes written
 */
export function dumpShared(images: ImageDirectory, shmid: number, pagesId: number, fd: number, size: number): number {
  const map = images.pagemapWriter("SHMEM_PAGEMAP", shmid, pagesId);
  if (size === 0) return 0;
  const file = images.writer("PAGES", pagesId).fd;
  const ranges = [...dataRanges(fd, size)];
  makeRoom(
    file,
    ranges.reduce((sum, [start, end]) => sum + end - start, 0),
  );
  using mapping = new LazyMapping(fd, size, PROT_READ);
  const failed = (result: number) =>
    sysError(
      result,
      "cannot write shared memory to the image",
      { path: images.path },
      "make room in the image directory",
    );
  let offset = 0;
  for (const [start, end] of ranges) {
    map.page(start, (end - start) / PAGE_SIZE, PageFlag.present);
    const to = offset - start;
    transfer(
      [start, end],
      size,
      (at, bytes) => sendFile(fd, at, file, to + at, bytes),
      (at, bytes) => sys(NR.pwrite64, file, mapping.address + at, bytes, to + at),
      failed,
    );
    offset += end - start;
  }
  return offset;
}

/** Fills a fresh memory file of `size` bytes from pagemap-shmem-`shmid`. */
export function fillShared(images: ImageDirectory, shmid: number | bigint, fd: number, size: number): number {
  const map = images.pagemap("SHMEM_PAGEMAP", shmid);
  if (!map || map.count === 0) return 0;
  const image = `pagemap-shmem-${shmid}.img`;
  const pages = images.openRaw("PAGES", map.pagesId);
  if (pages === undefined) throw images.missing("PAGES", map.pagesId);
  const whole = wholePages(size);
  const failed = () =>
    new CrError("the pages image is too short", { code: "BAD_IMAGE", subject: { image: `pages-${map.pagesId}.img` } });
  let offset = 0;
  try {
    using mapping = new LazyMapping(fd, size, PROT_READ | PROT_WRITE);
    for (let i = 0; i < map.count; i++) {
      const start = map.vaddr[i] ?? 0;
      const bytes = (map.pages[i] ?? 0) * PAGE_SIZE;
      if (((map.flags[i] ?? 0) & PageFlag.present) === 0) continue;
      if (start + bytes > whole) {
        throw new CrError("pages lie beyond the end of the shared memory", { code: "BAD_IMAGE", subject: { image } });
      }
      const from = offset - start;
      transfer(
        [start, start + bytes],
        size,
        (at, length) => sendFile(pages, from + at, fd, at, length),
        (at, length) => sys(NR.pread64, pages, mapping.address + at, length, from + at),
        failed,
      );
      offset += bytes;
    }
  } finally {
    sys(NR.lseek, fd, 0, 0);
    closeFd(pages);
  }
  return offset;
}

const COPY = 1 << 20;
const FALLOC = { KEEP_SIZE: 1, PUNCH_HOLE: 2 } as const;

/** Takes all content out of a memory file of `size` bytes. */
export function clearShared(fd: number, size: number): void {
  const how = FALLOC.KEEP_SIZE | FALLOC.PUNCH_HOLE;
  check(sys(NR.fallocate, fd, how, 0, size), "cannot empty shared memory");
}

/** Whether a memory file of `size` bytes holds what pagemap-shmem-`shmid` says, and nothing else. */
export function holdsShared(images: ImageDirectory, shmid: number, fd: number, size: number): boolean {
  const map = images.pagemap("SHMEM_PAGEMAP", shmid);
  const pages = map && map.count > 0 ? images.openRaw("PAGES", map.pagesId) : undefined;
  const saved: [number, number][] = [];
  for (let i = 0; map && i < map.count; i++) {
    const start = map.vaddr[i] ?? 0;
    saved.push([start, start + (map.pages[i] ?? 0) * PAGE_SIZE]);
  }
  try {
    using view = new SharedView(fd, size);
    let offset = 0;
    for (const [start, end] of saved) {
      if (pages === undefined || !isEqual(view.bytes.subarray(start, end), pages, offset)) return false;
      offset += end - start;
    }
    for (const [start, end] of dataRanges(fd, size)) {
      let at = start;
      for (const [from, to] of saved) {
        if (to <= at || from >= end) continue;
        if (!isZero(view.bytes.subarray(at, Math.max(at, from)))) return false;
        at = to;
      }
      if (!isZero(view.bytes.subarray(at, Math.max(at, end)))) return false;
    }
    return true;
  } finally {
    if (pages !== undefined) closeFd(pages);
  }
}

function isZero(memory: Uint8Array): boolean {
  const zeros = new Uint8Array(Math.min(COPY, memory.length));
  for (let at = 0; at < memory.length; at += COPY) {
    const part = memory.subarray(at, at + COPY);
    if (Buffer.compare(part, zeros.subarray(0, part.length)) !== 0) return false;
  }
  return true;
}

/** Whether memory has the bytes that a file has from `offset` on. */
function isEqual(memory: Uint8Array, fd: number, offset: number): boolean {
  const part = new Uint8Array(Math.min(COPY, memory.length));
  for (let at = 0; at < memory.length; ) {
    const bytes = Math.min(part.length, memory.length - at);
    const got = sys(NR.pread64, fd, addressOf(part), bytes, offset + at);
    if (got === EINTR) continue;
    if (got <= 0 || Buffer.compare(part.subarray(0, got), memory.subarray(at, at + got)) !== 0) return false;
    at += got;
  }
  return true;
}
