/** File systems as images tell them, and which of them can be mounted again. */
import type { MntEntry } from "../image/schema.gen.ts";
import { Fstype } from "../image/schema.gen.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { MNT, MOUNT_ATTR } from "../kernel/uapi/mount.ts";
import { wordsOf } from "./mnt-options.ts";

/** A file system that the kernel makes of nothing but its type and options. */
export interface FileSystem {
  /** What fsopen(2) calls it. */
  readonly name: string;
  readonly code: number;
  /** There is one for the whole system or namespace: its options are those of all who mount it, so none are given. */
  readonly single?: boolean;
  /** What is in it is the tree's, and goes into the images. */
  readonly content?: boolean;
  /** Its options name directories. */
  readonly pointsOut?: boolean;
  /** It lies on a device that the user gives, under this name. */
  readonly device?: string;
}

const TABLE: readonly FileSystem[] = [
  { name: "proc", code: Fstype.PROC },
  { name: "sysfs", code: Fstype.SYSFS, single: true },
  { name: "devtmpfs", code: Fstype.DEVTMPFS, single: true },
  { name: "binfmt_misc", code: Fstype.BINFMT_MISC, single: true },
  { name: "tmpfs", code: Fstype.TMPFS, content: true },
  { name: "devpts", code: Fstype.DEVPTS },
  { name: "pstore", code: Fstype.PSTORE, single: true },
  { name: "securityfs", code: Fstype.SECURITYFS, single: true },
  { name: "fusectl", code: Fstype.FUSECTL, single: true },
  { name: "debugfs", code: Fstype.DEBUGFS, single: true },
  { name: "tracefs", code: Fstype.TRACEFS, single: true },
  { name: "cgroup", code: Fstype.CGROUP },
  { name: "cgroup2", code: Fstype.CGROUP2, single: true },
  { name: "mqueue", code: Fstype.MQUEUE, single: true },
  { name: "autofs", code: Fstype.AUTOFS },
  { name: "overlay", code: Fstype.OVERLAYFS, pointsOut: true },
];

/** Undefined for those that hold what the images do not: disks, networks, FUSE. */
export function fileSystemNamed(name: string): FileSystem | undefined {
  return TABLE.find((fs) => fs.name === name);
}

export function fileSystemOf(entry: Pick<MntEntry, "fstype" | "fsname">): FileSystem | undefined {
  if (entry.fstype === Fstype.AUTO && entry.fsname !== undefined) return { name: entry.fsname, code: Fstype.AUTO };
  return TABLE.find(({ code }) => code === entry.fstype);
}

/** Words of mountinfo, MS_* in images, and what mount_setattr(2) calls it. */
const FLAGS: readonly (readonly [word: string, flag: number, attribute: number])[] = [
  ["ro", MNT.RDONLY, MOUNT_ATTR.RDONLY],
  ["nosuid", MNT.NOSUID, MOUNT_ATTR.NOSUID],
  ["nodev", MNT.NODEV, MOUNT_ATTR.NODEV],
  ["noexec", MNT.NOEXEC, MOUNT_ATTR.NOEXEC],
  ["nosymfollow", MNT.NOSYMFOLLOW, MOUNT_ATTR.NOSYMFOLLOW],
  ["noatime", MNT.NOATIME, MOUNT_ATTR.NOATIME],
  ["nodiratime", MNT.NODIRATIME, MOUNT_ATTR.NODIRATIME],
  ["relatime", MNT.RELATIME, MOUNT_ATTR.RELATIME],
];

/** Of the superblock; what else its options say is the file system's own. */
const SUPER_FLAGS: readonly (readonly [word: string, flag: number])[] = [
  ["ro", MNT.RDONLY],
  ["sync", MNT.SYNCHRONOUS],
  ["dirsync", MNT.DIRSYNC],
  ["mand", MNT.MANDLOCK],
];
const SUPER_WORDS: ReadonlySet<string> = new Set(["rw", ...SUPER_FLAGS.map(([word]) => word)]);

export function flagsOf(mount: MountInfo): number {
  const { options } = mount;
  let flags = FLAGS.reduce((all, [word, flag]) => (options.includes(word) ? all | flag : all), 0);
  if ((flags & (MNT.RELATIME | MNT.NOATIME)) === 0) flags |= MNT.STRICTATIME;
  if (mount.shared !== undefined) flags |= MNT.SHARED;
  if (mount.master !== undefined) flags |= MNT.SLAVE;
  if (mount.unbindable) flags |= MNT.UNBINDABLE;
  return flags;
}

/** Attributes for mount_setattr(2). */
export function attributesOf(flags: number): number {
  const all = FLAGS.reduce((set, [, flag, attribute]) => ((flags & flag) !== 0 ? set | attribute : set), 0);
  return (flags & (MNT.RELATIME | MNT.NOATIME)) === 0 ? all | MOUNT_ATTR.STRICTATIME : all;
}

/** The superblock's flags, and the options that are the file system's. */
export function superOf(mount: MountInfo): { flags: number; options: string } {
  const words = wordsOf(mount.superOptions);
  return {
    flags: SUPER_FLAGS.reduce((all, [word, flag]) => (words.includes(word) ? all | flag : all), 0),
    options: words.filter((word) => !SUPER_WORDS.has(word)).join(","),
  };
}

/** Is `path` the directory `top`, or below it? Both absolute. */
export function isBelow(path: string, top: string): boolean {
  return top === "/" || path === top || path.startsWith(`${top}/`);
}

/** `path` as seen from `top`: absolute, "/" for itself. */
export function from(top: string, path: string): string {
  return top === "/" ? path : path.slice(top.length) || "/";
}

/** The reverse: a path seen from `top`, in full. */
export function under(top: string, path: string): string {
  if (path === "/") return top;
  return top === "/" ? path : `${top}${path}`;
}
