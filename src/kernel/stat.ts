import type { Subject } from "../error.ts";
import { NR } from "./nr.ts";
import { addressOf, check, cstring, sys } from "./sys.ts";

/** What statx(2) tells of a file. Times are not kept: nothing compares them. */
export interface FileStat {
  /** Kernel encoding, major << 20 | minor: as images keep device numbers. */
  readonly dev: number;
  readonly ino: number;
  /** Type and permissions, S_IF* | 0777. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  /** Bytes. */
  readonly size: number;
  /** 512-byte units. */
  readonly blocks: number;
  readonly mntId: number;
  /** Modification and access time, nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  readonly atimeNs: bigint;
}

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

export const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_BASIC_STATS = 0x7ff;
const STATX_MNT_ID = 0x1000;

const buffer = new Uint8Array(256);
const view = new DataView(buffer.buffer);
const empty = cstring("");

export function makeDev(major: number, minor: number): number {
  return major * 0x100000 + minor;
}

function parse(): FileStat {
  const time = (at: number) => view.getBigInt64(at, true) * 1_000_000_000n + BigInt(view.getUint32(at + 8, true));
  return {
    mode: view.getUint16(28, true),
    nlink: view.getUint32(16, true),
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    ino: Number(view.getBigUint64(32, true)),
    size: Number(view.getBigInt64(40, true)),
    blocks: Number(view.getBigUint64(48, true)),
    atimeNs: time(64),
    mtimeNs: time(112),
    rdev: makeDev(view.getUint32(128, true), view.getUint32(132, true)),
    dev: makeDev(view.getUint32(136, true), view.getUint32(140, true)),
    mntId: Number(view.getBigUint64(144, true)),
  };
}

/** The state of an open file. */
export function statFd(fd: number, subject: Subject = { fd }): FileStat {
  const mask = STATX_BASIC_STATS | STATX_MNT_ID;
  check(
    sys(NR.statx, fd, addressOf(empty), AT_EMPTY_PATH, mask, addressOf(buffer)),
    "cannot read a file's state",
    subject,
  );
  return parse();
}

/** The state of a path, or undefined when there is nothing; `nofollow` looks at a symbolic link itself. */
export function statPath(path: string, nofollow = false): FileStat | undefined {
  const name = cstring(path);
  const flags = nofollow ? AT_SYMLINK_NOFOLLOW : 0;
  const result = sys(NR.statx, AT_FDCWD, addressOf(name), flags, STATX_BASIC_STATS | STATX_MNT_ID, addressOf(buffer));
  if (result === -2 || result === -20) return undefined;
  check(result, "cannot read a file's state", { path });
  return parse();
}
