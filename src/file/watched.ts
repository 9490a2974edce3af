/** Files that are watched by their inode (inotify, fanotify): found at dump, opened again at restore. */
import { CrError, type Subject } from "../error.ts";
import type { FhEntry } from "../image/schema.gen.ts";
import { closeFd, linkOf, tryOpen } from "../kernel/fd.ts";
import type { FileHandle } from "../kernel/proc/fdinfo.ts";
import { statFd } from "../kernel/stat.ts";
import { check } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { describeFile } from "./collect.ts";
import { decodeHandle, encodeHandle, openHandle } from "./handle.ts";
import { Irmap } from "./irmap.ts";
import type { FileDump, FileRestore, OpenFile } from "./kind.ts";
import { fsDevice } from "./mounts.ts";
import type { NamedFile } from "./place.ts";
import { RegularFiles } from "./regular-files.ts";
import { Remaps } from "./remaps.ts";

/** One watched inode, as fdinfo shows it. */
export interface Watched {
  readonly ino: number;
  /** The file system's own device number, kernel encoding. */
  readonly sdev: number;
  /** Absent where the file system makes no handles. */
  readonly handle: FileHandle | undefined;
  /** The description that watches. */
  readonly holder: OpenFile;
  /** What an error names. */
  readonly subject: Subject;
}

/** What is watched: an open O_PATH descriptor of ours, or only a path. */
interface Target {
  /** -1 when it is known by its path alone. */
  readonly fd: number;
  readonly path: string | undefined;
}

/** The path under which a descriptor's file is to be found, if it is. */
function pathOf(fd: number, dump: FileDump): string | undefined {
  const link = linkOf(fd);
  const stat = statFd(fd);
  const there = link.startsWith("/") ? dump.groundOf(stat.mntId).stat(link, true) : undefined;
  return there && there.dev === stat.dev && there.ino === stat.ino ? link : undefined;
}

/**
 * Finds what is watched: by the file handle that fdinfo shows, by a descriptor of the tree, by scanning directories. The
 * caller closes the descriptor.
 */
function findTarget(watched: Watched, dump: FileDump): Target | undefined {
  const { forceIrmap } = dump.options;
  const { handle, ino, sdev } = watched;
  const byHandle = () => (handle ? openHandle(handle, sdev, dump) : undefined);
  const fd = forceIrmap ? undefined : byHandle();
  if (fd !== undefined) return { fd, path: pathOf(fd, dump) };
  const isIt = ({ stat }: OpenFile) => stat.ino === ino && fsDevice(stat, dump) === sdev;
  const held = dump.held.find(({ file }) => isIt(file))?.file;
  const own = held && tryOpen(`/proc/self/fd/${held.dup}`, O.PATH);
  if (own !== undefined && own >= 0) return { fd: own, path: pathOf(own, dump) };
  const path = Irmap.of(dump).find(sdev, ino);
  if (path !== undefined) return { fd: -1, path };
  return forceIrmap ? deletedOnly(byHandle()) : undefined;
}

/** What is deleted has no path that could be found. */
function deletedOnly(fd: number | undefined): Target | undefined {
  if (fd === undefined) return undefined;
  if (statFd(fd).nlink === 0) return { fd, path: undefined };
  closeFd(fd);
  return undefined;
}

function lost(watched: Watched): CrError {
  return new CrError("a watched file cannot be found by its inode", {
    code: "ENOENT",
    subject: watched.subject,
    remedy: watched.handle
      ? "name a directory above it with --irmap-scan-path, or dump without --force-irmap"
      : "its file system makes no handles: name a directory above it with --irmap-scan-path, or let the program remove the watch",
  });
}

/**
 * What is watched and deleted, as a file to be saved: the restore finds its ghost by device and inode. Undefined for files
 * that live on under another name, which their handle leads to.
 */
function ghostOf({ holder, handle }: Watched, target: Target): NamedFile | undefined {
  if (target.path !== undefined || target.fd < 0) return undefined;
  const named = describeFile(0, target.fd, linkOf(target.fd), 0, { pid: holder.pid, fd: holder.fd });
  return named.stat.nlink > 0 && handle ? undefined : named;
}

/** What keeps a watched file from being found or saved, or undefined. Reads only. */
export function problemOf(watched: Watched, dump: FileDump): CrError | undefined {
  const target = findTarget(watched, dump);
  if (target === undefined) return lost(watched);
  try {
    const ghost = ghostOf(watched, target);
    const cause = ghost && RegularFiles.of(dump).problem(ghost);
    return cause && new CrError("a watched file cannot be saved", { subject: watched.subject, cause });
  } finally {
    if (target.fd >= 0) closeFd(target.fd);
  }
}

/**
 * A watched file's handle and path as images keep them; one that was deleted is saved as a ghost.
 * @throws CrError ENOENT when it cannot be found
 */
export function handleOf(watched: Watched, dump: FileDump): FhEntry {
  const target = findTarget(watched, dump);
  if (target === undefined) throw lost(watched);
  try {
    const ghost = ghostOf(watched, target);
    if (ghost) RegularFiles.of(dump).idForPath(ghost);
    const entry = encodeHandle(watched.handle ?? { type: 0, bytes: new Uint8Array(0) }, target.path);
    const mntId = target.fd >= 0 ? dump.mountId(statFd(target.fd).mntId) : undefined;
    if (mntId !== undefined) entry.mnt_id = mntId;
    return entry;
  } finally {
    if (target.fd >= 0) closeFd(target.fd);
  }
}

/**
 * The file that a restored watch is for: an O_PATH descriptor, which the caller closes.
 * @throws CrError naming `subject` when it is not there any more
 */
export function openWatched(
  handle: FhEntry,
  sdev: number,
  ino: number,
  restore: FileRestore,
  subject: Subject,
): number {
  const ghost = Remaps.of(restore).byInode(sdev, ino);
  const name = ghost === undefined ? handle.path : undefined;
  const remedy = "bring the watched file back";
  if (ghost !== undefined)
    return check(tryOpen(`/proc/self/fd/${ghost}`, O.PATH), "cannot open a watched file", subject, remedy);
  if (name !== undefined) {
    const fd = restore.groundOf(handle.mnt_id).open(name, O.PATH | O.NOFOLLOW);
    return check(fd, "cannot open a watched file", subject, remedy);
  }
  const fd = openHandle(decodeHandle(handle), sdev, restore);
  if (fd === undefined) throw new CrError("a watched file is not there any more", { code: "ENOENT", subject, remedy });
  return fd;
}

/** Where watched files were found, for the next dump of a tree that lives on. */
export function keepPaths(dump: FileDump): void {
  if (dump.options.forceIrmap && dump.options.fate !== "kill") Irmap.of(dump).save();
}
