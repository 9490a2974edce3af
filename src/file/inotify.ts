import { CrError } from "../error.ts";
import { FdTypes, type InotifyFileEntry, type InotifyWdEntry } from "../image/schema.gen.ts";
import { closeFd, readable, tryRead } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import type { InotifyWatch } from "../kernel/proc/fdinfo.ts";
import { addressOf, check, cstring, sys, sysError } from "../kernel/sys.ts";
import { IN } from "../kernel/uapi/event.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { INOTIFY_IOC_SETNEXTWD } from "../kernel/uapi/ioctl.ts";
import { tellOfLoss } from "./inotify-lost.ts";
import type { FileDump, FileKind, FileRestore, OpenFile } from "./kind.ts";
import { handleOf, keepPaths, openWatched, problemOf, type Watched } from "./watched.ts";

/** What a mark shows that inotify_add_watch(2) does not take. */
const NOT_ASKED = IN.UNMOUNT | IN.Q_OVERFLOW | IN.IGNORED | IN.ISDIR;
/** Adding and removing until the number is right: more than this many is not tried. */
const MAX_STEPS = 1 << 20;

function watchedBy(file: OpenFile, watch: InotifyWatch): Watched {
  const { ino, sdev, handle } = watch;
  return { ino, sdev, handle, holder: file, subject: { pid: file.pid, fd: file.fd, watch: watch.wd, inode: ino } };
}

function dumpWatch(file: OpenFile, watch: InotifyWatch, dump: FileDump): InotifyWdEntry {
  return {
    id: 0,
    i_ino: watch.ino,
    mask: watch.mask,
    ignored_mask: watch.ignoredMask,
    s_dev: watch.sdev,
    wd: watch.wd,
    f_handle: handleOf(watchedBy(file, watch), dump),
  };
}

/** Adds one watch with its old number. */
function addWatch(fd: number, entry: InotifyWdEntry, restore: FileRestore): void {
  const { f_handle, s_dev, i_ino } = entry;
  const subject = { path: f_handle.path ?? "", watch: entry.wd, inode: Number(i_ino) };
  const target = openWatched(f_handle, s_dev, Number(i_ino), restore, subject);
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
      const problem = problemOf(watchedBy(file, watch), dump);
      if (problem) dump.blocker(problem);
    }
  },

  dump(file, dump) {
    const pending = readable(file.dup);
    if (pending > 0) {
      // the kernel has no way to put them into a queue
      const at = `(pid ${file.pid}, descriptor ${file.fd})`;
      dump.log.warn(`inotify events that were not read yet are lost: a restore tells so by IN_Q_OVERFLOW ${at}`);
    }
    const wd = (file.info.inotify ?? []).map((watch) => dumpWatch(file, watch, dump));
    const entry: InotifyFileEntry = { id: file.id, flags: file.flags, fown: file.fown, wd };
    if (pending > 0) entry.tscriu_lost = true;
    dump.add({ type: FdTypes.INOTIFY, id: file.id, ify: entry });
  },

  dumpAll: (_, dump) => keepPaths(dump),

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
    restore.atEnd(() => {
      settle();
      for (const entry of entries) if (stateOf(entry).tscriu_lost) tellOfLoss(restore.descriptor(entry.id));
    });
  },
};
