/** Mounts as descriptors: open_tree(2), fsopen(2), move_mount(2), mount_setattr(2); and visits to other mount namespaces. */
import type { Subject } from "../error.ts";
import { closeFd, openPath, tryOpen, tryRead } from "./fd.ts";
import { NR } from "./nr.ts";
import { type MountInfo, parseMountInfo } from "./proc/mountinfo.ts";
import { readProcFile } from "./proc/read.ts";
import { addressOf, check, cstring, must, sys } from "./sys.ts";
import { AT, O } from "./uapi/fcntl.ts";
import { FSCONFIG, MNT, MOUNT_ATTR, MOVE_MOUNT, OPEN_TREE, UMOUNT } from "./uapi/mount.ts";
import { CLONE } from "./uapi/sched.ts";

const empty = cstring("");
const here = cstring(".");
const slash = cstring("/");
/** fsopen(2) and fsmount(2). */
const CLOSE_ON_EXEC = 1;

/** Mounts that we can see. Read anew each time: keep it for as long as they do not change. */
export function ownMounts(): MountInfo[] {
  return parseMountInfo(readProcFile("/proc/self/mountinfo"));
}

/**
 * A mount of our own of what `fd` is open on, that stands nowhere yet: without the mounts below it. The caller closes it.
 * @returns the descriptor, or the negative errno
 */
export function tryCloneMount(fd: number): number {
  return sys(NR.open_tree, fd, addressOf(empty), OPEN_TREE.CLONE | OPEN_TREE.CLOEXEC | AT.EMPTY_PATH);
}

/** Puts a mount that stands nowhere upon what `at` is open on. */
export function tryAttach(mount: number, at: number): number {
  const flags = MOVE_MOUNT.F_EMPTY_PATH | MOVE_MOUNT.T_EMPTY_PATH;
  return sys(NR.move_mount, mount, addressOf(empty), at, addressOf(empty), flags);
}

/** Makes `to` a member of the peer group that `from` is in, and a slave of the same master. Both are mounts' roots. */
export function trySetGroup(from: number, to: number): number {
  const flags = MOVE_MOUNT.F_EMPTY_PATH | MOVE_MOUNT.T_EMPTY_PATH | MOVE_MOUNT.SET_GROUP;
  return sys(NR.move_mount, from, addressOf(empty), to, addressOf(empty), flags);
}

/** What mount_setattr(2) changes. */
export interface MountChange {
  readonly set?: number;
  readonly clear?: number;
  /** MNT.SHARED, MNT.SLAVE, MNT.PRIVATE or MNT.UNBINDABLE. */
  readonly propagation?: number;
}

export function trySetMount(fd: number, change: MountChange): number {
  const attr = new BigUint64Array([
    BigInt(change.set ?? 0),
    BigInt(change.clear ?? 0),
    BigInt(change.propagation ?? 0),
    0n,
  ]);
  return sys(NR.mount_setattr, fd, addressOf(empty), AT.EMPTY_PATH, addressOf(attr), attr.byteLength);
}

/** The access time's attributes, which can only be taken away together. */
const ALL_ATIME = 0x70;

/** All attributes that mount_setattr(2) can take away. */
export const ALL_ATTRIBUTES =
  MOUNT_ATTR.RDONLY |
  MOUNT_ATTR.NOSUID |
  MOUNT_ATTR.NODEV |
  MOUNT_ATTR.NOEXEC |
  ALL_ATIME |
  MOUNT_ATTR.NODIRATIME |
  MOUNT_ATTR.NOSYMFOLLOW;

/** A new tmpfs that stands nowhere. The caller closes it. */
export function makeTmpfs(what: string): number {
  const type = cstring("tmpfs");
  const context = must(NR.fsopen, [addressOf(type), CLOSE_ON_EXEC], what);
  try {
    must(NR.fsconfig, [context, FSCONFIG.CMD_CREATE, 0, 0, 0], what);
    return must(NR.fsmount, [context, CLOSE_ON_EXEC, 0], what);
  } finally {
    closeFd(context);
  }
}

