/** Mounts as descriptors: open_tree(2), fsopen(2), move_mount(2), mount_setattr(2); and visits to other mount namespaces. */
import type { Subject } from "../error.ts";
import { type Caller, Envoy } from "./envoy.ts";
import { closeFd } from "./fd.ts";
import { NR } from "./nr.ts";
import { type MountInfo, parseMountInfo } from "./proc/mountinfo.ts";
import { readProcFile } from "./proc/read.ts";
import { statFd, statPath } from "./stat.ts";
import { addressOf, check, cstring, sys } from "./sys.ts";
import { AT, O } from "./uapi/fcntl.ts";
import { NS } from "./uapi/ioctl.ts";
import { FSCONFIG, MNT, MOUNT_ATTR, MOVE_MOUNT, OPEN_TREE, UMOUNT } from "./uapi/mount.ts";
import { PR } from "./uapi/prctl.ts";
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
export function tryCloneMount(fd: number, call: Caller = sys): number {
  return call(NR.open_tree, fd, addressOf(empty), OPEN_TREE.CLONE | OPEN_TREE.CLOEXEC | AT.EMPTY_PATH);
}

/** Puts a mount that stands nowhere upon what `at` is open on. */
export function tryAttach(mount: number, at: number, call: Caller): number {
  const flags = MOVE_MOUNT.F_EMPTY_PATH | MOVE_MOUNT.T_EMPTY_PATH;
  return call(NR.move_mount, mount, addressOf(empty), at, addressOf(empty), flags);
}

/** Makes `to` a member of the peer group that `from` is in, and a slave of the same master. Both are mounts' roots. */
export function trySetGroup(from: number, to: number, call: Caller): number {
  const flags = MOVE_MOUNT.F_EMPTY_PATH | MOVE_MOUNT.T_EMPTY_PATH | MOVE_MOUNT.SET_GROUP;
  return call(NR.move_mount, from, addressOf(empty), to, addressOf(empty), flags);
}

/** What mount_setattr(2) changes. */
export interface MountChange {
  readonly set?: number;
  readonly clear?: number;
  /** MNT.SHARED, MNT.SLAVE, MNT.PRIVATE or MNT.UNBINDABLE. */
  readonly propagation?: number;
}

export function trySetMount(fd: number, change: MountChange, call: Caller = sys): number {
  const attr = new BigUint64Array([
    BigInt(change.set ?? 0),
    BigInt(change.clear ?? 0),
    BigInt(change.propagation ?? 0),
    0n,
  ]);
  return call(NR.mount_setattr, fd, addressOf(empty), AT.EMPTY_PATH, addressOf(attr), attr.byteLength);
}

/** The access time's attributes, which can only be taken away together. */
export const ALL_ATIME = 0x70;

/** All attributes that mount_setattr(2) can take away. */
export const ALL_ATTRIBUTES =
  MOUNT_ATTR.RDONLY |
  MOUNT_ATTR.NOSUID |
  MOUNT_ATTR.NODEV |
  MOUNT_ATTR.NOEXEC |
  ALL_ATIME |
  MOUNT_ATTR.NODIRATIME |
  MOUNT_ATTR.NOSYMFOLLOW;

/** An option of a file system: a flag where it has no value. */
export type MountOption = readonly [name: string, value?: string];

/**
 * A new mount of a file system that needs no device, which stands nowhere. The caller closes it.
 * @throws CrError `what` with the kernel's errno: ENODEV where it does not know the file system, EINVAL for an unknown option
 */
export function makeMount(
  fileSystem: string,
  what: string,
  call: Caller = sys,
  options: readonly MountOption[] = [],
): number {
  const type = cstring(fileSystem);
  const context = check(call(NR.fsopen, addressOf(type), CLOSE_ON_EXEC), what);
  try {
    for (const [name, value] of options) {
      const [key, text] = [cstring(name), cstring(value ?? "")];
      const is =
        value === undefined
          ? call(NR.fsconfig, context, FSCONFIG.SET_FLAG, addressOf(key), 0, 0)
          : call(NR.fsconfig, context, FSCONFIG.SET_STRING, addressOf(key), addressOf(text), 0);
      check(is, what, { option: name });
    }
    check(call(NR.fsconfig, context, FSCONFIG.CMD_CREATE, 0, 0, 0), what);
    return check(call(NR.fsmount, context, CLOSE_ON_EXEC, 0), what);
  } finally {
    closeFd(context);
  }
}

