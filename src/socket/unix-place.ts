import { dirname } from "node:path";
import { CrError, type Subject } from "../error.ts";
import { attributesOf, giveAttributes } from "../file/attributes.ts";
import { type Ground, ownGround, type Surroundings } from "../file/ground.ts";
import type { FileRestore } from "../file/kind.ts";
import { holderWords, outsideHolders } from "../file/outside.ts";
import type { FilePermsEntry, TscriuAttributes, UnixSkEntry } from "../image/schema.gen.ts";
import { insideRoot } from "../kernel/chroot.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, linkOf, openPath, tryIoctl } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { SockDiag, type UnixSocket } from "../kernel/sock-diag.ts";
import { makeSocket, tryBind, tryConnect, unixAddress } from "../kernel/socket.ts";
import { makeCalls } from "../kernel/standby.ts";
import { type FileStat, S_IFMT, S_IFSOCK, statFd, statPath } from "../kernel/stat.ts";
import { addressOf, check, cstring, must, sys } from "../kernel/sys.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import { SIOCUNIXFILE } from "../kernel/uapi/ioctl.ts";
import { AF } from "../kernel/uapi/socket.ts";
import type { Log } from "../log.ts";

const EADDRINUSE = -(ERRNO.EADDRINUSE ?? 98);

/** Where a bound socket's file lies, as images tell it. */
export interface UnixPlace {
  /** Directory that a relative name starts from. */
  readonly nameDir: string | undefined;
  readonly deleted: boolean;
  /** Where the file lies by now, absolute; undefined where the name says it. */
  readonly moved?: string;
  readonly perms: FilePermsEntry | undefined;
  /** Extended attributes of the file: POSIX ACLs say who may connect. */
  readonly attributes?: TscriuAttributes | undefined;
  /** The mount that its file lies on, where that is known. */
  readonly mntId?: number;
}

export const isPathName = (name: Uint8Array) => name.length > 0 && name[0] !== 0;

/** The path in a name, without its NUL. */
export function pathIn(name: Uint8Array): string {
  return Buffer.from(name).toString().replace(/\0.*$/s, "");
}

/** How people write it: abstract names with an @. */
export function nameWords(name: Uint8Array): string {
  if (name.length === 0) return "without a name";
  return isPathName(name) ? pathIn(name) : `@${Buffer.from(name.subarray(1)).toString()}`;
}

function isSame(a: FileStat | undefined, b: FileStat): boolean {
  return a !== undefined && a.dev === b.dev && a.ino === b.ino;
}

function permsOf(stat: FileStat): FilePermsEntry {
  return { mode: stat.mode, uid: stat.uid, gid: stat.gid };
}

/** What of a socket's file is to be as it was when another one is made in its place. */
function ofFile(file: number, stat: FileStat): Pick<UnixPlace, "perms" | "attributes"> {
  return { perms: permsOf(stat), attributes: attributesOf(file, stat.mode, undefined, () => undefined) };
}

/**
 * Finds the file of a socket that is bound to a path.
 * @param groundOf where paths of a mount lead
 * @param cwd current directory of the task that holds it: where most relative names start
 */
export function placeOf(fd: number, row: UnixSocket, cwd: string, groundOf: Surroundings["groundOf"]): UnixPlace {
  const name = pathIn(row.name ?? new Uint8Array(0));
  const file = tryIoctl(fd, SIOCUNIXFILE);
  if (file < 0) return byName(name, row, cwd, groundOf());
  try {
    const stat = statFd(file);
    const ground = groundOf(stat.mntId);
    const link = linkOf(file).replace(/ \(deleted\)$/, "");
    const dirs = name.startsWith("/")
      ? [undefined]
      : [cwd, link.endsWith(`/${name}`) ? link.slice(0, -name.length - 1) || "/" : cwd];
    const dir = dirs.find((candidate) => isSame(ground.stat(within(candidate, name)), stat));
    const found = isSame(ground.stat(within(dir, name)), stat);
    const { mntId } = stat;
    if (found) return { nameDir: dir, deleted: false, ...ofFile(file, stat), mntId };
    // Deleted, or moved to another name, which no socket knows of: either way the old name leads nowhere.
    const gone = { nameDir: dirs[1] ?? dirs[0], deleted: true, mntId };
    if (!isSame(ground.stat(link), stat)) return { ...gone, perms: undefined };
    return { ...gone, moved: link, ...ofFile(file, stat) };
  } finally {
    closeFd(file);
  }
}

