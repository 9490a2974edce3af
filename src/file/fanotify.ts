import { CrError, type Subject } from "../error.ts";
import {
  type FanotifyFileEntry,
  type FanotifyMarkEntry,
  type FanotifyMountMarkEntry,
  FdTypes,
  MarkType,
} from "../image/schema.gen.ts";
import { closeFd, fcntl, readable } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { type FanotifyMark, readFdInfo } from "../kernel/proc/fdinfo.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { ProcDir, readProcFile } from "../kernel/proc/read.ts";
import { parseStatus } from "../kernel/proc/status.ts";
import { addressOf, check, cstring, sys, sysError } from "../kernel/sys.ts";
import { CAP, hasCapability } from "../kernel/uapi/capability.ts";
import { FAN, FAN_EVENT, FAN_MARK } from "../kernel/uapi/event.ts";
import { AT, F, FD_CLOEXEC, O } from "../kernel/uapi/fcntl.ts";
import { withoutCapability } from "./capability.ts";
import { tellOfLoss, throwAway } from "./fanotify-lost.ts";
import type { FileDump, FileKind, FileRestore, OpenFile } from "./kind.ts";
import { handleOf, keepPaths, openWatched, problemOf, type Watched } from "./watched.ts";

/** Events that wait for the program's answer. */
const PERMISSION = FAN_EVENT.OPEN_PERM | FAN_EVENT.ACCESS_PERM | FAN_EVENT.OPEN_EXEC_PERM | FAN_EVENT.PRE_ACCESS;
const CLASSES = FAN.CLASS_CONTENT | FAN.CLASS_PRE_CONTENT;
/** What fanotify_init(2) gives to CAP_SYS_ADMIN alone. */
const PRIVILEGED_INIT =
  CLASSES | FAN.UNLIMITED_QUEUE | FAN.UNLIMITED_MARKS | FAN.ENABLE_AUDIT | FAN.REPORT_PIDFD | FAN.REPORT_TID;
/** Flags that fdinfo shows of a mark. */
const KEPT = FAN_MARK.IGNORED_SURV_MODIFY | FAN_MARK.EVICTABLE | FAN_MARK.IGNORE;

function subjectOf(file: OpenFile, mark: FanotifyMark): Subject {
  const on = mark.kind === "mount" ? { mount: mark.mntId } : { inode: mark.kind === "inode" ? mark.ino : undefined };
  return { pid: file.pid, fd: file.fd, mark: mark.kind, ...on };
}

function watchedBy(file: OpenFile, mark: FanotifyMark): Watched {
  const { ino, sdev, handle } = mark;
  return { ino, sdev, handle, holder: file, subject: subjectOf(file, mark) };
}

/** Whether the mount point leads to this very mount: none lies over it. */
function isOnTop(mount: MountInfo, dump: FileDump): boolean {
  const fd = dump.groundOf(mount.mntId).open(mount.mountpoint, O.PATH);
  if (fd < 0) return false;
  using self = new ProcDir(process.pid);
  const { mntId } = readFdInfo(self, fd);
  closeFd(fd);
  return mntId === mount.mntId;
}

/** The mount that a mark is on, or for a whole file system one through which it can be reached. */
function mountOf(mark: FanotifyMark, dump: FileDump): MountInfo | undefined {
  const candidates = dump.mounts.filter(({ mntId, dev }) =>
    mark.kind === "mount" ? mntId === mark.mntId : dev === mark.sdev,
  );
  return candidates.find((mount) => isOnTop(mount, dump));
}

function unsupported(file: OpenFile, mark: FanotifyMark, dump: FileDump): CrError | undefined {
  const subject = subjectOf(file, mark);
  const refuse = (what: string, remedy: string) => new CrError(what, { code: "UNSUPPORTED", subject, remedy });
  if (((mark.mask | mark.ignoredMask) & PERMISSION) !== 0) {
    return refuse(
      "a fanotify group decides whether others may open files: while it is frozen everybody would wait, and we too",
      "stop that program, or let it remove its permission marks before the dump",
    );
  }
  if (mark.kind === "mntns") return refuse("a fanotify mark is on a whole mount namespace", "stop it before the dump");
  if (mark.kind === "inode") return problemOf(watchedBy(file, mark), dump);
  return mountOf(mark, dump)
    ? undefined
    : refuse(
        "a fanotify mark is on a mount that cannot be reached from here",
        "it was unmounted, is covered by another mount, or belongs to another namespace: remove the mark",
      );
}

