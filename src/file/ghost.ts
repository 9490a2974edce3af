import { CrError } from "../error.ts";
import { encode } from "../image/codec.ts";
import type { GhostFileEntry, Timeval } from "../image/schema.gen.ts";
import type { ImageWriter } from "../image/writer.ts";
import { closeFd, reopenToRead } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { roomOf } from "../kernel/set-aside.ts";
import { S_IFBLK, S_IFCHR, S_IFLNK, S_IFMT, S_IFREG } from "../kernel/stat.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { toU64 } from "../kernel/u64.ts";
import { SEEK } from "../kernel/uapi/fcntl.ts";
import { FS } from "../kernel/uapi/magic.ts";
import { attributesOf } from "./attributes.ts";
import { copyRange, dataRanges, roomSetAside } from "./copy.ts";
import type { FileDump } from "./kind.ts";
import { fsDevice } from "./mounts.ts";
import { type NamedFile, subjectOf } from "./place.ts";

/** Regular files from this size on are saved in chunks, as those with holes are, so that these stay. */
const CHUNKED_FROM = 12288;
const BLOCK = 512;
const NSEC_PER_SEC = 1_000_000_000n;

/** Nanoseconds since 1970 (before it: negative) as images keep times, and what microseconds cannot hold. */
function timeval(ns: bigint): { time: Timeval; rest: number } {
  const inSecond = ((ns % NSEC_PER_SEC) + NSEC_PER_SEC) % NSEC_PER_SEC;
  const sec = BigInt.asUintN(64, (ns - inSecond) / NSEC_PER_SEC);
  return { time: { tv_sec: toU64(sec), tv_usec: Number(inSecond / 1000n) }, rest: Number(inSecond % 1000n) };
}

/** A device number as mknod(2) takes it, from major << 20 | minor. */
function encodeRdev(dev: number): number {
  const major = Math.floor(dev / 0x100000);
  const minor = dev % 0x100000;
  return (minor & 0xff) + major * 0x100 + (minor >>> 8) * 0x100000;
}

function linkTarget(fd: number): string {
  const name = cstring("");
  const out = new Uint8Array(4096);
  const size = check(
    sys(NR.readlinkat, fd, addressOf(name), addressOf(out), out.length),
    "cannot read a symbolic link",
    { fd },
  );
  return Buffer.from(out.buffer, 0, size).toString();
}

/** Some file systems count blocks that they hold ready as well: what matters is what will be copied. */
function bytesOf(file: NamedFile): number {
  const fd = reopenToRead(file.dup, "cannot read a deleted file", subjectOf(file));
  try {
    const ranges = [...dataRanges(fd, file.stat.size, false, subjectOf(file))];
    return ranges.reduce((sum, { length }) => sum + length, 0);
  } finally {
    closeFd(fd);
  }
}

/** The error for a deleted file that is larger than the user allows; undefined for those that are not. */
export function tooLarge(file: NamedFile, limit: number): CrError | undefined {
  if ((file.stat.mode & S_IFMT) !== S_IFREG || file.stat.blocks * BLOCK <= limit) return undefined;
  const bytes = bytesOf(file);
  if (bytes <= limit) return undefined;
  return new CrError(`a deleted file holds ${bytes} bytes, more than the limit of ${limit}`, {
    code: "EFBIG",
    subject: subjectOf(file),
    remedy: `allow it with --ghost-limit ${Math.ceil(bytes / (1 << 20))}M, or let the program close the file`,
  });
}

/** The deleted files of one dump: each inode is saved once, however many descriptors and mappings it has. */
export class Ghosts {
  readonly #ids = new Map<string, number>();

  constructor(private readonly dump: FileDump) {}

  /** The ghost id of a deleted file; its image is written on first use. */
  idOf(file: NamedFile): number {
    const key = `${file.stat.dev}:${file.stat.ino}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const large = tooLarge(file, this.dump.options.ghostLimit);
    if (large) throw large;
    const id = this.#ids.size + 1;
    this.#ids.set(key, id);
    this.#write(id, file);
    return id;
  }

  #write(id: number, file: NamedFile): void {
    const { stat } = file;
    const type = stat.mode & S_IFMT;
    const [atime, mtime] = [timeval(stat.atimeNs), timeval(stat.mtimeNs)];
    const entry: GhostFileEntry = {
      uid: stat.uid,
      gid: stat.gid,
      mode: stat.mode,
      dev: fsDevice(stat, this.dump),
      ino: stat.ino,
      atim: atime.time,
      mtim: mtime.time,
      tscriu_set_aside: [],
    };
    if (atime.rest > 0) entry.tscriu_atim_ns = atime.rest;
    if (mtime.rest > 0) entry.tscriu_mtim_ns = mtime.rest;
    if (type === S_IFREG && file.fsType === FS.TMPFS) Object.assign(entry, roomOf(stat));
    if (type === S_IFCHR || type === S_IFBLK) entry.rdev = encodeRdev(stat.rdev);
    if (type === S_IFLNK) entry.symlnk_target = linkTarget(file.dup);
    const writer = this.dump.images.writer("GHOST_FILE", id);
    const tell = (what: string) => this.dump.log.warn(`of the deleted file ${file.link} is not kept ${what}`);
    if (type !== S_IFREG) {
      const attributes = attributesOf(file.dup, stat.mode, undefined, tell);
      writer.append(attributes ? { ...entry, tscriu_attributes: attributes } : entry);
      return;
    }
    const fd = reopenToRead(file.dup, "cannot read a deleted file", subjectOf(file));
    try {
      const attributes = attributesOf(fd, stat.mode, fd, tell);
      if (attributes) entry.tscriu_attributes = attributes;
      if (file.fsType !== FS.TMPFS && stat.blocks > 0) entry.tscriu_set_aside = roomSetAside(fd);
      const isSparse = stat.blocks * BLOCK < stat.size;
      if (stat.size < CHUNKED_FROM && !isSparse) this.#whole(writer, entry, file, fd);
      else this.#chunks(writer, entry, file, fd);
    } finally {
      closeFd(fd);
    }
  }

  #whole(writer: ImageWriter<"GHOST_FILE">, entry: GhostFileEntry, file: NamedFile, fd: number): void {
    writer.append(entry);
    this.#copy(writer, file, fd, 0, file.stat.size);
  }

  #chunks(writer: ImageWriter<"GHOST_FILE">, entry: GhostFileEntry, file: NamedFile, fd: number): void {
    const { size } = file.stat;
    writer.append({ ...entry, chunks: true, size });
    for (const { offset, length } of dataRanges(fd, size, this.dump.options.ghostFiemap, subjectOf(file))) {
      const chunk = encode("ghost_chunk_entry", { len: length, off: offset });
      writer.raw(new Uint8Array(new Uint32Array([chunk.length]).buffer));
      writer.raw(chunk);
      this.#copy(writer, file, fd, offset, length);
    }
  }

  /** Appends a piece of the file to the image, from file to file. */
  #copy(writer: ImageWriter<"GHOST_FILE">, file: NamedFile, fd: number, offset: number, length: number): void {
    writer.flush();
    const at = check(sys(NR.lseek, writer.fd, 0, SEEK.CUR), "cannot write the image", { image: writer.path });
    try {
      copyRange(fd, offset, writer.fd, at, length, { image: writer.path });
    } catch (cause) {
      throw new CrError("cannot save a deleted file", { subject: subjectOf(file), cause });
    }
    check(sys(NR.lseek, writer.fd, at + length, SEEK.SET), "cannot write the image", { image: writer.path });
  }
}