/** Where we may not ask for the file, its number tells whether the name still leads there. */
function byName(name: string, row: UnixSocket, cwd: string, ground: Ground): UnixPlace {
  const nameDir = name.startsWith("/") ? undefined : cwd;
  const stat = ground.stat(within(nameDir, name));
  const found = stat !== undefined && row.vfs !== undefined && isFileOf(row, stat);
  return { nameDir, deleted: !found, perms: found ? permsOf(stat) : undefined };
}

/** sock_diag cuts inode numbers to 32 bits. */
function isFileOf(row: UnixSocket, stat: FileStat): boolean {
  return row.vfs?.dev === stat.dev && row.vfs.ino === stat.ino % 0x1_0000_0000;
}

function within(dir: string | undefined, name: string): string {
  return dir === undefined ? name : `${dir}/${name}`;
}

/** Binds to an abstract name; it must be free. */
export function bindAbstract(fd: number, name: Uint8Array): void {
  const result = tryBind(fd, unixAddress(name));
  if (result === EADDRINUSE)
    throw inUse(nameWords(name), (row) => row.name !== undefined && Buffer.compare(row.name, name) === 0);
  check(result, "cannot bind a socket", { name: nameWords(name) });
}

/** Nobody in our network namespace has this abstract name for this type of socket. */
export function isFree(type: number, name: Uint8Array): boolean {
  const fd = makeSocket(AF.UNIX, type);
  const result = tryBind(fd, unixAddress(name));
  closeFd(fd);
  return result === 0;
}

function inUse(path: string, isIt: (row: UnixSocket) => boolean): CrError {
  using diag = new SockDiag();
  const rows = diag.unix().filter(isIt);
  const holders = [...outsideHolders(new Set(rows.map((row) => `socket:[${row.ino}]`)), []).values()].flat();
  const who = holders.length > 0 ? `, by ${holderWords(holders)}` : "";
  return new CrError(`the address of a unix socket is in use${who}`, {
    code: "EADDRINUSE",
    subject: { path },
    remedy: "end whoever uses the address, then restore again",
  });
}

/**
 * Binds to a path for all to see, with the recorded owner and permissions. A socket file that nobody is bound to any more
 * is replaced: it is what the dumped process left.
 */
export function bindPath(fd: number, entry: UnixSkEntry, live: LiveFiles, ground: Ground, restore: FileRestore): void {
  const name = pathIn(entry.name);
  const path = within(entry.name_dir, name);
  replaceFile(entry, path, live, ground, restore, () => {
    const bound = fromDirectory(entry.name_dir, path, ground, () => tryBind(fd, unixAddress(entry.name)));
    check(bound, "cannot bind a unix socket", { path }, "make the directory first");
  });
}

/** Has a file made for a socket, with its owner and permissions: whatever becomes of the restore, there is one if there was one. */
function replaceFile(
  entry: UnixSkEntry,
  path: string,
  live: LiveFiles,
  ground: Ground,
  restore: FileRestore,
  make: () => void,
): void {
  const before = deadFile(path, live, ground);
  const file = cstring(ground.at(path));
  const unlink = { nr: NR.unlinkat, args: [AT.FDCWD, file, 0] };
  if (before === undefined) {
    const forget = restore.ifWeDie([unlink], ground);
    try {
      make();
    } catch (error) {
      forget();
      throw error;
    }
    restore.onFailure(() => {
      makeCalls([unlink]);
      forget();
    });
    dress(file, entry, path, restore.log);
    return;
  }
  // made again, it is as good as the one before: nobody was bound to that
  const { mode, uid, gid } = before;
  const again = [
    { nr: NR.mknodat, args: [AT.FDCWD, file, mode, 0] },
    { nr: NR.fchmodat, args: [AT.FDCWD, file, mode & 0o7777] },
    { nr: NR.fchownat, args: [AT.FDCWD, file, uid, gid, AT.SYMLINK_NOFOLLOW] },
  ];
  const forget = restore.ifWeDie(again, ground);
  try {
    makeCalls([unlink]);
    make();
  } finally {
    makeCalls(again.slice(0, 1));
    forget();
  }
  dress(file, entry, path, restore.log);
}

/** Connects to a name, which starts at `dir` where it is relative: 0 or the negative errno. */
export function connectFrom(fd: number, name: Uint8Array, dir: string | undefined, ground: Ground): number {
  const connect = () => tryConnect(fd, unixAddress(name));
  return isPathName(name) ? fromDirectory(dir, within(dir, pathIn(name)), ground, connect) : connect();
}

/**
 * Acts in another directory and another root, so that names mean what they meant.
 * @param path the name in full: it may not lead out of that root
 */
