import { CrError, type Subject } from "../error.ts";
import { FdTypes, type InotifyFileEntry, type InotifyWdEntry } from "../image/schema.gen.ts";
import { closeFd, linkOf, readable, tryOpen, tryRead } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import type { InotifyWatch } from "../kernel/proc/fdinfo.ts";
import { statFd, statPath } from "../kernel/stat.ts";
import { addressOf, check, cstring, sys, sysError } from "../kernel/sys.ts";
import { IN } from "../kernel/uapi/event.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { iow } from "../kernel/uapi/ioctl.ts";
import { describeFile } from "./collect.ts";
import { decodeHandle, encodeHandle, openHandle, ownMounts } from "./handle.ts";
import { findInode } from "./irmap.ts";
import type { FileDump, FileKind, FileRestore, OpenFile } from "./kind.ts";
import { perRun } from "./per-run.ts";
import type { NamedFile } from "./place.ts";
import { RegularFiles } from "./regular-files.ts";
import { Remaps } from "./remaps.ts";

/** linux/inotify.h: the number of the next watch is chosen (it takes an int by value). */
const INOTIFY_IOC_SETNEXTWD = iow("I", 0, 4);
/** What a mark shows that inotify_add_watch(2) does not take. */
const NOT_ASKED = IN.UNMOUNT | IN.Q_OVERFLOW | IN.IGNORED | IN.ISDIR;
/** Adding and removing until the number is right: more than this many is not tried. */
const MAX_STEPS = 1 << 20;

const mounts = perRun((_: FileDump | FileRestore) => ownMounts());

/** What a watch is on: an open O_PATH descriptor of ours, or only a path. */
interface Target {
  /** -1 when it is known by its path alone. */
  readonly fd: number;
  readonly path: string | undefined;
}

function subjectOf(file: OpenFile, watch: InotifyWatch): Subject {
  return { pid: file.pid, fd: file.fd, watch: watch.wd, inode: watch.ino };
}

/** The path under which a descriptor's file is to be found, if it is. */
function pathOf(fd: number): string | undefined {
  const link = linkOf(fd);
  const there = link.startsWith("/") ? statPath(link, true) : undefined;
  const stat = statFd(fd);
  return there && there.dev === stat.dev && there.ino === stat.ino ? link : undefined;
}

/**
 * Finds what is watched: by the file handle that fdinfo shows, by a descriptor of the tree, by scanning directories. The
 * caller closes the descriptor.
 */
function findTarget(watch: InotifyWatch, dump: FileDump): Target | undefined {
  const { forceIrmap, irmapScanPaths } = dump.options;
  const fd = watch.handle && !forceIrmap ? openHandle(watch.handle, watch.sdev, mounts(dump)) : undefined;
  if (fd !== undefined) return { fd, path: pathOf(fd) };
  const held = dump.held.find(({ file }) => file.stat.ino === watch.ino && file.stat.dev === watch.sdev)?.file;
  const own = held && tryOpen(`/proc/self/fd/${held.dup}`, O.PATH);
  if (own !== undefined && own >= 0) return { fd: own, path: pathOf(own) };
  const path = findInode(watch.sdev, watch.ino, irmapScanPaths);
  return path === undefined ? undefined : { fd: -1, path };
}

function lost(file: OpenFile, watch: InotifyWatch): CrError {
  return new CrError("a watched file cannot be found by its inode", {
    code: "ENOENT",
    subject: subjectOf(file, watch),
    remedy:
      "its file system makes no handles: name a directory above it with --irmap-scan-path, or let the program remove the watch",
  });
}

/**
 * What is watched and deleted, as a file to be saved: the restore finds its ghost by device and inode. Undefined for files
 * that live on under another name, which their handle leads to.
 */
function ghostOf(file: OpenFile, watch: InotifyWatch, target: Target): NamedFile | undefined {
  if (target.path !== undefined || target.fd < 0) return undefined;
  const named = describeFile(0, target.fd, linkOf(target.fd), 0, { pid: file.pid, fd: file.fd });
  return named.stat.nlink > 0 && watch.handle ? undefined : named;
}

function dumpWatch(file: OpenFile, watch: InotifyWatch, dump: FileDump): InotifyWdEntry {
  const target = findTarget(watch, dump);
  if (target === undefined) throw lost(file, watch);
  try {
    const ghost = ghostOf(file, watch, target);
    if (ghost) RegularFiles.of(dump).idForPath(ghost);
    return {
      id: 0,
      i_ino: watch.ino,
      mask: watch.mask,
      ignored_mask: watch.ignoredMask,
      s_dev: watch.sdev,
      wd: watch.wd,
      f_handle: encodeHandle(watch.handle ?? { type: 0, bytes: new Uint8Array(0) }, target.path),
    };
  } finally {
    if (target.fd >= 0) closeFd(target.fd);
  }
}

