/** What lies in a tmpfs, to and from the archive that the images have of it (tmpfs-dev-N.tar.gz.img). */
import { readdirSync } from "node:fs";
import { CrError } from "../error.ts";
import type { IdTranslation } from "../image/ids.ts";
import { readTar, type TarMember, type TarPiece, tarEnd, tarHeader, tarPadding } from "../image/tar.ts";
import { closeFd, openBelow, tryOpen, tryRead } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { type FileStat, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, statFd } from "../kernel/stat.ts";
import { addressOf, check, cstring, must, sys } from "../kernel/sys.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";

/** How much is compressed at once: each piece is a gzip member, which all unpackers join. */
const PIECE = 4 << 20;
/** More than this does not come out of one gzip member, of which foreign archives may have but one. */
const LARGEST = 2 ** 32 - 1;
/** What a member of an archive has besides its content, bytes: more than most have. */
const OVERHEAD = 2048;
const PAGE = 4096;

/** Loaded when it is needed, and seldom is: that takes longer than to unpack what a container has in its /dev. */
const zlib = () => process.getBuiltinModule("node:zlib");
const freeMemory = () => process.getBuiltinModule("node:os").freemem();

const TYPES: ReadonlyMap<number, string> = new Map([
  [S_IFREG, "0"],
  [S_IFLNK, "2"],
  [S_IFCHR, "3"],
  [S_IFBLK, "4"],
  [S_IFDIR, "5"],
  [S_IFIFO, "6"],
]);
const MODES: ReadonlyMap<string, number> = new Map([...TYPES].map(([mode, type]) => [type, mode]));

const bytesOf = (name: string) => cstring(Buffer.from(name, "latin1"));

/** Opens a name in a directory as it is. */
function openAt(directory: number, name: string): number {
  return check(
    sys(NR.openat, directory, addressOf(bytesOf(name)), O.PATH | O.NOFOLLOW | O.CLOEXEC),
    "cannot open a file",
    {
      path: name,
    },
  );
}

function linkTarget(fd: number): string {
  const out = new Uint8Array(new ArrayBuffer(4096));
  const length = must(NR.readlinkat, [fd, addressOf(cstring("")), addressOf(out), out.length], "cannot read a link");
  return Buffer.from(out.buffer, 0, length).toString("latin1");
}

/** The names of extended attributes, or the value of one: no longer than this. */
const attributes = Buffer.from(new ArrayBuffer(65536));

function xattrsOf(fd: number): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const room = [addressOf(attributes), attributes.length] as const;
  const length = sys(NR.flistxattr, fd, ...room);
  if (length <= 0) return found;
  for (const name of attributes.toString("latin1", 0, length).split("\0").filter(Boolean)) {
    const size = sys(NR.fgetxattr, fd, addressOf(bytesOf(name)), ...room);
    if (size >= 0) found.set(name, Uint8Array.from(attributes.subarray(0, size)));
  }
  return found;
}

/** Packs a tree: directories before what is in them, files with several names once. */
class Packer {
  readonly #seen = new Map<number, string>();
  #pending: Uint8Array[] = [];
  #size = 0;
  /** Bytes before they were compressed. */
  total = 0;

  constructor(
    private readonly write: (bytes: Uint8Array) => void,
    private readonly ids: IdTranslation | undefined,
  ) {}

  #put(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    this.#size += bytes.length;
    this.total += bytes.length;
    if (this.#size >= PIECE) this.flush();
  }

