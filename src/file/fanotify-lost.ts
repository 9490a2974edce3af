/**
 * Events that nobody has read cannot be put into a queue. As for inotify the queue is filled, until the kernel itself says that
 * some are lost (FAN_Q_OVERFLOW), and all that is in front of that is taken out again.
 */
import { CrError } from "../error.ts";
import { closeFd, readable, tryRead } from "../kernel/fd.ts";
import { makeTmpfs } from "../kernel/mount.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { FAN_EVENT, FAN_MARK } from "../kernel/uapi/event.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";

/** struct fanotify_event_metadata: where its length and its descriptor stand. */
const EVENT = { size: 24, length: 0, fd: 16 };
const CHUNK = 64 * 1024;
/** Events between two looks at the queue. */
const BATCH = 1024;
/** More than this many is not tried: fs.fanotify.max_queued_events is 16384 where nobody has set it. */
const MOST = 1 << 18;

/** Reads events away, and closes what comes with them. What was read, or the negative errno. */
export function throwAway(group: number, most = CHUNK): number {
  const bytes = new Uint8Array(Math.min(most, CHUNK));
  const view = new DataView(bytes.buffer);
  const got = tryRead(group, bytes);
  for (let at = 0; at + EVENT.size <= got; at += Math.max(EVENT.size, view.getUint32(at + EVENT.length, true))) {
    const fd = view.getInt32(at + EVENT.fd, true);
    if (fd >= 0) closeFd(fd);
  }
  return got;
}

const waiting = (group: number) => readable(group) / EVENT.size;

/** With no more room than the first event takes. */
function throwOneAway(group: number): void {
  for (let size = EVENT.size; size < CHUNK; size += 4) if (throwAway(group, size) > 0) return;
  throw new CrError("fanotify events cannot be read", { subject: { fd: group } });
}

/** Opens one file after the other of a file system of our own: events of one file would be one. */
function fill(group: number, mount: number): void {
  for (let made = 0; made < MOST; ) {
    const before = readable(group);
    for (const end = made + BATCH; made < end; made++) {
      const name = cstring(String(made));
      const fd = sys(NR.openat, mount, addressOf(name), O.CREAT | O.RDONLY | O.CLOEXEC, 0o600);
      closeFd(check(fd, "cannot make a file of our own"));
    }
    if (readable(group) - before < BATCH * EVENT.size) return;
  }
  throw new CrError("the queue of a fanotify group does not become full", {
    code: "ENOSPC",
    remedy: `lower /proc/sys/fs/fanotify/max_queued_events below ${MOST}`,
  });
}

/** Puts FAN_Q_OVERFLOW into a queue in which nothing else is worth reading. */
export function tellOfLoss(group: number): void {
  const mount = makeTmpfs("cannot make a file system of our own");
  const name = cstring(`/proc/self/fd/${mount}`);
  const mark = (how: number) =>
    sys(NR.fanotify_mark, group, how | FAN_MARK.FILESYSTEM, FAN_EVENT.OPEN, AT.FDCWD, addressOf(name));
  try {
    check(mark(FAN_MARK.ADD), "cannot watch a file system of our own");
    try {
      fill(group, mount);
    } finally {
      mark(FAN_MARK.REMOVE);
    }
    // the kernel counts no more than the least that an event takes
    for (let count = waiting(group); count > 1; count = waiting(group))
      if (throwAway(group, (count - 1) * EVENT.size) <= 0) throwOneAway(group);
  } finally {
    closeFd(mount);
  }
}