/** A new tmpfs that stands nowhere. The caller closes it. */
export function makeTmpfs(what: string): number {
  return makeMount("tmpfs", what);
}

/** Takes away whatever is mounted on top of a path, with all below it. */
export function tryDetach(path: string, call: Caller): number {
  const name = cstring(path);
  return call(NR.umount2, addressOf(name), UMOUNT.DETACH | UMOUNT.NOFOLLOW);
}

/** Makes all mounts of a namespace private: what we change is nobody else's business. */
export function makeAllPrivate(call: Caller): void {
  const none = cstring("none");
  const made = call(NR.mount, addressOf(none), addressOf(slash), 0, MNT.REC | MNT.PRIVATE, 0);
  check(made, "cannot make the mounts of a namespace private");
}

/** Opens a path there, without following a link in its last part; the caller closes it. The descriptor, or the negative errno. */
export function tryOpenThere(path: string, flags: number, call: Caller): number {
  const name = cstring(path);
  return call(NR.openat, AT.FDCWD, addressOf(name), flags | O.NOFOLLOW | O.CLOEXEC, 0);
}

/**
 * Makes a mount, which stands below the current root, the root, and takes the old one away. Every process that had the old root
 * has the new one.
 */
export function pivotTo(mount: number, call: Caller): void {
  const remedy = "a root in the initial RAM file system cannot be replaced";
  check(call(NR.fchdir, mount), "cannot enter the new root");
  const pivoted = call(NR.pivot_root, addressOf(here), addressOf(here));
  check(pivoted, "cannot change the root of a mount namespace", {}, remedy);
}

/**
 * Acts in another mount namespace, by way of an envoy whose root is the namespace's.
 * @param namespace a descriptor of ours for it
 */
export function inMountNamespace<T>(namespace: number, act: (envoy: Envoy) => T, subject: Subject = {}): T {
  using envoy = new Envoy();
  check(envoy.call(NR.setns, namespace, CLONE.NEWNS), "cannot enter a mount namespace", subject);
  return act(envoy);
}

/** Our descriptor of the user namespace that another one belongs to; undefined for ours, and for one above that we cannot see. */
function ownerOf(namespace: number): number | undefined {
  const owner = sys(NR.ioctl, namespace, NS.GET_USERNS);
  if (owner < 0) return undefined;
  if (statFd(owner).ino !== statPath("/proc/self/ns/user")?.ino) return owner;
  closeFd(owner);
  return undefined;
}

/** Whether a namespace belongs to another user namespace than ours. @param namespace a descriptor of ours for it */
export function belongsElsewhere(namespace: number): boolean {
  const owner = ownerOf(namespace);
  if (owner !== undefined) closeFd(owner);
  return owner !== undefined;
}

/** Enters the user namespace that another one belongs to, as its root: a copy made from elsewhere would be locked. */
function enterOwner(namespace: number, call: Caller): void {
  const owner = ownerOf(namespace);
  if (owner === undefined) return;
  try {
    check(call(NR.setns, owner, CLONE.NEWUSER), "cannot enter the user namespace of mounts");
    const dumpable = sys(NR.prctl, PR.GET_DUMPABLE, 0, 0, 0, 0);
    call(NR.setresgid, 0, 0, 0);
    call(NR.setresuid, 0, 0, 0);
    sys(NR.prctl, PR.SET_DUMPABLE, dumpable, 0, 0, 0);
  } finally {
    closeFd(owner);
  }
}

/** The same in a copy of it that is gone afterwards: what is done to mounts there does not show. */
export function inCopyOfMounts<T>(namespace: number, act: (envoy: Envoy) => T, subject: Subject = {}): T {
  return inMountNamespace(
    namespace,
    (envoy) => {
      enterOwner(namespace, envoy.call);
      check(envoy.call(NR.unshare, CLONE.NEWNS), "cannot copy a mount namespace", subject);
      makeAllPrivate(envoy.call);
      return act(envoy);
    },
    subject,
  );
}

/** Mounts that a process sees from its root on. */
export function mountsSeenBy(pid: number): MountInfo[] {
  return parseMountInfo(readProcFile(`/proc/${pid}/mountinfo`));
}