function fromDirectory<T>(dir: string | undefined, path: string, ground: Ground, act: () => T): T {
  if (ground.root !== undefined) {
    ground.at(path);
    return insideRoot(ground.root, () => fromDirectory(dir, path, ownGround, act));
  }
  if (dir === undefined) return act();
  const cwd = openPath(".", O.PATH | O.DIRECTORY);
  try {
    chdir(dir);
    return act();
  } finally {
    must(NR.fchdir, [cwd]);
    closeFd(cwd);
  }
}

/** The path of a socket's file where a mount covers it by now: the name does not lead there any more. */
export function coveredPath({ name, name_dir: dir }: UnixSkEntry, ground: Ground): string | undefined {
  if (!isPathName(name) || (dir === undefined && !pathIn(name).startsWith("/"))) return undefined;
  const path = within(dir, pathIn(name));
  const here = statPath(dirname(ground.at(path)));
  const seen = fromDirectory(dir, path, ground, () => statPath(dirname(pathIn(name))));
  return here !== undefined && seen !== undefined && !isSame(here, seen) ? path : undefined;
}

/** The same for a socket whose file was renamed: `bind` gives it its old name there. */
export function bindMoved(
  entry: UnixSkEntry,
  path: string,
  live: LiveFiles,
  ground: Ground,
  restore: FileRestore,
  bind: () => void,
): void {
  replaceFile(entry, path, live, ground, restore, bind);
}

/** Owner, permissions and extended attributes of the file that a socket is bound to. */
function dress(file: Uint8Array, { file_perms, tscriu_file }: UnixSkEntry, path: string, log: Log): void {
  if (file_perms) applyPerms(file, file_perms, { path });
  if (tscriu_file === undefined) return;
  const fd = check(
    sys(NR.openat, AT.FDCWD, addressOf(file), O.PATH | O.NOFOLLOW | O.CLOEXEC),
    "cannot open the file of a socket",
    { path },
  );
  giveAttributes(fd, S_IFSOCK, tscriu_file, path, log);
  closeFd(fd);
}

function applyPerms(file: Uint8Array, perms: FilePermsEntry, subject: Subject): void {
  const what = "cannot set the permissions of a socket's file";
  must(NR.fchownat, [AT.FDCWD, addressOf(file), perms.uid, perms.gid, AT.SYMLINK_NOFOLLOW], what, subject);
  must(NR.fchmodat, [AT.FDCWD, addressOf(file), perms.mode & 0o7777], what, subject);
}

function chdir(path: string): void {
  const name = cstring(path);
  must(NR.chdir, [addressOf(name)], "cannot enter the directory of a unix socket", { path });
}

/** Files that sockets are bound to, as it was when it was asked for the first time. */
export class LiveFiles {
  #files: ReadonlySet<string> | undefined;

  has(stat: FileStat): boolean {
    this.#files ??= this.#read();
    return this.#files.has(`${stat.dev}:${stat.ino % 0x1_0000_0000}`);
  }

  #read(): ReadonlySet<string> {
    using diag = new SockDiag();
    return new Set(diag.unix().map(({ vfs }) => `${vfs?.dev}:${vfs?.ino}`));
  }
}

/** The file that a dead socket left where a new one is to be; undefined for none. */
function deadFile(path: string, live: LiveFiles, ground: Ground): FileStat | undefined {
  const stat = ground.stat(path, true);
  if (stat === undefined) return undefined;
  if ((stat.mode & S_IFMT) !== S_IFSOCK) {
    throw new CrError("the path of a unix socket is taken by another file", {
      code: "EEXIST",
      subject: { path },
      remedy: "move that file away, then restore again",
    });
  }
  if (live.has(stat)) throw inUse(path, (row) => isFileOf(row, stat));
  return stat;
}

/**
 * Calls `use` with an address that leads to a bound socket, whatever became of its name.
 * @param fd the bound socket, a descriptor of ours
 */
export function withAddressOf<T>(fd: number, name: Uint8Array, use: (address: Uint8Array) => T): T {
  if (!isPathName(name)) {
    if (name.length === 0) throw new CrError("a socket without a name cannot be connected to", { code: "BAD_IMAGE" });
    return use(unixAddress(name));
  }
  const file = tryIoctl(fd, SIOCUNIXFILE);
  // Not ours to ask for: the name itself must do.
  if (file < 0) return use(unixAddress(name));
  try {
    // By our pid: it may be another process that connects.
    return use(unixAddress(`/proc/${process.pid}/fd/${file}`));
  } finally {
    closeFd(file);
  }
}