  flush(): void {
    if (this.#size === 0) return;
    this.write(Bun.gzipSync(Buffer.concat(this.#pending), { level: 1 }));
    this.#pending = [];
    this.#size = 0;
  }

  end(): void {
    this.#put(tarEnd);
    this.flush();
  }

  /** @param fd O_PATH descriptor of what has this name in the archive */
  add(fd: number, name: string): void {
    const stat = ownedBy(statFd(fd, { path: name }), this.ids);
    const type = TYPES.get(stat.mode & S_IFMT);
    // a socket is made by whoever is bound to it
    if (type === undefined) return;
    const first = type === "5" || stat.nlink < 2 ? undefined : this.#seen.get(stat.ino);
    if (first !== undefined) {
      this.#put(tarHeader(member(stat, name, "1", first)));
      return;
    }
    this.#seen.set(stat.ino, name);
    if (type === "0") this.#file(fd, stat, name);
    else if (type === "5") this.#directory(fd, stat, name);
    else this.#put(tarHeader(member(stat, name, type, type === "2" ? linkTarget(fd) : "")));
  }

  #file(fd: number, stat: FileStat, name: string): void {
    const readable = reopen(fd, O.RDONLY | O.NOATIME, name);
    try {
      this.#put(tarHeader({ ...member(stat, name, "0", ""), size: stat.size, xattrs: xattrsOf(readable) }));
      for (let left = stat.size; left > 0; ) {
        const piece = new Uint8Array(new ArrayBuffer(Math.min(left, PIECE)));
        const got = check(tryRead(readable, piece), "cannot read a file of a tmpfs", { path: name });
        // shorter than it was: the tree stands still, so somebody else shares it
        if (got === 0) throw new CrError("a file of a tmpfs became shorter", { subject: { path: name } });
        this.#put(piece.subarray(0, got));
        left -= got;
      }
      this.#put(tarPadding(stat.size));
    } finally {
      closeFd(readable);
    }
  }

  #directory(fd: number, stat: FileStat, name: string): void {
    const readable = reopen(fd, O.RDONLY | O.DIRECTORY | O.NOATIME, name);
    try {
      this.#put(tarHeader({ ...member(stat, name, "5", ""), xattrs: xattrsOf(readable) }));
      // a tmpfs counts what lies in a directory as its size
      if (stat.size === 0) return;
      const names = readdirSync(`/proc/self/fd/${readable}`, { encoding: "buffer" }).map((one) =>
        one.toString("latin1"),
      );
      for (const one of names.sort()) {
        const child = openAt(readable, one);
        this.add(child, `${name}/${one}`);
        closeFd(child);
      }
    } finally {
      closeFd(readable);
    }
  }
}

function reopen(fd: number, flags: number, path: string): number {
  return check(tryOpen(`/proc/self/fd/${fd}`, flags), "cannot read a file of a tmpfs", { path });
}

function member(stat: FileStat, name: string, type: string, link: string): TarMember {
  return {
    name,
    type,
    link,
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    size: 0,
    mtime: stat.mtimeNs,
    major: Math.floor(stat.rdev / 0x100000),
    minor: stat.rdev % 0x100000,
    xattrs: new Map(),
  };
}

function ownedBy<T extends Pick<FileStat, "uid" | "gid">>(one: T, ids: IdTranslation | undefined): T {
  return ids ? { ...one, uid: ids.uid(one.uid), gid: ids.gid(one.gid) } : one;
}

/**
 * Packs all that lies below a directory, itself included.
 * @param ids of owners, to what the archive says
 * @returns how many bytes come out of the archive
 */
export function packTree(root: number, write: (bytes: Uint8Array) => void, ids?: IdTranslation): number {
  const packer = new Packer(write, ids);
  packer.add(root, ".");
  packer.end();
  return packer.total;
}

const ZEROS = new Uint8Array(PAGE);

/** From where to where there is anything but zeros, page by page: holes stay holes. */
function* filled(bytes: Uint8Array): Generator<[start: number, end: number]> {
  let start = 0;
  for (let at = 0; at < bytes.length; at += PAGE) {
    const page = bytes.subarray(at, at + PAGE);
    if (Buffer.compare(page, ZEROS.subarray(0, page.length)) !== 0) continue;
    if (start < at) yield [start, at];
    start = at + PAGE;
  }
  if (start < bytes.length) yield [start, bytes.length];
}

/** Unpacks below a directory of ours, and nowhere else. */
class Unpacker {
  readonly #late: (() => void)[] = [];

  constructor(private readonly root: number) {}

  #inside(name: string): number {
    const what = "cannot unpack the content of a tmpfs";
    return check(openBelow(this.root, name, O.PATH | O.NOFOLLOW, 0, true), what, { path: name });
  }

  unpack(member: TarMember, pieces: Iterable<TarPiece>): void {
    const parts = member.name.split("/").filter((part) => part !== "" && part !== ".");
    if (member.name.startsWith("/") || parts.includes("..")) {
      throw new CrError("an archive names a file outside of its file system", {
        code: "BAD_IMAGE",
        subject: { path: member.name },
      });
    }
    const last = parts.pop();
    if (last === undefined) {
      if (member.type === "5") this.#late.push(() => this.#dress(this.root, ".", member));
      return;
    }
    const directory = this.#inside(parts.join("/"));
    try {
      this.#make(directory, last, member, pieces);
    } finally {
      closeFd(directory);
    }
  }

  #make(directory: number, name: string, member: TarMember, pieces: Iterable<TarPiece>): void {
    const subject = { path: member.name };
    const what = "cannot unpack the content of a tmpfs";
    const path = bytesOf(name);
    const at = [directory, addressOf(path)] as const;
    const { type } = member;
    if (type === "5") {
      const made = sys(NR.mkdirat, ...at, 0o700);
      // one that is there already
      if (made !== -17) check(made, what, subject);
      this.#late.push(() => {
        const parent = this.#inside(member.name.split("/").slice(0, -1).join("/"));
        this.#dress(parent, name, member);
        closeFd(parent);
      });
      return;
    }
    if (type === "1") {
      const target = this.#inside(member.link);
      const result = sys(NR.linkat, target, addressOf(cstring("")), ...at, AT.EMPTY_PATH);
      closeFd(target);
      check(result, what, subject);
      return;
    }
    if (type === "2") must(NR.symlinkat, [addressOf(bytesOf(member.link)), ...at], what, subject);
    else if (type === "0") this.#file(directory, name, member, pieces);
    else {
      const mode = MODES.get(type);
      if (mode === undefined)
        throw new CrError("an archive has a member of an unknown type", { code: "BAD_IMAGE", subject });
      const rdev = (member.minor & 0xff) + member.major * 0x100 + (member.minor >>> 8) * 0x100000;
      must(NR.mknodat, [...at, mode | 0o600, rdev], what, subject);
    }
    this.#dress(directory, name, member);
  }

  #file(directory: number, name: string, member: TarMember, pieces: Iterable<TarPiece>): void {
    const subject = { path: member.name };
    const what = "cannot unpack the content of a tmpfs";
    const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW | O.CLOEXEC;
    const fd = must(NR.openat, [directory, addressOf(bytesOf(name)), flags, 0o600], what, subject);
    try {
      must(NR.ftruncate, [fd, member.size], what, subject);
      for (const { offset, bytes } of pieces)
        for (const [start, end] of filled(bytes)) {
          const part = bytes.subarray(start, end);
          const written = must(NR.pwrite64, [fd, addressOf(part), part.length, offset + start], what, subject);
          if (written < part.length) throw new CrError(`${what}: it is full`, { code: "ENOSPC", subject });
        }
      this.#attributes(fd, member);
    } finally {
      closeFd(fd);
    }
  }

  #attributes(fd: number, member: TarMember): void {
    for (const [key, value] of member.xattrs) {
      const copy = new Uint8Array(value);
      const args = [fd, addressOf(bytesOf(key)), copy.length > 0 ? addressOf(copy) : 0, copy.length, 0];
      must(NR.fsetxattr, args, "cannot set an extended attribute", { path: member.name, name: key });
    }
  }

  /** Owner, permissions and times. */
  #dress(directory: number, name: string, member: TarMember): void {
    const subject = { path: member.name };
    if (member.type === "5" && member.xattrs.size > 0) {
      const fd = check(openBelow(directory, name, O.RDONLY | O.DIRECTORY, 0, true), "cannot open a directory", subject);
      this.#attributes(fd, member);
      closeFd(fd);
    }
    const what = "cannot set owner, mode and times of a file of a tmpfs";
    const path = bytesOf(name);
    const at = [directory, addressOf(path)] as const;
    must(NR.fchownat, [...at, member.uid, member.gid, AT.SYMLINK_NOFOLLOW], what, subject);
    if (member.type !== "2") must(NR.fchmodat, [...at, member.mode], what, subject);
    const time = (ns: bigint) => {
      const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
      return [(ns - rest) / 1_000_000_000n, rest];
    };
    const times = new BigInt64Array([...time(member.atime ?? member.mtime), ...time(member.mtime)]);
    must(NR.utimensat, [...at, addressOf(times), AT.SYMLINK_NOFOLLOW], what, subject);
  }

  /** Directories last: making something in them changes their times. */
  end(): void {
    for (const one of this.#late.reverse()) one();
  }
}