/** A mark that fits none of this is an error of {@link unsupported} before. */
function dumpMark(file: OpenFile, mark: FanotifyMark, dump: FileDump): FanotifyMarkEntry {
  const { mflags, mask, ignoredMask: ignored_mask } = mark;
  const entry = { id: file.id, mflags, mask, ignored_mask };
  if (mark.kind === "inode") {
    const ie = { i_ino: mark.ino, f_handle: handleOf(watchedBy(file, mark), dump) };
    return { ...entry, type: MarkType.INODE, s_dev: mark.sdev, ie };
  }
  const problem = unsupported(file, mark, dump);
  const mount = mountOf(mark, dump);
  if (problem || mount === undefined) throw problem ?? sysError(-2, "a mount is gone", subjectOf(file, mark));
  const me = { mnt_id: mount.mntId, path: mount.mountpoint };
  const onMount = { ...entry, type: MarkType.MOUNT, s_dev: mount.dev, me };
  return mark.kind === "filesystem" ? { ...onMount, tscriu_filesystem: true } : onMount;
}

/**
 * Whether a group was made without CAP_SYS_ADMIN, which the kernel remembers and does not show: such a group hears less of
 * others. Its flags and marks must allow it, and nobody who holds it has the capability.
 */
function isUnprivileged(file: OpenFile, faflags: number, marks: readonly FanotifyMark[], dump: FileDump): boolean {
  if ((faflags & PRIVILEGED_INIT) !== 0 || (faflags & (FAN.REPORT_FID | FAN.REPORT_DIR_FID)) === 0) return false;
  if (marks.some(({ kind }) => kind !== "inode")) return false;
  const pids = new Set(dump.held.filter((held) => held.file === file).map(({ pid }) => pid));
  return [...pids].every((pid) => {
    const { capEffective } = parseStatus(readProcFile(`/proc/${pid}/status`));
    return !hasCapability(capEffective, CAP.SYS_ADMIN);
  });
}

function stateOf(entry: { id: number; ffy?: FanotifyFileEntry }): FanotifyFileEntry {
  if (entry.ffy) return entry.ffy;
  throw new CrError("a fanotify group without its marks", { code: "BAD_IMAGE", subject: { file: entry.id } });
}

const LIMITS = "is the number of groups or marks used up? See /proc/sys/fs/fanotify";

/** Marks what `target`, a descriptor of ours, is open for. */
function addMark(group: number, entry: FanotifyMarkEntry, kind: number, target: number, subject: Subject): void {
  const name = cstring(`/proc/self/fd/${target}`);
  const flags = FAN_MARK.ADD | kind;
  const add = (how: number, mask: number) =>
    check(
      sys(NR.fanotify_mark, group, flags | how, mask >>> 0, AT.FDCWD, addressOf(name)),
      "cannot set a fanotify mark",
      subject,
      LIMITS,
    );
  const kept = entry.mflags & KEPT;
  if (entry.mask !== 0) add(kept & FAN_MARK.EVICTABLE, entry.mask);
  if (entry.ignored_mask === 0) return;
  add(kept | ((kept & FAN_MARK.IGNORE) === 0 ? FAN_MARK.IGNORED_MASK : 0), entry.ignored_mask);
}

/** The mount point of a mark; where nothing is mounted any more the mark would be on something else. */
function openMount(me: FanotifyMountMarkEntry, subject: Subject, restore: FileRestore): number {
  const path = me.path ?? restore.mounts.find(({ mntId }) => mntId === me.mnt_id)?.mountpoint;
  const remedy = "mount it again before the restore";
  const isMounted = path !== undefined && restore.mounts.some(({ mountpoint }) => mountpoint === path);
  if (!isMounted) throw new CrError("a mount that was watched is not there", { code: "ENOENT", subject, remedy });
  return check(restore.groundOf().open(path, O.PATH), "cannot open a mount that was watched", subject, remedy);
}

