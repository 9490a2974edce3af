import { dirname } from "node:path";
import { CrError } from "../../error.ts";
import { ProcDir } from "./read.ts";
import { parseStat } from "./stat.ts";

/** The text of /proc/PID/task/TID/children: pids, in the order of birth. */
export function parseChildren(text: string): number[] {
  // most threads have none
  if (text === "") return [];
  return text.split(" ").filter(Boolean).map(Number);
}

/** For kernels without CONFIG_PROC_CHILDREN: everybody in this mount of proc is asked for their parent. */
export function childrenByParent(parent: number, root: string): number[] {
  using proc = new ProcDir(parent, root);
  return proc.list(".").filter((pid) => {
    try {
      return parseStat(proc.text(`${pid}/stat`)).ppid === parent;
    } catch (error) {
      if (error instanceof CrError && (error.code === "ESRCH" || error.code === "ENOENT")) return false;
      throw error;
    }
  });
}

/**
 * The children of a process, zombies too: those of all of its threads. The answer is exact only while the process and
 * its children are frozen (proc_tid_children(5)).
 * @param tids its threads, where they are known
 */
export function readChildren(dir: ProcDir, tids = dir.list("task")): number[] {
  // the leader's directory is there as long as the process is, so a missing file means a kernel without it
  const first = dir.optional(`task/${dir.pid}/children`);
  if (first === undefined) return childrenByParent(dir.pid, dirname(dir.path));
  return tids.flatMap((tid) => parseChildren(tid === dir.pid ? first : (dir.optional(`task/${tid}/children`) ?? "")));
}
