import type { Subject } from "../error.ts";
import { ERRNO } from "./errno.ts";
import { NR } from "./nr.ts";
import { addressOf, check, cstring, sys } from "./sys.ts";
import { F, O } from "./uapi/fcntl.ts";
import { FIO } from "./uapi/ioctl.ts";

export { F, O };

/** Events of poll(2). */
export const POLL = { IN: 1, PRI: 2, OUT: 4, ERR: 8, HUP: 0x10, RDHUP: 0x2000 } as const;

const SPLICE_F_NONBLOCK = 2;
const AT_FDCWD = -100;
const EINTR = -(ERRNO.EINTR ?? 4);
const EAGAIN = -(ERRNO.EAGAIN ?? 11);

/** Opens a path (close-on-exec), or says why not. The caller closes the descriptor. */
export function openPath(path: string, flags: number, what = "cannot open", mode = 0, remedy?: string): number {
  return check(tryOpen(path, flags, mode), what, { path }, remedy);
}

/** As `openPath`, but returns the negative errno. `dir` is a directory's descriptor for relative paths. */
export function tryOpen(path: string, flags: number, mode = 0, dir = AT_FDCWD): number {
  const name = cstring(path);
  for (;;) {
    const fd = sys(NR.openat, dir, addressOf(name), flags | O.CLOEXEC, mode);
    if (fd !== EINTR) return fd;
  }
}

// linux/openat2.h
const RESOLVE = { NO_XDEV: 1, NO_MAGICLINKS: 2, IN_ROOT: 0x10 } as const;
/** What openat2(2) takes at all, and beside O_PATH. */
const openFlags = () => Object.values(O).reduce((all, flag) => all | flag, 0);
const WITH_PATH = O.PATH | O.DIRECTORY | O.NOFOLLOW;
const TRIES = 100;

/**
 * Opens a path as if `root`, a directory, were the root: neither `..` nor links lead out of it, and links of /proc are not
 * followed (openat2(2)). Close-on-exec; the caller closes it.
 * @param oneMount neither do mounts below it
 * @returns the descriptor, or the negative errno: ELOOP for a link of /proc, EXDEV for another mount
 */
export function openBelow(root: number, path: string, flags: number, mode = 0, oneMount = false): number {
  const name = cstring(path === "" ? "." : path);
  const kept = flags & ((flags & O.PATH) !== 0 ? WITH_PATH : openFlags());
  const resolve = RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS | (oneMount ? RESOLVE.NO_XDEV : 0);
  const how = new BigUint64Array([BigInt(kept | O.CLOEXEC), BigInt(mode), BigInt(resolve)]);
  for (let tries = 0; ; tries++) {
    const fd = sys(NR.openat2, root, addressOf(name), addressOf(how), how.byteLength);
    // EAGAIN: something was renamed meanwhile, and the kernel cannot tell whether that led out; or a lease is being broken
    if (fd !== EINTR && (fd !== EAGAIN || tries >= TRIES)) return fd;
  }
}

/** A new description of what our descriptor `fd` is open on. The caller closes it. */
export function reopen(
  fd: number,
  flags: number,
  what = "cannot open a descriptor anew",
  subject: Subject = {},
): number {
  return check(tryOpen(`/proc/self/fd/${fd}`, flags), what, subject);
}

/** To read what somebody else goes on with, who shall not see that: only the file's owner, or who may act as such, can have it so. */
export function reopenToRead(fd: number, what: string, subject: Subject = {}): number {
  const quiet = tryOpen(`/proc/self/fd/${fd}`, O.RDONLY | O.NOATIME);
  return quiet >= 0 ? quiet : reopen(fd, O.RDONLY, what, subject);
}

export function closeFd(fd: number): void {
  sys(NR.close, fd);
}

/** Another number for the same description, close-on-exec. The caller closes it. */
export function dupFd(fd: number, what = "cannot duplicate a descriptor", subject: Subject = {}): number {
  return check(sys(NR.fcntl, fd, F.DUPFD_CLOEXEC, 0), what, subject);
}

export function fcntl(fd: number, command: number, arg: number, what: string, subject: Subject = {}): number {
  return check(sys(NR.fcntl, fd, command, arg), what, subject);
}

/** Target of /proc/self/fd/N: where a descriptor of ours leads. */
export function linkOf(fd: number): string {
  const name = cstring(`/proc/self/fd/${fd}`);
  const out = new Uint8Array(4096);
  const size = check(sys(NR.readlinkat, AT_FDCWD, addressOf(name), addressOf(out), out.length), "cannot read a link", {
    fd,
  });
  return Buffer.from(out.buffer, 0, size).toString();
}

/** ioctl(2) that works on memory or takes nothing; the negative errno when it fails. */
export function tryIoctl(fd: number, request: number, arg?: ArrayBufferView): number {
  return sys(NR.ioctl, fd, request, arg === undefined ? 0 : addressOf(arg));
}

/** ioctl(2) that stores an int; the negative errno when it fails, so only for ints that are never negative. */
export function ioctlInt(fd: number, request: number): number {
  const value = new Int32Array(1);
  const result = tryIoctl(fd, request, value);
  return result < 0 ? result : (value[0] ?? 0);
}

/** Bytes that can be read at once: FIONREAD. */
export function readable(fd: number, subject: Subject = {}): number {
  return check(ioctlInt(fd, FIO.NREAD), "cannot ask how many bytes are queued", subject);
}

/** Both ends of a new pipe, close-on-exec: read end, write end. The caller closes them. */
export function makePipe(flags = 0): [number, number] {
  const ends = new Int32Array(2);
  check(sys(NR.pipe2, addressOf(ends), flags | O.CLOEXEC), "cannot make a pipe");
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** One read(2): how many bytes came, or the negative errno. */
export function tryRead(fd: number, into: Uint8Array): number {
  for (;;) {
    const got = sys(NR.read, fd, addressOf(into), into.length);
    if (got !== EINTR) return got;
  }
}

/** One write(2): how many bytes went, or the negative errno. */
export function tryWrite(fd: number, bytes: Uint8Array): number {
  for (;;) {
    const put = sys(NR.write, fd, addressOf(bytes), bytes.length);
    if (put !== EINTR) return put;
  }
}

/** Copies what is in one pipe to another without consuming it (tee(2)); how many bytes, or the negative errno. */
export function tryTee(from: number, to: number, bytes: number): number {
  return sys(NR.tee, from, to, bytes, SPLICE_F_NONBLOCK);
}

/** Moves bytes to or from a pipe (splice(2)): how many, or the negative errno. */
export function trySplice(from: number, to: number, bytes: number): number {
  return sys(NR.splice, from, 0, to, 0, bytes, SPLICE_F_NONBLOCK);
}

/** What poll(2) says of a descriptor right now. */
export function pollNow(fd: number, events: number): number {
  const entry = new DataView(new ArrayBuffer(8));
  const none = new BigInt64Array(2);
  entry.setInt32(0, fd, true);
  entry.setInt16(4, events, true);
  for (;;) {
    const result = sys(NR.ppoll, addressOf(entry), 1, addressOf(none), 0, 0);
    if (result === EINTR) continue;
    check(result, "cannot poll a descriptor", { fd });
    return entry.getUint16(6, true);
  }
}
