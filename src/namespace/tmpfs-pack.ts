/** What lies in a tmpfs, to the archive that the images have of it (tmpfs-dev-N.tar.gz.img). */
import { readdirSync } from "node:fs";
import { CrError } from "../error.ts";
import { dataRanges } from "../file/copy.ts";
import type { IdTranslation } from "../image/ids.ts";
import { type TarMember, type TarRange, type TarSocket, tarEnd, tarHeader, tarPadding } from "../image/tar.ts";
import { xattrsOf } from "../kernel/attributes.ts";
import { closeFd, tryOpen } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { roomOf } from "../kernel/set-aside.ts";
import { type FileStat, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, statFd } from "../kernel/stat.ts";
import { addressOf, check, cstring, must, sys } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { flagsOf } from "./tmpfs-flags.ts";

/** How much is compressed at once: each piece is a gzip member, which all unpackers join. */
const PIECE = 4 << 20;

/** What the archive calls the types of files, by what stat(2) does. */
export const TYPES: ReadonlyMap<number, string> = new Map([
  [S_IFREG, "0"],
  [S_IFLNK, "2"],
  [S_IFCHR, "3"],
  [S_IFBLK, "4"],
  [S_IFDIR, "5"],
  [S_IFIFO, "6"],
]);

/** A name of an archive for the kernel. */
export const bytesOf = (name: string) => cstring(Buffer.from(name, "latin1"));

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
    this.#add(fd, name, ownedBy(statFd(fd, { path: name }), this.ids));
  }

  /** @returns what its directory has to tell, as for a socket */
  #added(fd: number, directory: string, name: string): TarSocket[] {
    const stat = ownedBy(statFd(fd, { path: name }), this.ids);
    if (TYPES.has(stat.mode & S_IFMT)) {
      this.#add(fd, `${directory}/${name}`, stat);
      return [];
    }
    return [{ name, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, mtime: stat.mtimeNs }];
  }

  #add(fd: number, name: string, stat: FileStat): void {
    const type = TYPES.get(stat.mode & S_IFMT);
    if (type === undefined) return;
    const first = type === "5" || stat.nlink < 2 ? undefined : this.#seen.get(stat.ino);
    if (first !== undefined) {
      this.#put(tarHeader(member(stat, name, "1", first)));
      return;
    }
    this.#seen.set(stat.ino, name);
    if (type === "0") this.#file(fd, stat, name);
    else if (type === "5") this.#directory(fd, stat, name);
    else {
      const one = member(stat, name, type, type === "2" ? linkTarget(fd) : "");
      this.#put(tarHeader({ ...one, xattrs: xattrsOf(fd) }));
    }
  }

  #file(fd: number, stat: FileStat, name: string): void {
    const readable = reopen(fd, O.RDONLY | O.NOATIME, name);
    try {
      const room = roomOf(stat).tscriu_room;
      const more = { size: stat.size, xattrs: xattrsOf(fd), flags: flagsOf(readable), ...(room && { room }) };
      // what has all of its room has no holes
      const ranges = (room ?? 0) < stat.size ? dataRanges(readable, stat.size, false, { path: name }) : undefined;
      this.#put(tarHeader({ ...member(stat, name, "0", ""), ...more, ...(ranges && { ranges }) }));
      for (const range of ranges ?? [{ offset: 0, length: stat.size }]) this.#content(readable, range, name);
      this.#put(tarPadding(ranges ? ranges.reduce((sum, { length }) => sum + length, 0) : stat.size));
    } finally {
      closeFd(readable);
    }
  }

  #content(readable: number, { offset, length }: TarRange, name: string): void {
    for (let at = offset; at < offset + length; ) {
      const piece = new Uint8Array(new ArrayBuffer(Math.min(offset + length - at, PIECE)));
      const read = sys(NR.pread64, readable, addressOf(piece), piece.length, at);
      const got = check(read, "cannot read a file of a tmpfs", { path: name });
      // shorter than it was: the tree stands still, so somebody else shares it
      if (got === 0) throw new CrError("a file of a tmpfs became shorter", { subject: { path: name } });
      this.#put(piece.subarray(0, got));
      at += got;
    }
  }

  #directory(fd: number, stat: FileStat, name: string): void {
    const readable = reopen(fd, O.RDONLY | O.DIRECTORY | O.NOATIME, name);
    try {
      const own = { ...member(stat, name, "5", ""), xattrs: xattrsOf(fd), flags: flagsOf(readable) };
      this.#put(tarHeader(own));
      // a tmpfs counts what lies in a directory as its size
      if (stat.size === 0) return;
      const names = readdirSync(`/proc/self/fd/${readable}`, { encoding: "buffer" }).map((one) =>
        one.toString("latin1"),
      );
      const sockets = names.sort().flatMap((one) => {
        const child = openAt(readable, one);
        const socket = this.#added(child, name, one);
        closeFd(child);
        return socket;
      });
      // the same once more, with what has no entry of its own
      if (sockets.length > 0) this.#put(tarHeader({ ...own, sockets }));
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

/** A file of which the other side knows its owner by other ids. */
export function ownedBy<T extends Pick<FileStat, "uid" | "gid">>(one: T, ids: IdTranslation | undefined): T {
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