/** Takes away whatever is mounted on top of a path, with all below it. */
export function tryDetach(path: string): number {
  const name = cstring(path);
  return sys(NR.umount2, addressOf(name), UMOUNT.DETACH | UMOUNT.NOFOLLOW);
}

/** Makes all mounts that this thread sees private: what we change is nobody else's business. */
export function makeAllPrivate(): void {
  const none = cstring("none");
  const flags = MNT.REC | MNT.PRIVATE;
  must(NR.mount, [addressOf(none), addressOf(slash), 0, flags, 0], "cannot make the mounts of a namespace private");
}

/**
 * Makes a mount, which stands below the current root, the root, and takes the old one away. Every process that had the old root
 * has the new one.
 */
export function pivotTo(mount: number): void {
  const remedy = "a root in the initial RAM file system cannot be replaced: give another one with --root";
  must(NR.fchdir, [mount], "cannot enter the new root");
  const pivoted = sys(NR.pivot_root, addressOf(here), addressOf(here));
  check(pivoted, "cannot change the root of a mount namespace", {}, remedy);
}

/** What stays for a thread that has been in other mount namespaces: its own root and directory. */
interface Home extends Disposable {
  readonly namespace: number;
  readonly root: number;
  readonly directory: number;
}

function leaveHome(): Home {
  const home = {
    namespace: openPath("/proc/thread-self/ns/mnt", O.RDONLY),
    root: openPath("/", O.PATH | O.DIRECTORY),
    directory: openPath(".", O.PATH | O.DIRECTORY),
  };
  return {
    ...home,
    [Symbol.dispose]() {
      for (const fd of [home.namespace, home.root, home.directory]) closeFd(fd);
    },
  };
}

function returnTo(home: Home): void {
  const what = "cannot return from a mount namespace";
  must(NR.setns, [home.namespace, CLONE.NEWNS], what);
  must(NR.fchdir, [home.root], what);
  must(NR.chroot, [addressOf(here)], what);
  must(NR.fchdir, [home.directory], what);
}

/**
 * Acts in another mount namespace, whose root is then ours. Only this thread goes there: nothing but system calls may be used,
 * and no /proc is there for sure.
 * @param namespace a descriptor of ours for it
 */
export function inMountNamespace<T>(namespace: number, act: () => T, subject: Subject = {}): T {
  // threads share their root and directory, which setns(2) does not take
  must(NR.unshare, [CLONE.FS], "cannot have a root of our own");
  using home = leaveHome();
  check(sys(NR.setns, namespace, CLONE.NEWNS), "cannot enter a mount namespace", subject);
  try {
    return act();
  } finally {
    returnTo(home);
  }
}

/** The same in a copy of it that is gone afterwards: what is done to mounts there does not show. */
export function inCopyOfMounts<T>(namespace: number, act: () => T, subject: Subject = {}): T {
  return inMountNamespace(
    namespace,
    () => {
      must(NR.unshare, [CLONE.NEWNS], "cannot copy a mount namespace", subject);
      makeAllPrivate();
      return act();
    },
    subject,
  );
}

/** Mounts of a namespace, all of them. */
export function mountsOfNamespace(namespace: number, subject: Subject = {}): MountInfo[] {
  const proc = openPath("/proc", O.PATH | O.DIRECTORY);
  try {
    return inMountNamespace(namespace, () => mountsHere(proc), subject);
  } finally {
    closeFd(proc);
  }
}

/** Mounts that this thread sees. @param proc our /proc, to be reached from wherever we are */
export function mountsHere(proc: number): MountInfo[] {
  const fd = check(tryOpen("thread-self/mountinfo", O.RDONLY, 0, proc), "cannot read the mounts of a namespace");
  try {
    const parts: Buffer[] = [];
    for (;;) {
      const part = new Uint8Array(new ArrayBuffer(65536));
      const got = check(tryRead(fd, part), "cannot read the mounts of a namespace");
      if (got === 0) return parseMountInfo(Buffer.concat(parts).toString());
      parts.push(Buffer.from(part.buffer, 0, got));
    }
  } finally {
    closeFd(fd);
  }
}
