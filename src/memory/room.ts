/** Room for long images of pages. */
import { NR } from "../kernel/nr.ts";
import { statFd } from "../kernel/stat.ts";
import { addressOf, cstring, sys } from "../kernel/sys.ts";

/** From so many bytes on an image of pages is long. */
export const LONG = 16 << 20;
/** File system by f_type of statfs(2). */
const TMPFS = 0x01021994n;

const statfs = new BigUint64Array(15);

function isInMemory(fd: number): boolean {
  return sys(NR.fstatfs, fd, addressOf(statfs)) === 0 && statfs[0] === TMPFS;
}

/** Whether the files of a directory lie in memory, where room is the memory itself. */
export function holdsMemory(directory: string): boolean {
  const path = cstring(directory);
  return sys(NR.statfs, addressOf(path), addressOf(statfs)) === 0 && statfs[0] === TMPFS;
}

/**
 * Tells how long a file will be, if it is to be long. Disk file systems then take it a quarter quicker; in memory files room
 * costs what it saves. What has no room, or cannot be asked, tells when it is written.
 */
export function makeRoom(fd: number, bytes: number): void {
  // it was made before, by a guess
  if (statFd(fd).size > 0) sys(NR.ftruncate, fd, bytes);
  else if (bytes >= LONG && !isInMemory(fd)) sys(NR.fallocate, fd, 0, 0, bytes);
}

/** The same for a guess, and in memory too: there it is half of the work, and nobody waits for it yet. */
export function makeRoomAhead(fd: number, bytes: number): void {
  sys(NR.fallocate, fd, 0, 0, bytes);
}