/** struct statfs has 64-bit words: type, size of a block, blocks, free ones, those for all, files. */
const STATFS = { blockSize: 1, blocks: 2, files: 5, words: 32 } as const;

/** How many bytes an archive may have that has no more files and content than a file system has room for. */
export function roomFor(fd: number): number {
  const words = new BigUint64Array(STATFS.words);
  must(NR.fstatfs, [fd, addressOf(words)], "cannot see how large a tmpfs is");
  const of = (at: number) => Number(words[at] ?? 0n);
  const [blocks, files] = [of(STATFS.blocks), of(STATFS.files)];
  return (blocks === 0 ? Infinity : blocks * of(STATFS.blockSize)) + (files === 0 ? Infinity : files * OVERHEAD);
}

const damaged = (cause?: unknown) =>
  new CrError("an archive of a file system's content cannot be unpacked", { code: "BAD_IMAGE", cause });

const tooLarge = (most: number) =>
  new CrError("an archive of a file system's content unpacks to more than it may", {
    code: "BAD_IMAGE",
    subject: { bytes: most },
    remedy: "take the whole set from its origin again; with one of criu's, restore where there is more memory",
  });

/** Flags of a gzip header (RFC 1952): what follows its ten bytes. */
const GZIP = { CRC: 2, EXTRA: 4, NAME: 8, COMMENT: 16 } as const;

