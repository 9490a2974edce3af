/** Open files without O_LARGEFILE, as 32-bit programs have them: what they write ends at 2 GiB. */
import { readlinkSync } from "node:fs";
import { closeFd, F } from "./fd.ts";
import { RemoteMemory } from "./memory.ts";
import { NR } from "./nr.ts";
import { statFd } from "./stat.ts";
import { cstring, openAsI386, sys } from "./sys.ts";
import { O, SEEK } from "./uapi/fcntl.ts";
import { MAP, PROT } from "./uapi/mman.ts";

const SIZE = 4096;

/** A link of /proc is none that O_NOFOLLOW would open: then it is the file's own name. */
function nameOf(fd: number, flags: number): string {
  const link = `/proc/self/fd/${fd}`;
  return flags & O.NOFOLLOW ? readlinkSync(link) : link;
}

function isSame(one: number, other: number): boolean {
  const [a, b] = [statFd(one), statFd(other)];
  return a.dev === b.dev && a.ino === b.ino;
}

/**
 * Opens what our descriptor is open on anew, without O_LARGEFILE, and puts that at its number; the position stays. Where that
 * does not go (the file has outgrown it, or can be opened once) it stays as it is. The kernel must run 32-bit programs.
 */
export function makeSmall(fd: number): void {
  const flags = sys(NR.fcntl, fd, F.GETFL, 0);
  if (flags < 0 || (flags & O.LARGEFILE) === 0) return;
  const low = sys(NR.mmap, 0, SIZE, PROT.READ | PROT.WRITE, MAP.PRIVATE | MAP.ANONYMOUS | MAP["32BIT"], -1, 0);
  if (low < 0) return;
  try {
    using own = new RemoteMemory(process.pid);
    const name = cstring(nameOf(fd, flags));
    if (name.length > SIZE) return;
    own.write(low, name);
    const fresh = openAsI386(low, (flags & ~O.LARGEFILE) | O.NOCTTY | O.CLOEXEC);
    if (fresh < 0) return;
    if (!isSame(fresh, fd)) {
      closeFd(fresh);
      return;
    }
    const at = sys(NR.lseek, fd, 0, SEEK.CUR);
    if (at > 0) sys(NR.lseek, fresh, at, SEEK.SET);
    sys(NR.dup3, fresh, fd, O.CLOEXEC);
    closeFd(fresh);
  } finally {
    sys(NR.munmap, low, SIZE);
  }
}
