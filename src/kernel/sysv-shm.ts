/** System V shared memory: shmget(2), shmctl(2). Source of the layout: asm-generic/ipcbuf.h and shmbuf.h, linux/shm.h. */
import { CrError, type Subject } from "../error.ts";
import { closeFd, O, tryOpen, tryWrite } from "./fd.ts";
import { NR } from "./nr.ts";
import { addressOf, check, sys } from "./sys.ts";

/** Flags of shmget(2) and shmat(2). */
export const SHM = { HUGETLB: 0o4000, NORESERVE: 0o10000, RDONLY: 0o10000, EXEC: 0o100000 } as const;
/** Bits that IPC_STAT adds to the mode: it goes with its last user; it is locked in memory. */
export const SHM_MODE = { DEST: 0o1000, LOCKED: 0o2000, PERMISSIONS: 0o777 } as const;

const IPC = { CREAT: 0o1000, EXCL: 0o2000, RMID: 0, SET: 1, STAT: 2 } as const;
const SHM_LOCK = 11;
const SIZE = 112;
const NEXT_ID = "/proc/sys/kernel/shm_next_id";
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;

export interface SegmentStat {
  readonly key: number;
  readonly uid: number;
  readonly gid: number;
  /** Who made it. */
  readonly cuid: number;
  readonly cgid: number;
  readonly cpid: number;
  /** Permissions and `SHM_MODE`. */
  readonly mode: number;
  /** Bytes, as asked for. */
  readonly size: number;
  /** How many areas of processes are it. */
  readonly attached: number;
}

/** What the kernel knows of a segment of our ipc namespace, or undefined where there is none. */
export function statSegment(id: number): SegmentStat | undefined {
  const view = new DataView(new ArrayBuffer(SIZE));
  if (sys(NR.shmctl, id, IPC.STAT, addressOf(view)) < 0) return undefined;
  const [key = 0, uid = 0, gid = 0, cuid = 0, cgid = 0] = [0, 4, 8, 12, 16].map((at) => view.getUint32(at, true));
  return {
    key,
    uid,
    gid,
    cuid,
    cgid,
    cpid: view.getInt32(80, true),
    mode: view.getUint16(20, true),
    size: Number(view.getBigUint64(48, true)),
    attached: Number(view.getBigUint64(88, true)),
  };
}

/** The id of the segment with this key; undefined where there is none. */
export function segmentOfKey(key: number): number | undefined {
  const id = key === 0 ? -1 : sys(NR.shmget, key | 0, 0, 0);
  return id < 0 ? undefined : id;
}

/** Sets owner and permissions. */
export function setSegment(id: number, owner: Pick<SegmentStat, "uid" | "gid" | "mode">): void {
  const view = new DataView(new ArrayBuffer(SIZE));
  view.setUint32(4, owner.uid, true);
  view.setUint32(8, owner.gid, true);
  view.setUint16(20, owner.mode & SHM_MODE.PERMISSIONS, true);
  check(sys(NR.shmctl, id, IPC.SET, addressOf(view)), "cannot set the owner of a shared memory segment", { id });
  if (owner.mode & SHM_MODE.LOCKED)
    check(sys(NR.shmctl, id, SHM_LOCK, 0), "cannot lock a shared memory segment", { id }, "run as root");
}

/** The call that removes a segment: now, or when its last user lets go of it. */
export function removal(id: number): { nr: number; args: number[] } {
  return { nr: NR.shmctl, args: [id, IPC.RMID, 0] };
}

export function removeSegment(id: number): void {
  sys(NR.shmctl, id, IPC.RMID, 0);
}

/** Attaches a segment to ourselves, for reading and writing. */
export function attachSegment(id: number): number {
  return check(sys(NR.shmat, id, 0, 0), "cannot attach a shared memory segment", { id });
}

export function detachSegment(address: number): void {
  sys(NR.shmdt, address);
}

function setNextId(id: number): number {
  const fd = tryOpen(NEXT_ID, O.WRONLY);
  if (fd < 0) return fd;
  const put = tryWrite(fd, new TextEncoder().encode(String(id)));
  closeFd(fd);
  return put;
}

/** Runs `make` as this user and group: who makes a segment is remembered and cannot be set. */
function asUser(uid: number, gid: number, make: () => number): number {
  const own = sys(NR.getuid);
  const ownGroup = sys(NR.getgid);
  if (uid === own && gid === ownGroup) return make();
  const dumpable = sys(NR.prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
  // only this thread changes, and only for one call; where it may not, the segment is ours
  sys(NR.setresgid, -1, gid, -1);
  sys(NR.setresuid, -1, uid, -1);
  try {
    return make();
  } finally {
    sys(NR.setresuid, -1, own, -1);
    sys(NR.setresgid, -1, ownGroup, -1);
    sys(NR.prctl, PR_SET_DUMPABLE, dumpable, 0, 0, 0);
  }
}

/**
 * Makes a segment with this id, empty.
 * @param flags SHM_HUGETLB with the code of the page size, SHM_NORESERVE
 * @throws CrError when somebody else has the id
 */
export function makeSegment(
  id: number,
  { key, cuid, cgid, size, mode }: Pick<SegmentStat, "key" | "cuid" | "cgid" | "size" | "mode">,
  flags: number,
): void {
  const subject: Subject = { id, key: `0x${key.toString(16)}` };
  check(
    setNextId(id),
    "cannot choose the id of a shared memory segment",
    { ...subject, path: NEXT_ID },
    "run as root, or with CAP_CHECKPOINT_RESTORE, on a kernel with CONFIG_CHECKPOINT_RESTORE",
  );
  const how = (mode & SHM_MODE.PERMISSIONS) | flags | IPC.CREAT | IPC.EXCL;
  const make = () => sys(NR.shmget, key | 0, size, how);
  // huge pages are for the privileged
  const made = flags & SHM.HUGETLB ? make() : asUser(cuid, cgid, make);
  if (made < 0) setNextId(-1);
  const remedy = flags & SHM.HUGETLB ? "set huge pages aside: /proc/sys/vm/nr_hugepages" : "sysctl kernel.shmmax";
  check(made, "cannot make a shared memory segment", subject, remedy);
  if (made === id) return;
  removeSegment(made);
  throw new CrError("somebody else has the id of a shared memory segment", {
    code: "EEXIST",
    subject,
    remedy: "remove it (ipcrm -m), or restore in an ipc namespace of its own",
  });
}
