/** What System V objects have in common: owners, ids that can be chosen, tables. Layouts: asm-generic/ipcbuf.h of the kernel. */
import { CrError, type Subject } from "../error.ts";
import { type Caller, Envoy } from "./envoy.ts";
import { closeFd, O, openPath, tryRead } from "./fd.ts";
import { NR } from "./nr.ts";
import { addressOf, check, cstring, sys } from "./sys.ts";
import { AT } from "./uapi/fcntl.ts";
import { CLONE } from "./uapi/sched.ts";

export const IPC = { CREAT: 0o1000, EXCL: 0o2000, NOWAIT: 0o4000, RMID: 0, SET: 1, STAT: 2 } as const;
const PERMISSIONS = 0o777;
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;

export type ObjectKind = "shm" | "msg" | "sem";

const WORDS: Readonly<Record<ObjectKind, string>> = {
  shm: "shared memory segment",
  msg: "message queue",
  sem: "semaphore set",
};

/** Whose an object is, who made it, and its permissions. */
export interface Owner {
  readonly key: number;
  readonly uid: number;
  readonly gid: number;
  readonly cuid: number;
  readonly cgid: number;
  readonly mode: number;
}

/** Of `struct ipc64_perm`, which stands first in what IPC_STAT gives. */
export function readOwner(view: DataView): Owner {
  const [key = 0, uid = 0, gid = 0, cuid = 0, cgid = 0] = [0, 4, 8, 12, 16].map((at) => view.getUint32(at, true));
  return { key, uid, gid, cuid, cgid, mode: view.getUint16(20, true) };
}

/** As IPC_SET takes it. */
export function writeOwner(view: DataView, { uid, gid, mode }: Pick<Owner, "uid" | "gid" | "mode">): void {
  view.setUint32(4, uid, true);
  view.setUint32(8, gid, true);
  view.setUint16(20, mode & PERMISSIONS, true);
}

/** Runs `act` with calls that are made in the ipc namespace of a task. Memory and descriptors are ours there too. */
export function inIpcNamespace<T>(pid: number, act: (call: Caller) => T): T {
  const link = openPath(`/proc/${pid}/ns/ipc`, O.RDONLY, "cannot open an ipc namespace");
  try {
    using envoy = new Envoy();
    check(envoy.call(NR.setns, link, CLONE.NEWIPC), "cannot enter an ipc namespace", { pid });
    return act(envoy.call);
  } finally {
    closeFd(link);
  }
}

function open(path: string, flags: number, call: Caller): number {
  const name = cstring(path);
  return call(NR.openat, AT.FDCWD, addressOf(name), flags | O.CLOEXEC);
}

/** Where the files below are read, piece by piece. */
const room = Buffer.from(new ArrayBuffer(16384));

/** The text of a file of /proc that shows the caller's ipc namespace; undefined where there is none. */
export function readThere(path: string, call: Caller): string | undefined {
  const fd = open(path, O.RDONLY, call);
  if (fd < 0) return undefined;
  let text = "";
  for (let got = tryRead(fd, room); got > 0; got = tryRead(fd, room)) text += room.toString("latin1", 0, got);
  closeFd(fd);
  return text;
}

/** Writes such a file: a number of bytes, or the negative errno. */
export function writeThere(path: string, text: string, call: Caller): number {
  const fd = open(path, O.WRONLY, call);
  if (fd < 0) return fd;
  // who writes is looked at, too: in a user namespace its root may, and we may not
  const bytes = new TextEncoder().encode(text);
  const put = call(NR.write, fd, addressOf(bytes), bytes.length);
  closeFd(fd);
  return put;
}

/** Lines of /proc/sysvipc/KIND as numbers, without the heading; the second of each is the id. */
export function objectTable(kind: ObjectKind, call: Caller = sys): number[][] {
  const text = readThere(`/proc/sysvipc/${kind}`, call) ?? "";
  return text
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/).map(Number));
}

/** Runs `make` as this user and group: who makes an object is remembered and cannot be set. */
export function asUser(uid: number, gid: number, make: () => number, call: Caller): number {
  const own = call(NR.getuid);
  const ownGroup = call(NR.getgid);
  if (uid === own && gid === ownGroup) return make();
  const dumpable = sys(NR.prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
  // only the thread that calls changes, and only for one call; where it may not, the object is ours
  call(NR.setresgid, -1, gid, -1);
  call(NR.setresuid, -1, uid, -1);
  try {
    return make();
  } finally {
    call(NR.setresuid, -1, own, -1);
    call(NR.setresgid, -1, ownGroup, -1);
    sys(NR.prctl, PR_SET_DUMPABLE, dumpable, 0, 0, 0);
  }
}

export interface Making {
  readonly kind: ObjectKind;
  readonly id: number;
  readonly owner: Owner;
  /** shmget(2) and its like with these flags: the id, or the negative errno. */
  readonly get: (flags: number) => number;
  readonly remove: (id: number) => void;
  /** Only the privileged may make it: it is ours. */
  readonly isPrivileged?: boolean;
  readonly remedy: string;
}

/**
 * Makes an object with this id.
 * @throws CrError when somebody else has the id
 */
export function makeObject(making: Making, call: Caller): void {
  const { kind, id, owner, get, remove, isPrivileged, remedy } = making;
  const what = WORDS[kind];
  const path = `/proc/sys/kernel/${kind}_next_id`;
  const subject: Subject = { id, key: `0x${owner.key.toString(16)}` };
  check(
    writeThere(path, String(id), call),
    `cannot choose the id of a ${what}`,
    { ...subject, path },
    "run as root, or with CAP_CHECKPOINT_RESTORE, on a kernel with CONFIG_CHECKPOINT_RESTORE",
  );
  const make = () => get((owner.mode & PERMISSIONS) | IPC.CREAT | IPC.EXCL);
  const made = isPrivileged ? make() : asUser(owner.cuid, owner.cgid, make, call);
  if (made < 0) writeThere(path, "-1", call);
  check(made, `cannot make a ${what}`, subject, remedy);
  if (made === id) return;
  remove(made);
  throw new CrError(`somebody else has the id of a ${what}`, {
    code: "EEXIST",
    subject,
    remedy: "remove it (ipcrm), or restore in an ipc namespace of its own",
  });
}
