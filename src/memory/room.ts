/** Room for long images of pages. */
import { NR } from "../kernel/nr.ts";
import { addressOf, sys } from "../kernel/sys.ts";

/** From so many bytes on an image of pages is long. */
export const LONG = 16 << 20;
/** File system by f_type of statfs(2). */
const TMPFS = 0x01021994n;

/**
 * Tells how long a file will be, if it is to be long. Disk file systems then take it a quarter quicker; in memory files room
 * costs what it saves. What has no room, or cannot be asked, tells when it is written.
 */
export function makeRoom(fd: number, bytes: number): void {
  if (bytes < LONG) return;
  const statfs = new BigUint64Array(15);
  if (sys(NR.fstatfs, fd, addressOf(statfs)) === 0 && statfs[0] !== TMPFS) sys(NR.fallocate, fd, 0, 0, bytes);
}
