import type { ProcDir } from "./read.ts";

/** The text of /proc/PID/task/TID/children: pids, in the order of birth. */
export function parseChildren(text: string): number[] {
  return text.split(" ").filter(Boolean).map(Number);
}

/**
 * The children of a process, zombies too: those of all of its threads. The list is exact only while the process and its
 * children are frozen (proc_tid_children(5)); undefined where the kernel has no such file (CONFIG_PROC_CHILDREN).
 */
export function readChildren(dir: ProcDir): number[] | undefined {
  const pids: number[] = [];
  for (const tid of dir.list("task")) {
    const text = dir.optional(`task/${tid}/children`);
    if (text === undefined) return undefined;
    pids.push(...parseChildren(text));
  }
  return pids;
}