/** Where the data of the gzip member begins that begins at `at`. */
function behindHeader(archive: Buffer, at: number): number {
  if (archive.length < at + 18 || archive.readUInt16BE(at) !== 0x1f8b || archive[at + 2] !== 8) throw damaged();
  const flags = archive[at + 3] ?? 0;
  let end = at + 10;
  if (flags & GZIP.EXTRA) end += 2 + (archive[end] ?? 0) + (archive[end + 1] ?? 0) * 256;
  for (const text of [GZIP.NAME, GZIP.COMMENT]) {
    if ((flags & text) === 0) continue;
    const zero = archive.indexOf(0, end);
    if (zero < 0) throw damaged();
    end = zero + 1;
  }
  return flags & GZIP.CRC ? end + 2 : end;
}

/** Deflate packs no byte better than this many times. */
const BEST_RATIO = 1032;

/**
 * What is in an archive of one member that cannot be large.
 * @returns undefined where it may be, or there is something wrong: who goes through it step by step sees what
 */
function inflateSmall(archive: Buffer, most: number): Uint8Array | undefined {
  if (archive.length > PIECE / 64 || archive.length * BEST_RATIO > most) return undefined;
  try {
    const out = Bun.inflateSync(Buffer.from(archive.subarray(behindHeader(archive, 0), -8)));
    // behind a further member it is not the first one's sum that stands at the end
    return Bun.hash.crc32(out) === archive.readUInt32LE(archive.length - 8) ? out : undefined;
  } catch {
    return undefined;
  }
}

/** Unpacks one gzip member after the other. @param most bytes in all @throws CrError BAD_IMAGE when there are more */
export function* gunzip(archive: Buffer, most: number): Generator<Uint8Array> {
  const small = inflateSmall(archive, most);
  if (small) {
    yield small;
    return;
  }
  let total = 0;
  for (let at = 0; at < archive.length; ) {
    const start = behindHeader(archive, at);
    const maxOutputLength = Math.min(LARGEST, freeMemory(), most - total);
    let out: { buffer: Buffer; engine: { bytesWritten: number } };
    try {
      const options = { info: true, maxOutputLength: Math.max(1, maxOutputLength) } as const;
      out = zlib().inflateRawSync(archive.subarray(start), options) as unknown as typeof out;
    } catch (cause) {
      throw (cause as { code?: string }).code === "ERR_BUFFER_TOO_LARGE" ? tooLarge(maxOutputLength) : damaged(cause);
    }
    const { buffer, engine } = out;
    at = start + engine.bytesWritten + 8;
    if (at > archive.length || archive.readUInt32LE(at - 8) !== zlib().crc32(buffer)) throw damaged();
    total += buffer.length;
    if (total > most) throw tooLarge(most);
    yield buffer;
  }
}

/**
 * Fills a directory from an archive.
 * @param root a descriptor of ours, O_PATH or not
 * @param most bytes that come out of it
 * @param ids of owners, from what the archive says
 * @throws CrError BAD_IMAGE when it is damaged, or names something outside
 */
export function unpackTree(root: number, archive: Uint8Array, most: number, ids?: IdTranslation): void {
  const unpacker = new Unpacker(root);
  const packed = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  for (const { member: one, pieces } of readTar(gunzip(packed, most))) unpacker.unpack(ownedBy(one, ids), pieces);
  unpacker.end();
}
