import type { CrError } from "../error.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, makePipe } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, spawn, sys, sysError } from "../kernel/sys.ts";

const SIGCHLD = 17;
const SIGKILL = 9;
const STACK = 64 * 1024;
const EEXIST = -(ERRNO.EEXIST ?? 17);
const EINTR = -(ERRNO.EINTR ?? 4);
/** wait4(2): children of any kind. */
const WALL = 0x4000_0000;

function refusal(result: number, pid: number): CrError {
  const remedy =
    result === EEXIST
      ? "another process has this pid: end it, or restore in a pid namespace of its own"
      : "run as root, or with CAP_CHECKPOINT_RESTORE";
  return sysError(result, "cannot make a process for an open file of /proc whose task had ended", { pid }, remedy);
}

/**
 * Does something while a process with this pid exists: it does nothing, and is ended and reaped afterwards. What was opened
 * of it in /proc stays open and belongs to a dead process.
 * @throws CrError EEXIST when the pid is taken
 */
export function withProcess<T>(pid: number, action: () => T): T {
  const tids = new Int32Array([pid]);
  const stack = new Uint8Array(new ArrayBuffer(STACK));
  const top = addressOf(stack) + STACK;
  // it waits for the gate, which nobody opens
  const [gate, end] = makePipe();
  try {
    const made = spawn(SIGCHLD, addressOf(tids), 1, -1, gate, top - (top % 16));
    if (made < 0) throw refusal(made, pid);
    try {
      return action();
    } finally {
      sys(NR.kill, made, SIGKILL);
      while (sys(NR.wait4, made, 0, WALL, 0) === EINTR);
      // its stack is ours and was in use until now
      stack.fill(0, 0, 1);
    }
  } finally {
    closeFd(gate);
    closeFd(end);
  }
}
