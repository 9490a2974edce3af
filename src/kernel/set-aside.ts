/**
 * Room that a file in memory has and nobody has written to (fallocate(2)), so that who writes there later does not find all room
 * taken. The kernel tells how much a file has, not where.
 */
import { NR } from "./nr.ts";
import { pageSize } from "./page-size.ts";
import { type FileStat, statFd } from "./stat.ts";
import { check, sys } from "./sys.ts";
import { FALLOC, SEEK } from "./uapi/fcntl.ts";

const BLOCK = 512;

/** Bytes of memory that a file has, for an image; undefined for none. */
export function roomOf({ blocks }: Pick<FileStat, "blocks">): { tscriu_room?: number } {
  return blocks === 0 ? {} : { tscriu_room: blocks * BLOCK };
}

/** Gives a file the room at a place that had some, whether it is written to or lies behind its end. Bytes. */
export function setAsideAt(fd: number, { offset, length }: { offset: number; length: number }, path: string): void {
  const what = "cannot set room aside for a file that had some";
  check(
    sys(NR.fallocate, fd, FALLOC.KEEP_SIZE, offset, length),
    what,
    { path, bytes: length },
    "make room on the file system",
  );
}

/**
 * Gives a file that has its content the rest of its room: holes first, from the beginning, and then what lies behind its end.
 * @param room bytes
 */
export function setAside(fd: number, room: number, path: string): void {
  const { size, blocks } = statFd(fd, { path });
  let missing = room - blocks * BLOCK;
  const page = pageSize();
  const end = Math.ceil(size / page) * page;
  for (let at = 0; missing > 0; ) {
    const hole = at >= size ? -1 : sys(NR.lseek, fd, at, SEEK.HOLE);
    const start = hole < 0 || hole >= size ? end : hole;
    const data = start === end ? -1 : sys(NR.lseek, fd, start, SEEK.DATA);
    const length = Math.min(missing, start === end ? missing : (data < 0 ? end : data) - start);
    const what = "cannot set memory aside for a file that had some";
    check(sys(NR.fallocate, fd, FALLOC.KEEP_SIZE, start, length), what, { path, bytes: length }, "make room in memory");
    missing -= length;
    at = start + length;
  }
  sys(NR.lseek, fd, 0, SEEK.SET);
}
