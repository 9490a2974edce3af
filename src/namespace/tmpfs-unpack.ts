/** What lies in a tmpfs, from the archive that the images have of it (tmpfs-dev-N.tar.gz.img). */
import { CrError } from "../error.ts";
import { gunzip } from "../image/gunzip.ts";
import type { IdTranslation } from "../image/ids.ts";
import { readTar, type TarMember, type TarPiece, type TarSocket } from "../image/tar.ts";
import { setXattr } from "../kernel/attributes.ts";
import { closeFd, openBelow } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { setAside } from "../kernel/set-aside.ts";
import { S_IFSOCK } from "../kernel/stat.ts";
import { addressOf, check, cstring, must, sys } from "../kernel/sys.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import { setFlags } from "./tmpfs-flags.ts";
import { bytesOf, ownedBy, TYPES } from "./tmpfs-pack.ts";

/** What a member of an archive has besides its content, bytes: more than most have. */
const OVERHEAD = 2048;
const PAGE = 4096;

const MODES: ReadonlyMap<string, number> = new Map([...TYPES].map(([mode, type]) => [type, mode]));

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
  /** Whose flags may forbid all that is done before. */
  readonly #flagged = new Map<string, TarMember>();

  constructor(
    private readonly root: number,
    private readonly ids: IdTranslation | undefined,
  ) {}

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
    if (member.flags !== undefined) this.#flagged.set(member.name, member);
    const last = parts.pop();
    if (last === undefined) {
      if (member.type !== "5") return;
      this.#late.push(() => this.#dress(this.root, ".", member));
      this.#sockets(this.root, member);
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
      const own = member.sockets ? this.#inside(member.name) : undefined;
      if (own !== undefined) {
        this.#sockets(own, member);
        closeFd(own);
      }
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
      if (member.room) setAside(fd, member.room, member.name);
    } finally {
      closeFd(fd);
    }
  }

  /** Whoever is bound to one replaces it, as where it had stayed on a disk. */
  #sockets(directory: number, { name: of, sockets = [] }: TarMember): void {
    for (const socket of sockets) {
      const { name, mode, uid, gid, mtime }: TarSocket = this.ids ? ownedBy(socket, this.ids) : socket;
      const path = `${of}/${name}`;
      const args = [directory, addressOf(bytesOf(name)), S_IFSOCK | mode, 0];
      must(NR.mknodat, args, "cannot unpack the content of a tmpfs", { path });
      const member = { name: path, type: "s", mode, uid, gid, mtime, size: 0, link: "", major: 0, minor: 0 };
      this.#dress(directory, name, { ...member, xattrs: new Map() });
    }
  }

  #attributes(directory: number, name: string, member: TarMember): void {
    const subject = { path: member.name };
    const fd = check(openBelow(directory, name, O.PATH | O.NOFOLLOW, 0, true), "cannot open a file", subject);
    for (const [key, value] of member.xattrs)
      check(setXattr(fd, key, value), "cannot set an extended attribute", { ...subject, name: key });
    closeFd(fd);
  }

  /** Owner, permissions, extended attributes and times. */
  #dress(directory: number, name: string, member: TarMember): void {
    const subject = { path: member.name };
    const what = "cannot set owner, mode and times of a file of a tmpfs";
    const path = bytesOf(name);
    const at = [directory, addressOf(path)] as const;
    must(NR.fchownat, [...at, member.uid, member.gid, AT.SYMLINK_NOFOLLOW], what, subject);
    if (member.type !== "2") must(NR.fchmodat, [...at, member.mode], what, subject);
    // capabilities go when the owner changes
    if (member.xattrs.size > 0) this.#attributes(directory, name, member);
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
    for (const { name, flags = "" } of this.#flagged.values()) {
      const what = "cannot open a file of a tmpfs";
      const fd = check(openBelow(this.root, name, O.RDONLY | O.NOFOLLOW, 0, true), what, { path: name });
      setFlags(fd, flags, name);
      closeFd(fd);
    }
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

/**
 * Fills a directory from an archive.
 * @param root a descriptor of ours, O_PATH or not
 * @param most bytes that come out of it
 * @param ids of owners, from what the archive says
 * @throws CrError BAD_IMAGE when it is damaged, or names something outside
 */
export function unpackTree(root: number, archive: Uint8Array, most: number, ids?: IdTranslation): void {
  const unpacker = new Unpacker(root, ids);
  const packed = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  for (const { member: one, pieces } of readTar(gunzip(packed, most))) unpacker.unpack(ownedBy(one, ids), pieces);
  unpacker.end();
}
