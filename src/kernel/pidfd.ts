import { NR } from "./nr.ts";
import { check, sys } from "./sys.ts";

const PIDFD_THREAD = 0o200;
const EINVAL = -22;
const ENOENT = -2;

/**
 * A descriptor for a process (pidfd_open(2)), close-on-exec, or for a thread that is not its process's first (from Linux 6.9 on).
 * The caller closes it.
 */
export function pidfdOpen(pid: number): number {
  const made = sys(NR.pidfd_open, pid, 0);
  const fd = made === EINVAL || made === ENOENT ? sys(NR.pidfd_open, pid, PIDFD_THREAD) : made;
  return check(fd, "cannot open the process", { pid });
}

/**
 * Our own duplicate of descriptor `fd` of the process: the same open file description, close-on-exec
 * (pidfd_getfd(2); needs ptrace permission). The caller closes it.
 * @throws CrError EBADF when the process has no such descriptor, ESRCH when it is gone
 */
export function pidfdGetfd(pidfd: number, fd: number): number {
  return check(sys(NR.pidfd_getfd, pidfd, fd, 0), "cannot take a duplicate of a descriptor", { fd });
}

/** Sends a signal to exactly this process; false when it has ended already. */
export function pidfdSendSignal(pidfd: number, signal: number): boolean {
  const result = sys(NR.pidfd_send_signal, pidfd, signal, 0, 0);
  if (result === -3) return false;
  check(result, "cannot send a signal", { signal });
  return true;
}
