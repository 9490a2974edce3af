/**
 * Events that nobody has read cannot be put into a queue. What the kernel itself says where events are lost can: a queue that
 * is full ends in IN_Q_OVERFLOW, and stays so when all that is in front of it is taken out again.
 */
import { CrError } from "../error.ts";
import { closeFd, readable, tryRead } from "../kernel/fd.ts";
import { memoryFile } from "../kernel/loader.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { IN } from "../kernel/uapi/event.ts";
import { INOTIFY_IOC_SETNEXTWD } from "../kernel/uapi/ioctl.ts";

/** Bytes of an event without a name: `struct inotify_event`. */
const EVENT = 16;
/** Events between two looks at the queue. */
const BATCH = 4096;
/** More than this many is not tried: fs.inotify.max_queued_events is 16384 where nobody has set it. */
const MOST = 1 << 21;
const CHUNK = 64 * 1024;
/** Nanoseconds of a time that utimensat(2) sets to the present one, or leaves as it is. */
const [NOW, OMIT] = [(1n << 30n) - 1n, (1n << 30n) - 2n];

/** Fills the queue with events of a file of our own. Those that are alike would be one: so they differ by turns. */
function fill(fd: number, file: number): void {
  const access = new BigInt64Array([0n, NOW, 0n, OMIT]);
  const change = new BigInt64Array([0n, OMIT, 0n, NOW]);
  for (let made = 0; made < MOST; ) {
    const before = readable(fd);
    for (const end = made + BATCH; made < end; made++)
      sys(NR.utimensat, file, 0, addressOf(made % 2 === 0 ? access : change), 0);
    // the last one that fits is the overflow itself
    if (readable(fd) - before < BATCH * EVENT) return;
  }
  throw new CrError("the queue of an inotify does not become full", {
    code: "ENOSPC",
    remedy: `lower /proc/sys/fs/inotify/max_queued_events below ${MOST}`,
  });
}

/** Puts IN_Q_OVERFLOW into a queue in which nothing else is worth reading. */
export function tellOfLoss(fd: number): void {
  const file = memoryFile("tscriu-inotify", new Uint8Array(0), "map");
  try {
    const name = cstring(`/proc/self/fd/${file}`);
    const add = sys(NR.inotify_add_watch, fd, addressOf(name), IN.ACCESS | IN.MODIFY);
    const watch = check(add, "cannot watch a file of our own");
    try {
      fill(fd, file);
    } finally {
      // that this watch is gone finds no room any more
      sys(NR.inotify_rm_watch, fd, watch);
      // the program's next one gets the number that it would have got
      sys(NR.ioctl, fd, INOTIFY_IOC_SETNEXTWD, watch);
    }
  } finally {
    closeFd(file);
  }
  const buffer = new Uint8Array(CHUNK);
  for (let left = readable(fd) - EVENT; left > 0; ) {
    const got = tryRead(fd, buffer.subarray(0, Math.min(CHUNK, left)));
    left -= check(got, "cannot read inotify events", { fd });
  }
}
