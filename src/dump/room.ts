/** Room for the pages of a tree that still runs: what is done before the freeze nobody waits for. */
import type { ImageDirectory } from "../image/directory.ts";
import { holdsMemory, LONG, makeRoomAhead } from "../memory/room.ts";

/**
 * Sets a file aside for each process with much memory, where the images lie in memory themselves: getting that takes as long as
 * copying. On disks room costs nothing.
 * @param memory bytes of private memory by pid
 * @returns whether that took its time
 */
export function setRoomAside(images: ImageDirectory, memory: ReadonlyMap<number, number>, step: () => void): boolean {
  const large = [...memory].filter(([, bytes]) => bytes >= LONG);
  if (large.length === 0 || !holdsMemory(images.path)) return false;
  for (const [pid, bytes] of large) {
    makeRoomAhead(images.setAside(pid), bytes);
    step();
  }
  return true;
}
