import { CrError, type Subject } from "../error.ts";
import { ERRNO } from "../kernel/errno.ts";
import { tryIoctl } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys, sysError } from "../kernel/sys.ts";

const EINTR = -(ERRNO.EINTR ?? 4);
const ENXIO = -(ERRNO.ENXIO ?? 6);
/** How the kernel says that a way of copying does not suit these two files. */
const UNSUITED: ReadonlySet<number> = new Set(
  ["EXDEV", "EINVAL", "EOPNOTSUPP", "ENOSYS", "EBADF", "EPERM"].map((name) => -(ERRNO[name] ?? 0)),
);

const SEEK_SET = 0;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
/** Bytes per call; the kernel copies at most 2 GiB - 4096. */
const STEP = 1 << 30;
const BUFFER = 1 << 20;

/** linux/fiemap.h */
const FS_IOC_FIEMAP = 0xc020_660b;
const FIEMAP_EXTENT_LAST = 1;
const FIEMAP_EXTENT_UNWRITTEN = 0x800;
const FIEMAP_HEAD = 32;
const FIEMAP_EXTENT = 56;
const EXTENTS = 512;

/** A piece of a file that is no hole, bytes. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

const offsets = new BigInt64Array(new ArrayBuffer(16));

/** One way of copying: how many bytes went, 0 at the end of the file, or the negative errno. */
type Way = (from: number, at: number, to: number, toAt: number, length: number) => number;

const throughFileSystem: Way = (from, at, to, toAt, length) => {
  offsets[0] = BigInt(at);
  offsets[1] = BigInt(toAt);
  return sys(NR.copy_file_range, from, addressOf(offsets), to, addressOf(offsets) + 8, Math.min(length, STEP));
};

const throughPageCache: Way = (from, at, to, toAt, length) => {
  offsets[0] = BigInt(at);
  const moved = sys(NR.lseek, to, toAt, SEEK_SET);
  return moved < 0 ? moved : sys(NR.sendfile, to, from, addressOf(offsets), Math.min(length, STEP));
};

const throughBuffer: Way = (from, at, to, toAt, length) => {
  const bytes = new Uint8Array(Math.min(length, BUFFER));
  const got = sys(NR.pread64, from, addressOf(bytes), bytes.length, at);
  return got <= 0 ? got : sys(NR.pwrite64, to, addressOf(bytes), got, toAt);
};

const WAYS: readonly Way[] = [throughFileSystem, throughPageCache, throughBuffer];

/**
 * Copies bytes between two files without bringing them into our memory where the kernel can.
 * @throws CrError with the kernel's word; ENODATA when the source is shorter
 */
export function copyRange(from: number, at: number, to: number, toAt: number, length: number, subject: Subject): void {
  let done = 0;
  let way = 0;
  while (done < length) {
    const copied = (WAYS[way] as Way)(from, at + done, to, toAt + done, length - done);
    if (copied > 0) done += copied;
    else if (copied === EINTR) continue;
    // copy_file_range(2) says 0, too, for files that have no size of their own
    else if (way < WAYS.length - 1 && (copied === 0 || UNSUITED.has(copied))) way++;
    else if (copied === 0) throw new CrError("a file ends too early", { code: "ENODATA", subject });
    else throw sysError(copied, "cannot copy a file's content", subject, remedyFor(copied));
  }
}

function remedyFor(result: number): string | undefined {
  return result === -(ERRNO.ENOSPC ?? 28) ? "make room on the file system that is written to" : undefined;
}

/**
 * Where a file of `size` bytes has data, ascending. Its descriptor must be readable and may be moved.
 * @param fiemap ask for the extents; the file system decides whether it can tell, else holes are sought one by one
 */
export function dataRanges(fd: number, size: number, fiemap: boolean, subject: Subject = {}): Range[] {
  return (fiemap ? extents(fd, size) : undefined) ?? sought(fd, 0, size, subject);
}

function sought(fd: number, start: number, end: number, subject: Subject): Range[] {
  const ranges: Range[] = [];
  for (let at = start; at < end; ) {
    const data = sys(NR.lseek, fd, at, SEEK_DATA);
    if (data === ENXIO) break;
    check(data, "cannot find the data of a sparse file", subject);
    const hole = check(sys(NR.lseek, fd, data, SEEK_HOLE), "cannot find the holes of a sparse file", subject);
    if (data < end) ranges.push({ offset: data, length: Math.min(hole, end) - data });
    at = hole;
  }
  return ranges;
}

/** A piece of a file as its file system keeps it. */
interface Extent extends Range {
  /** FIEMAP_EXTENT_ */
  readonly flags: number;
}

/** Those that begin before `end`, ascending. @returns whether the file system tells */
function eachExtent(fd: number, end: number, act: (extent: Extent) => void): boolean {
  const bytes = new Uint8Array(FIEMAP_HEAD + EXTENTS * FIEMAP_EXTENT);
  const view = new DataView(bytes.buffer);
  for (let start = 0; start < end; ) {
    view.setBigUint64(0, BigInt(start), true);
    view.setBigUint64(8, BigInt(end - start), true);
    view.setUint32(16, 0, true);
    view.setUint32(20, 0, true);
    view.setUint32(24, EXTENTS, true);
    if (tryIoctl(fd, FS_IOC_FIEMAP, bytes) < 0) return false;
    const count = view.getUint32(20, true);
    if (count === 0) break;
    for (let i = 0; i < count; i++) {
      const at = FIEMAP_HEAD + i * FIEMAP_EXTENT;
      const offset = Number(view.getBigUint64(at, true));
      const length = Number(view.getBigUint64(at + 16, true));
      const flags = view.getUint32(at + 40, true);
      act({ offset, length, flags });
      if (flags & FIEMAP_EXTENT_LAST) return true;
      start = Math.max(start, offset + length);
    }
  }
  return true;
}

/** Undefined when the file system does not tell. Extents that touch are one range. */
function extents(fd: number, size: number): Range[] | undefined {
  const ranges: Range[] = [];
  const tells = eachExtent(fd, size, ({ offset, length, flags }) => {
    const end = Math.min(offset + length, size);
    // what is only set aside may have pages that were not written to the disk yet: the page cache knows
    const found = flags & FIEMAP_EXTENT_UNWRITTEN ? sought(fd, offset, end, {}) : [{ offset, length: end - offset }];
    for (const range of found) add(ranges, range);
  });
  return tells ? ranges : undefined;
}

/** Where a file on a disk has room that was set aside (fallocate) and nobody has written to, behind its end too. */
export function roomSetAside(fd: number): Range[] {
  const ranges: Range[] = [];
  eachExtent(fd, Number.MAX_SAFE_INTEGER, ({ offset, length, flags }) => {
    if (flags & FIEMAP_EXTENT_UNWRITTEN) add(ranges, { offset, length });
  });
  return ranges;
}

function add(ranges: Range[], range: Range): void {
  const last = ranges.at(-1);
  if (last && last.offset + last.length === range.offset) {
    ranges[ranges.length - 1] = { offset: last.offset, length: last.length + range.length };
  } else if (range.length > 0) ranges.push(range);
}
