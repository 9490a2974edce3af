/** Room for the pages of a tree that still runs: what is done before the freeze nobody waits for. */
import type { ImageDirectory } from "../image/directory.ts";
import { PAGE_SIZE } from "../kernel/memory.ts";
import { readChildren } from "../kernel/proc/children.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { holdsMemory, LONG, makeRoomAhead } from "../memory/room.ts";

/**
 * Sets a file aside for each process with much memory, where the images lie in memory themselves: getting that takes as long as
 * copying. On disks room costs nothing.
 */
export function setRoomAside(images: ImageDirectory, root: number, step: () => void): void {
  if (!holdsMemory(images.path)) return;
  for (const [pid, bytes] of memoryBelow(root)) {
    if (bytes < LONG) continue;
    makeRoomAhead(images.setAside(pid), bytes);
    step();
  }
}

/** Bytes of private memory by pid, as the kernel guesses them (proc_pid_statm(5)). */
function memoryBelow(pid: number, found = new Map<number, number>()): Map<number, number> {
  try {
    using dir = new ProcDir(pid);
    const [, resident = 0, shared = 0] = dir.text("statm").split(" ").map(Number);
    found.set(pid, (resident - shared) * PAGE_SIZE);
    for (const child of readChildren(dir)) memoryBelow(child, found);
  } catch {
    // it ended: the freeze will see
  }
  return found;
}