function problemOf(file: OpenFile, watch: InotifyWatch, dump: FileDump): CrError | undefined {
  const target = findTarget(watch, dump);
  if (target === undefined) return lost(file, watch);
  try {
    const ghost = ghostOf(file, watch, target);
    const cause = ghost && RegularFiles.of(dump).problem(ghost);
    return cause && new CrError("a watched file cannot be saved", { subject: subjectOf(file, watch), cause });
  } finally {
    if (target.fd >= 0) closeFd(target.fd);
  }
}

/** The file that a restored watch is for; the caller closes the descriptor. */
function openTarget(entry: InotifyWdEntry, restore: FileRestore): number {
  const { path } = entry.f_handle;
  const ghost = Remaps.of(restore).byInode(entry.s_dev, Number(entry.i_ino));
  const name = ghost === undefined ? path : `/proc/self/fd/${ghost}`;
  const subject = { path: path ?? "", watch: entry.wd, inode: Number(entry.i_ino) };
  const remedy = "bring the watched file back";
  if (name !== undefined) {
    return check(
      tryOpen(name, O.PATH | (ghost === undefined ? O.NOFOLLOW : 0)),
      "cannot open a watched file",
      subject,
      remedy,
    );
  }
  const fd = openHandle(decodeHandle(entry.f_handle), entry.s_dev, mounts(restore));
  if (fd === undefined) throw new CrError("a watched file is not there any more", { code: "ENOENT", subject, remedy });
  return fd;
}

/** Adds one watch with its old number. */
function addWatch(fd: number, entry: InotifyWdEntry, restore: FileRestore): void {
  const target = openTarget(entry, restore);
  try {
    const name = cstring(`/proc/self/fd/${target}`);
    const mask = (entry.mask & ~NOT_ASKED) >>> 0;
    const add = () => sys(NR.inotify_add_watch, fd, addressOf(name), mask);
    // the ioctl takes the number itself, no pointer
    const isSet = sys(NR.ioctl, fd, INOTIFY_IOC_SETNEXTWD, entry.wd) === 0;
    for (let step = 0; step < (isSet ? 1 : MAX_STEPS); step++) {
      const wd = check(add(), "cannot watch a file", { path: entry.f_handle.path, watch: entry.wd }, limitRemedy);
      if (wd === entry.wd) return;
      sys(NR.inotify_rm_watch, fd, wd);
      if (wd > entry.wd) break;
    }
    throw new CrError("a watch does not get its number", { code: "EEXIST", subject: { watch: entry.wd } });
  } finally {
    closeFd(target);
  }
}

const limitRemedy = "if it is the number of watches: raise /proc/sys/fs/inotify/max_user_watches";

/** Throws away what the restore itself has caused. */
function drain(fd: number): void {
  while (readable(fd) > 0) {
    const got = tryRead(fd, new Uint8Array(64 * 1024));
    if (got <= 0) throw sysError(got, "cannot read inotify events", { fd });
  }
}

function stateOf(entry: { id: number; ify?: InotifyFileEntry }): InotifyFileEntry {
  if (entry.ify) return entry.ify;
  throw new CrError("an inotify without its watches", { code: "BAD_IMAGE", subject: { file: entry.id } });
}

export const inotify: FileKind = {
  name: "inotify",
  type: FdTypes.INOTIFY,

  matches: (file) => file.link === "anon_inode:inotify",

  check(file, dump) {
    for (const watch of file.info.inotify ?? []) {
      const problem = problemOf(file, watch, dump);
      if (problem) dump.blocker(problem);
    }
  },

  dump(file, dump) {
    const pending = readable(file.dup);
    if (pending > 0) {
      // the kernel has no way to put events into a queue
      dump.log.warn(
        `${pending} bytes of inotify events that were not read yet are lost (pid ${file.pid}, descriptor ${file.fd})`,
      );
    }
    const wd = (file.info.inotify ?? []).map((watch) => dumpWatch(file, watch, dump));
    dump.add({ type: FdTypes.INOTIFY, id: file.id, ify: { id: file.id, flags: file.flags, fown: file.fown, wd } });
  },

  open(entry, restore) {
    const ify = stateOf(entry);
    const flags = O.CLOEXEC | (ify.flags & O.NONBLOCK);
    const fd = check(sys(NR.inotify_init1, flags), "cannot make an inotify", { file: entry.id }, limitRemedy);
    restore.put(entry.id, fd);
    restore.applyFown(fd, ify.fown, ify.flags);
  },

  /** Only now: whatever the restore does to files would be told to the watches. */
  arm(entries, restore) {
    for (const entry of entries) {
      const fd = restore.descriptor(entry.id);
      const watches = [...stateOf(entry).wd].sort((a, b) => a.wd - b.wd);
      for (const watch of watches) addWatch(fd, watch, restore);
    }
    const settle = () => {
      for (const { id } of entries) drain(restore.descriptor(id));
    };
    settle();
    restore.atEnd(settle);
  },
};