function restoreMark(group: number, entry: FanotifyMarkEntry, restore: FileRestore): void {
  const { ie, me } = entry;
  const isInode = entry.type === MarkType.INODE;
  const path = isInode ? ie?.f_handle.path : me?.path;
  const subject = { file: entry.id, path, inode: isInode && ie ? Number(ie.i_ino) : undefined };
  const onMount = entry.tscriu_filesystem === true ? FAN_MARK.FILESYSTEM : FAN_MARK.MOUNT;
  let target = -1;
  if (isInode && ie) target = openWatched(ie.f_handle, entry.s_dev, Number(ie.i_ino), restore, subject);
  else if (!isInode && me) target = openMount(me, subject, restore);
  else throw new CrError("a fanotify mark on nothing", { code: "BAD_IMAGE", subject });
  try {
    addMark(group, entry, isInode ? FAN_MARK.INODE : onMount, target, subject);
  } finally {
    closeFd(target);
  }
}

/** Throws away what the restore itself has caused, and the descriptors that come with it. */
function drain(group: number): void {
  for (let left = readable(group); left > 0; left = readable(group)) {
    const got = throwAway(group);
    // an event whose file cannot be opened is an error of the read, and gone with it
    if (got <= 0 && readable(group) >= left) throw sysError(got, "cannot read fanotify events", { fd: group });
  }
}

/** Whether who lost events can be told: a queue without a limit is never full, and some groups may not watch all. */
function canTell({ faflags, tscriu_unprivileged }: FanotifyFileEntry): boolean {
  return (faflags & FAN.UNLIMITED_QUEUE) === 0 && tscriu_unprivileged !== true;
}

export const fanotify: FileKind = {
  name: "fanotify",
  type: FdTypes.FANOTIFY,

  matches: (file) => file.link === "anon_inode:[fanotify]" && file.info.fanotify !== undefined,

  check(file, dump) {
    const { flags = 0, marks = [] } = file.info.fanotify ?? {};
    for (const mark of marks) {
      const problem = unsupported(file, mark, dump);
      if (problem) dump.blocker(problem);
    }
    if ((flags & FAN.REPORT_MNT) === 0) return;
    const subject = { pid: file.pid, fd: file.fd };
    const remedy = "stop it before the dump";
    dump.blocker(new CrError("a fanotify group watches mounts", { code: "UNSUPPORTED", subject, remedy }));
  },

  dump(file, dump) {
    const { flags: faflags = 0, eventFlags: evflags = 0, marks = [] } = file.info.fanotify ?? {};
    const mark = marks.map((one) => dumpMark(file, one, dump));
    const ffy: FanotifyFileEntry = { id: file.id, flags: file.flags, fown: file.fown, faflags, evflags, mark };
    if (isUnprivileged(file, faflags, marks, dump)) ffy.tscriu_unprivileged = true;
    if (readable(file.dup) > 0) {
      // the kernel has no way to put events into a queue
      ffy.tscriu_lost = true;
      const told = canTell(ffy) ? ": a restore tells so by FAN_Q_OVERFLOW" : "";
      dump.log.warn(`fanotify events that were not read yet are lost${told} (pid ${file.pid}, descriptor ${file.fd})`);
    }
    dump.add({ type: FdTypes.FANOTIFY, id: file.id, ffy });
  },

  dumpAll: (_, dump) => keepPaths(dump),

  open(entry, restore) {
    const { faflags, evflags, fown, flags, tscriu_unprivileged } = stateOf(entry);
    const init = () => sys(NR.fanotify_init, faflags, evflags);
    const fd = tscriu_unprivileged === true ? withoutCapability(CAP.SYS_ADMIN, init) : init();
    restore.put(entry.id, check(fd, "cannot make a fanotify group", { file: entry.id }, LIMITS));
    // FAN_CLOEXEC would show in its fdinfo for ever
    fcntl(fd, F.SETFD, FD_CLOEXEC, "cannot set close-on-exec");
    restore.applyFown(fd, fown, flags);
  },

  /** Only now: whatever the restore does to files would be told to the marks. */
  arm(entries, restore) {
    for (const entry of entries) {
      const group = restore.descriptor(entry.id);
      // the kernel shows the newest first
      for (const mark of stateOf(entry).mark.toReversed()) restoreMark(group, mark, restore);
    }
    const settle = () => {
      for (const { id } of entries) drain(restore.descriptor(id));
    };
    settle();
    restore.atEnd(() => {
      settle();
      for (const entry of entries) {
        const state = stateOf(entry);
        if (state.tscriu_lost === true && canTell(state)) tellOfLoss(restore.descriptor(entry.id));
      }
    });
  },
};
