/** System V shared memory: shmget(2), shmctl(2). Source of the layout: asm-generic/shmbuf.h, linux/shm.h. */
import type { Caller } from "./envoy.ts";
import { NR } from "./nr.ts";
import { addressOf, check, sys } from "./sys.ts";
import { IPC, makeObject, type Owner, readOwner, writeOwner } from "./sysv.ts";

/** Flags of shmget(2) and shmat(2). */
export const SHM = { HUGETLB: 0o4000, NORESERVE: 0o10000, RDONLY: 0o10000, EXEC: 0o100000 } as const;
/** Bits that IPC_STAT adds to the mode: it goes with its last user; it is locked in memory. */
export const SHM_MODE = { DEST: 0o1000, LOCKED: 0o2000 } as const;

const SHM_LOCK = 11;
const SIZE = 112;

export interface SegmentStat extends Owner {
  /** Pid of who made it. */
  readonly cpid: number;
  /** Bytes, as asked for. */
  readonly size: number;
  /** How many areas of processes are it. */
  readonly attached: number;
}

/** What the kernel knows of a segment, or undefined where there is none. */
export function statSegment(id: number, call: Caller = sys): SegmentStat | undefined {
  const view = new DataView(new ArrayBuffer(SIZE));
  if (call(NR.shmctl, id, IPC.STAT, addressOf(view)) < 0) return undefined;
  return {
    ...readOwner(view),
    cpid: view.getInt32(80, true),
    size: Number(view.getBigUint64(48, true)),
    attached: Number(view.getBigUint64(88, true)),
  };
}

/** The id of the segment with this key; undefined where there is none. */
export function segmentOfKey(key: number, call: Caller = sys): number | undefined {
  const id = key === 0 ? -1 : call(NR.shmget, key | 0, 0, 0);
  return id < 0 ? undefined : id;
}

/** Sets owner and permissions. */
export function setSegment(id: number, owner: Pick<Owner, "uid" | "gid" | "mode">, call: Caller): void {
  const view = new DataView(new ArrayBuffer(SIZE));
  writeOwner(view, owner);
  check(call(NR.shmctl, id, IPC.SET, addressOf(view)), "cannot set the owner of a shared memory segment", { id });
  if (owner.mode & SHM_MODE.LOCKED)
    check(call(NR.shmctl, id, SHM_LOCK, 0), "cannot lock a shared memory segment", { id }, "run as root");
}

/** The call that removes a segment of our own ipc namespace: now, or when its last user lets go of it. */
export function removal(id: number): { nr: number; args: number[] } {
  return { nr: NR.shmctl, args: [id, IPC.RMID, 0] };
}

export function removeSegment(id: number, call: Caller = sys): void {
  call(NR.shmctl, id, IPC.RMID, 0);
}

/** Attaches a segment to ourselves: for reading and writing, or with SHM.RDONLY. */
export function attachSegment(id: number, flags: number, call: Caller): number {
  return check(call(NR.shmat, id, 0, flags), "cannot attach a shared memory segment", { id });
}

export function detachSegment(address: number): void {
  sys(NR.shmdt, address);
}

/**
 * Makes a segment with this id, empty.
 * @param flags SHM_HUGETLB with the code of the page size, SHM_NORESERVE
 * @throws CrError when somebody else has the id
 */
export function makeSegment(id: number, owner: Owner, size: number, flags: number, call: Caller): void {
  const isHuge = (flags & SHM.HUGETLB) !== 0;
  makeObject(
    {
      kind: "shm",
      id,
      owner,
      get: (how) => call(NR.shmget, owner.key | 0, size, how | flags),
      remove: (made) => removeSegment(made, call),
      // huge pages are for the privileged
      isPrivileged: isHuge,
      remedy: isHuge ? "set huge pages aside: /proc/sys/vm/nr_hugepages" : "see the limits: ipcs -l -m",
    },
    call,
  );
}
