import { CrError } from "../error.ts";
import type { Ghost } from "../image/ghost.ts";
import type { GhostFileEntry, RegFileEntry, Timeval } from "../image/schema.gen.ts";
import { addInodeFlags, FS_FL } from "../kernel/attributes.ts";
import { closeFd, dupFd, openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { setAside, setAsideAt } from "../kernel/set-aside.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, statFd } from "../kernel/stat.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import type { Log } from "../log.ts";
import { giveAttributes, lateFlags } from "./attributes.ts";
import { copyRange } from "./copy.ts";
import type { Ground } from "./ground.ts";
import type { FileRestore, IfWeDie } from "./kind.ts";
import { linkOpenFile } from "./link-remap.ts";
import { type Maker, TemporaryNames } from "./temporary-name.ts";

/** O_TMPFILE without O_DIRECTORY: what F_GETFL tells of files that never had a name. */
const TMPFILE_BIT = O.TMPFILE & ~O.DIRECTORY;
const NODES: ReadonlySet<number> = new Set([S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK]);

/** Descriptors through which a file without a name is opened. */
export interface Holders {
  /** Our O_PATH descriptors by mount and name in the entries: `placeKey`. */
  readonly byPlace: ReadonlyMap<string, number>;
  /** Descriptions that only could be made while the file had its name (or none), by file id; to be used once. */
  readonly ready: Map<number, number>;
  /** Flags (chattr) with which it could not be opened as it is, and our O_PATH descriptor to set them by. */
  readonly late?: { readonly fd: number; readonly flags: number };
}

export const placeKey = ({ mnt_id, name }: RegFileEntry) => `${mnt_id ?? ""}:${name}`;

/** One of the two times for utimensat(2): seconds and nanoseconds, or UTIME_OMIT, which leaves a time as it is. */
function timespec(time: Timeval | undefined, rest = 0): [sec: bigint, nsec: bigint] {
  return time === undefined
    ? [0n, 0x3fff_fffen]
    : [BigInt.asIntN(64, BigInt(time.tv_sec)), BigInt(time.tv_usec) * 1000n + BigInt(rest)];
}

const timesOf = ({ atim, mtim, tscriu_atim_ns, tscriu_mtim_ns }: GhostFileEntry) =>
  new BigInt64Array([...timespec(atim, tscriu_atim_ns), ...timespec(mtim, tscriu_mtim_ns)]);

/** Owner, mode, times and attributes of a file that was just made, by its name. */
function dress(path: string, entry: GhostFileEntry, ground: Ground, log: Log): void {
  const what = "cannot set owner, mode and times of a deleted file";
  const name = cstring(ground.at(path));
  const subject = { path };
  const nofollow = AT.SYMLINK_NOFOLLOW;
  check(sys(NR.fchownat, AT.FDCWD, addressOf(name), entry.uid, entry.gid, nofollow), what, subject);
  if ((entry.mode & S_IFMT) !== S_IFLNK) {
    check(sys(NR.fchmodat, AT.FDCWD, addressOf(name), entry.mode & 0o7777), what, subject);
  }
  check(sys(NR.utimensat, AT.FDCWD, addressOf(name), addressOf(timesOf(entry)), nofollow), what, subject);
  if (entry.tscriu_attributes === undefined) return;
  const fd = check(ground.open(path, O.PATH | O.NOFOLLOW), "cannot open a file that was just made", subject);
  giveAttributes(fd, entry.mode, entry.tscriu_attributes, path, log);
  closeFd(fd);
}

/** The same for a regular file without a name. */
function dressNameless(fd: number, entry: GhostFileEntry, path: string, log: Log): void {
  const what = "cannot set owner, mode and times of a deleted file";
  check(sys(NR.fchown, fd, entry.uid, entry.gid), what, { path });
  check(sys(NR.fchmod, fd, entry.mode & 0o7777), what, { path });
  check(sys(NR.utimensat, fd, 0, addressOf(timesOf(entry)), 0), what, { path });
  if (entry.tscriu_attributes) giveAttributes(fd, entry.mode, entry.tscriu_attributes, path, log);
}

/** How a file that has no content is made. */
function nodeMaker(entry: GhostFileEntry): Maker {
  const type = entry.mode & S_IFMT;
  if (type === S_IFDIR) return (name) => sys(NR.mkdirat, AT.FDCWD, addressOf(name), 0o700);
  if (type === S_IFLNK) {
    const target = cstring(entry.symlnk_target ?? "");
    return (name) => sys(NR.symlinkat, addressOf(target), AT.FDCWD, addressOf(name));
  }
  if (!NODES.has(type)) {
    throw new CrError("a ghost file of an unknown type", { code: "BAD_IMAGE", subject: { mode: entry.mode } });
  }
  const rdev = entry.rdev ?? 0;
  return (name) => sys(NR.mknodat, AT.FDCWD, addressOf(name), type | 0o600, rdev);
}

function fill(fd: number, ghost: Ghost, path: string): void {
  const subject = { path };
  const { entry, pieces } = ghost;
  const size = entry.chunks === true ? Number(entry.size ?? 0) : (pieces[0]?.length ?? 0);
  // btrfs: of a file that has content nobody may say any more where it goes
  if ((entry.tscriu_attributes?.flags ?? 0) & FS_FL.NOCOW) addInodeFlags(fd, FS_FL.NOCOW);
  check(sys(NR.ftruncate, fd, size), "cannot give a deleted file its size", subject);
  for (const { at, offset, length } of pieces) {
    if (offset + length > size) {
      throw new CrError("a ghost file has content beyond its end", { code: "BAD_IMAGE", subject });
    }
    copyRange(ghost.fd, at, fd, offset, length, subject);
  }
  if (entry.tscriu_room) setAside(fd, Number(entry.tscriu_room), path);
  for (const { offset, length } of entry.tscriu_set_aside)
    setAsideAt(fd, { offset: Number(offset), length: Number(length) }, path);
}

/** A new regular file with the content, nameless (no `path`) where the file system can do that. The caller closes it. */
function makeContent(
  names: TemporaryNames,
  name: string,
  ghost: Ghost,
  flags: number,
): { fd: number; path: string | undefined } {
  const directory = names.directoryOf(name);
  let fd = names.ground.open(directory, O.TMPFILE | flags, 0o600);
  let path: string | undefined;
  if (fd < 0) {
    path = names.make(name, (to) => {
      fd = sys(NR.openat, AT.FDCWD, addressOf(to), flags | O.CREAT | O.EXCL | O.CLOEXEC, 0o600);
      return Math.min(fd, 0);
    });
  }
  try {
    fill(fd, ghost, name);
    return { fd, path };
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/**
 * Makes a deleted file again: under all names that it was opened with, for the moment in which they are opened, so that
 * nothing is left whatever happens.
 */
export function makeGhost(
  ghost: Ghost,
  id: number,
  entries: readonly RegFileEntry[],
  restore: Pick<FileRestore, "groundOf" | "ifWeDie" | "log">,
): Holders {
  const { log } = restore;
  const ifWeDie: IfWeDie = (calls, on) => restore.ifWeDie(calls, on);
  const ground = restore.groundOf(entries[0]?.mnt_id);
  using names = new TemporaryNames(`.cr.${id.toString(16)}.ghost`, ground, ifWeDie);
  const first = entries[0];
  if (first === undefined)
    throw new CrError("a ghost file that nothing refers to", { code: "BAD_IMAGE", subject: { ghost: id } });
  if ((ghost.entry.mode & S_IFMT) !== S_IFREG) {
    const isDirectory = (ghost.entry.mode & S_IFMT) === S_IFDIR;
    const path = names.make(first.name, nodeMaker(ghost.entry), isDirectory);
    dress(path, ghost.entry, ground, log);
    if (isDirectory) return withLate(holdDirectory(names, path, entries), ghost.entry, () => names.hold(path));
    const fd = names.hold(path);
    try {
      return nameAll(names, fd, entries, restore, path);
    } finally {
      closeFd(fd);
    }
  }
  // whoever opened it with O_TMPFILE gets the very description that makes it
  const maker = entries.find((entry) => (entry.flags & TMPFILE_BIT) !== 0);
  const access =
    maker === undefined ? O.RDWR : maker.flags & ~(O.TMPFILE | O.PATH | O.ASYNC | O.CREAT | O.TRUNC | O.EXCL);
  // who takes over for us must not have it open for writing: nobody could execute it, or have a lease
  const renew = () => ifWeDie([], ground)();
  renew();
  const { fd, path } = makeContent(names, first.name, ghost, access);
  try {
    // a file that had a name once cannot get one any more, which one of O_TMPFILE may be for (linkat)
    if (maker !== undefined && path === undefined && entries.length === 1) {
      dressNameless(fd, ghost.entry, maker.name, log);
      const holders = { byPlace: new Map(), ready: new Map([[maker.id, dupFd(fd)]]) };
      return withLate(holders, ghost.entry, () => openPath(`/proc/self/fd/${fd}`, O.PATH));
    }
    const dressed = (name: string, on: Ground) => dress(name, ghost.entry, on, log);
    const holders = nameAll(names, fd, entries, restore, path, dressed);
    if (maker !== undefined) holders.ready.set(maker.id, dupFd(fd));
    return withLate(holders, ghost.entry, () => openPath(`/proc/self/fd/${fd}`, O.PATH));
  } finally {
    closeFd(fd);
    if (ground.root !== undefined) renew();
  }
}

/** @param hold makes an O_PATH descriptor of the file, which becomes the holders' */
function withLate(holders: Holders, { tscriu_attributes }: GhostFileEntry, hold: () => number): Holders {
  const flags = lateFlags(tscriu_attributes);
  return flags === 0 ? holders : { ...holders, late: { fd: hold(), flags } };
}

/** A file that lost its name but not its inode: opened through the link that the dump made. */
/** @param mntId the mount that the link lies on */
export function openLink(
  link: string,
  mntId: number | undefined,
  entries: readonly RegFileEntry[],
  restore: Pick<FileRestore, "groundOf" | "ifWeDie">,
): Holders {
  const ground = restore.groundOf(mntId);
  using names = new TemporaryNames(".cr_link", ground, (calls, on) => restore.ifWeDie(calls, on));
  const remedy = "was it removed after the dump? Bring it back, or dump again";
  const what = "cannot open the link that the dump made";
  const fd = check(ground.open(link, O.PATH | O.NOFOLLOW), what, { path: link }, remedy);
  try {
    return nameAll(names, fd, entries, restore);
  } finally {
    closeFd(fd);
  }
}

/** All entries of a deleted directory share one name: it can have no second. */
function holdDirectory(names: TemporaryNames, path: string, entries: readonly RegFileEntry[]): Holders {
  const fd = names.hold(path);
  const byPlace = new Map<string, number>();
  for (const entry of entries) {
    const key = placeKey(entry);
    if (!byPlace.has(key)) byPlace.set(key, byPlace.size === 0 ? fd : dupFd(fd));
  }
  return { byPlace, ready: openNow(path, entries, names.ground) };
}

/**
 * Gives the file behind `fd` every name of its entries and opens it under each.
 * @param existing a name that it has already
 * @param dressed gives it its owner and so on, by its first name
 */
function nameAll(
  names: TemporaryNames,
  fd: number,
  entries: readonly RegFileEntry[],
  surroundings: Pick<FileRestore, "groundOf">,
  existing?: string,
  dressed?: (path: string, ground: Ground) => void,
): Holders {
  const byPlace = new Map<string, number>();
  const ready = new Map<number, number>();
  const { dev, ino } = statFd(fd);
  /** The file has this name by now: another mount shows the directory of another name. */
  const isThere = (ground: Ground, name: string): boolean => {
    const there = ground.stat(name, true);
    return there?.ino === ino && there.dev === dev;
  };
  try {
    let undressed = dressed;
    for (const [key, same] of Map.groupBy(entries, placeKey)) {
      const { name, mnt_id } = same[0] ?? { name: "", mnt_id: undefined };
      const ground = surroundings.groundOf(mnt_id);
      const isFirst = name === entries[0]?.name && mnt_id === entries[0].mnt_id;
      const link = (to: Uint8Array) => linkOpenFile(fd, Buffer.from(to.subarray(0, -1)).toString());
      const path =
        (isFirst ? existing : undefined) ?? (isThere(ground, name) ? name : names.make(name, link, false, ground));
      undressed?.(path, ground);
      undressed = undefined;
      byPlace.set(key, names.hold(path, ground));
      for (const [id, made] of openNow(path, same, ground)) ready.set(id, made);
    }
    return { byPlace, ready };
  } catch (error) {
    for (const held of [...byPlace.values(), ...ready.values()]) closeFd(held);
    throw error;
  }
}

/** Descriptions opened with O_NOFOLLOW cannot be had through /proc/self/fd, whose links they would not follow. */
function openNow(path: string, entries: readonly RegFileEntry[], ground: Ground): Map<number, number> {
  const ready = new Map<number, number>();
  for (const { id, flags } of entries) {
    if ((flags & O.NOFOLLOW) === 0 || (flags & TMPFILE_BIT) !== 0) continue;
    const fd = ground.open(path, flags & ~(O.CREAT | O.EXCL | O.TRUNC | O.ASYNC));
    ready.set(id, check(fd, "cannot open a deleted file", { path }));
  }
  return ready;
}
