import { ERRNO } from "./errno.ts";
import { NR } from "./nr.ts";
import { addressOf, check, sys } from "./sys.ts";

/** linux/kcmp.h */
export const KCMP = {
  FILE: 0,
  VM: 1,
  FILES: 2,
  FS: 3,
  SIGHAND: 4,
  IO: 5,
  SYSVSEM: 6,
  EPOLL_TFD: 7,
} as const;

/** What a comparison says: 0 the same, -1 or 1 for an order that stays the same until reboot, 2 unequal without order. */
export type Order = -1 | 0 | 1 | 2;

const WORDS: readonly Order[] = [0, -1, 1, 2];

/**
 * Compares a kernel object of two tasks (kcmp(2)).
 * @throws CrError ESRCH, EBADF, EPERM; ENOSYS where the kernel was built without it
 */
export function kcmp(pid1: number, pid2: number, type: number, index1 = 0, index2 = 0): Order {
  const result = sys(NR.kcmp, pid1, pid2, type, index1, index2);
  check(result, `cannot compare with process ${pid2}`, { pid: pid1 }, remedyFor(result));
  return WORDS[result] ?? 2;
}

function remedyFor(result: number): string | undefined {
  return result === -(ERRNO.ENOSYS ?? 38) ? "use a kernel with CONFIG_KCMP (CONFIG_CHECKPOINT_RESTORE)" : undefined;
}

/** Whether two descriptors, of the same or of different tasks, are one open file description. */
export function sameFile(pid1: number, fd1: number, pid2: number, fd2: number): boolean {
  return kcmp(pid1, pid2, KCMP.FILE, fd1, fd2) === 0;
}

/** The order of two descriptors' descriptions, for sorting and searching: less than, equal to or greater than 0. */
export function compareFiles(pid1: number, fd1: number, pid2: number, fd2: number): number {
  return kcmp(pid1, pid2, KCMP.FILE, fd1, fd2);
}

export function sameVm(pid1: number, pid2: number): boolean {
  return kcmp(pid1, pid2, KCMP.VM) === 0;
}

export function sameFiles(pid1: number, pid2: number): boolean {
  return kcmp(pid1, pid2, KCMP.FILES) === 0;
}

export function sameFs(pid1: number, pid2: number): boolean {
  return kcmp(pid1, pid2, KCMP.FS) === 0;
}

export function sameSighand(pid1: number, pid2: number): boolean {
  return kcmp(pid1, pid2, KCMP.SIGHAND) === 0;
}

/** Tasks that have no I/O context at all count as the same. */
export function sameIo(pid1: number, pid2: number): boolean {
  return kcmp(pid1, pid2, KCMP.IO) === 0;
}

/** Tasks without System V semaphore undo lists count as the same. */
export function sameSysvsem(pid1: number, pid2: number): boolean {
  return kcmp(pid1, pid2, KCMP.SYSVSEM) === 0;
}

const slot = new Uint32Array(new ArrayBuffer(12));

/**
 * Whether descriptor `fd` of `pid` is the description that epoll descriptor `epfd` of `epollPid` watches as number `tfd`.
 * @param offset which of several targets with that number, in fdinfo's order
 * @returns false too when the epoll has no such target
 */
export function epollTarget(pid: number, fd: number, epollPid: number, epfd: number, tfd: number, offset = 0): boolean {
  slot[0] = epfd;
  slot[1] = tfd;
  slot[2] = offset;
  const result = sys(NR.kcmp, pid, epollPid, KCMP.EPOLL_TFD, fd, addressOf(slot));
  if (result === -(ERRNO.ENOENT ?? 2)) return false;
  return check(result, "cannot compare with an epoll target", { pid, fd, epfd, tfd }, remedyFor(result)) === 0;
}

/** Whether this kernel compares files at all. */
export function hasKcmp(): boolean {
  return sys(NR.kcmp, process.pid, process.pid, KCMP.VM) === 0;
}
