/** What /proc tells of tasks that may go at any time. */
import { CrError } from "../error.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type ProcStatus, parseStatus } from "../kernel/proc/status.ts";

/** What a process is called, such as gdb or strace. */
export function nameOf(pid: number): string | undefined {
  try {
    using dir = new ProcDir(pid);
    return dir.text("comm").trim();
  } catch {
    return undefined;
  }
}

/** Undefined when the thread has gone meanwhile. */
export function statusOf(pid: number, tid: number): ProcStatus | undefined {
  try {
    using thread = new ProcDir(tid, `/proc/${pid}/task/${tid}`);
    return parseStatus(thread.text("status"));
  } catch (error) {
    if (error instanceof CrError && error.code === "ESRCH") return undefined;
    throw error;
  }
}
