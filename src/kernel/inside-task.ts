import { closeFd } from "./fd.ts";
import type { Inside, KernelObject } from "./inside.ts";
import { pidfdOpen } from "./pidfd.ts";

/** The task behind a number of our pid namespace. */
export function taskOf(inside: Inside, tid: number): KernelObject | undefined {
  const fd = pidfdOpen(tid);
  try {
    const file = inside.file(fd);
    // since Linux 6.9 its inode says whose it is
    const pid = file.to("private_data", "pid") ?? file.to("f_inode", "inode")?.to("i_private", "pid");
    // of the lists of tasks the first is that of the number itself
    const link = pid?.in("tasks", "hlist_head").to("first", "hlist_node");
    const offset = BigInt(inside.offsetOf("task_struct", "pid_links"));
    return link && inside.object(link.address - offset, "task_struct");
  } finally {
    closeFd(fd);
  }
}
