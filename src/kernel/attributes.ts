/** What a file has besides owner, permissions, content and times: extended attributes, flags of chattr(1), the project that it is counted for. */
import { closeFd, tryIoctl, tryOpen } from "./fd.ts";
import { NR } from "./nr.ts";
import { addressOf, cstring, sys } from "./sys.ts";
import { F, O } from "./uapi/fcntl.ts";
import { FS_IOC } from "./uapi/ioctl.ts";

/** The names of extended attributes, or the value of one: no longer than this. */
const room = Buffer.from(new ArrayBuffer(65536));
const bytesOf = (name: string) => cstring(Buffer.from(name, "latin1"));
const pathOf = (fd: number) => cstring(`/proc/self/fd/${fd}`);

/**
 * The extended attributes of a file of any type, POSIX ACLs and capabilities among them, by names of which each character is a byte.
 * @param fd may be O_PATH
 */
export function xattrsOf(fd: number): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const path = pathOf(fd);
  const out = [addressOf(room), room.length] as const;
  const length = sys(NR.listxattr, addressOf(path), ...out);
  if (length <= 0) return found;
  for (const name of room.toString("latin1", 0, length).split("\0").filter(Boolean)) {
    const size = sys(NR.getxattr, addressOf(path), addressOf(bytesOf(name)), ...out);
    if (size >= 0) found.set(name, Uint8Array.from(room.subarray(0, size)));
  }
  return found;
}

/** Sets one of them; 0 or the negative errno. @param fd may be O_PATH */
export function setXattr(fd: number, name: string, value: Uint8Array): number {
  const copy = new Uint8Array(value);
  const at = copy.length > 0 ? addressOf(copy) : 0;
  return sys(NR.setxattr, addressOf(pathOf(fd)), addressOf(bytesOf(name)), at, copy.length, 0);
}

/** linux/fs.h: what the kernel calls FS_IMMUTABLE_FL and so on. */
export const FS_FL = {
  COMPR: 0x4,
  SYNC: 0x8,
  IMMUTABLE: 0x10,
  APPEND: 0x20,
  NODUMP: 0x40,
  NOATIME: 0x80,
  NOCOMP: 0x400,
  JOURNAL_DATA: 0x4000,
  DIRSYNC: 0x1_0000,
  TOPDIR: 0x2_0000,
  VERITY: 0x10_0000,
  NOCOW: 0x80_0000,
  DAX: 0x200_0000,
  PROJINHERIT: 0x2000_0000,
} as const;

/** Flags as chattr(1) shows them; none where the file system has no such thing. @param fd not O_PATH */
export function inodeFlags(fd: number): number {
  const flags = new Uint32Array(new ArrayBuffer(8));
  return tryIoctl(fd, FS_IOC.GETFLAGS, flags) < 0 ? 0 : (flags[0] ?? 0);
}

/** Adds flags to those that a file has; 0 or the negative errno. @param fd not O_PATH */
export function addInodeFlags(fd: number, flags: number): number {
  const before = inodeFlags(fd);
  const all = (before | flags) >>> 0;
  return all === before ? 0 : tryIoctl(fd, FS_IOC.SETFLAGS, Uint32Array.of(all, 0));
}

/** struct fsxattr: its words, and which of them is the project. */
const FSXATTR = { words: 7, project: 3 } as const;

/** The number of the project that a file is counted for (quotas); 0 where there is none. @param fd not O_PATH */
export function projectOf(fd: number): number {
  const words = new Uint32Array(FSXATTR.words);
  return tryIoctl(fd, FS_IOC.FSGETXATTR, words) < 0 ? 0 : (words[FSXATTR.project] ?? 0);
}

/** 0 or the negative errno. @param fd not O_PATH */
export function setProject(fd: number, project: number): number {
  const words = new Uint32Array(FSXATTR.words);
  const result = tryIoctl(fd, FS_IOC.FSGETXATTR, words);
  if (result < 0 || words[FSXATTR.project] === project) return result;
  words[FSXATTR.project] = project;
  return tryIoctl(fd, FS_IOC.FSSETXATTR, words);
}

/** How long what is written to a file will live, as a program said (F_SET_RW_HINT); 0 where none did. @param fd not O_PATH */
export function writeLife(fd: number): number {
  const hint = new BigUint64Array(1);
  return sys(NR.fcntl, fd, F.GET_RW_HINT, addressOf(hint)) < 0 ? 0 : Number(hint[0]);
}

/** 0 or the negative errno. @param fd not O_PATH */
export function setWriteLife(fd: number, hint: number): number {
  return sys(NR.fcntl, fd, F.SET_RW_HINT, addressOf(BigUint64Array.of(BigInt(hint))));
}

/** What `act` says of a descriptor of the same file that calls can be made with; undefined where nobody may open it. */
export function withReadable<T>(fd: number, act: (fd: number) => T): T | undefined {
  const own = tryOpen(`/proc/self/fd/${fd}`, O.RDONLY | O.NONBLOCK | O.NOATIME);
  if (own < 0) return undefined;
  try {
    return act(own);
  } finally {
    closeFd(own);
  }
}
