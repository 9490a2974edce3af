import { closeFd, fcntl, linkOf, readable, tryIoctl, tryOpen, tryRead, tryWrite } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { S_IFIFO, S_IFMT, statFd } from "../kernel/stat.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { EFD, EPOLL, EPOLL_CTL, EPOLL_EVENT, IN } from "../kernel/uapi/event.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { INOTIFY_IOC_SETNEXTWD, TFD_IOC_SET_TICKS } from "../kernel/uapi/ioctl.ts";

/** An empty pipe gets a byte; a full one more room. */
function pipe(fd: number, meanwhile: () => void): void {
  const both = tryOpen(`/proc/self/fd/${fd}`, O.RDWR | O.NONBLOCK);
  if (both < 0) return;
  const size = fcntl(both, F.GETPIPE_SZ, 0, "F_GETPIPE_SZ");
  const isEmpty = readable(both) === 0 && tryWrite(both, Uint8Array.of(0)) === 1;
  const isWider = !isEmpty && sys(NR.fcntl, both, F.SETPIPE_SZ, size * 2) > 0;
  meanwhile();
  if (isEmpty) tryRead(both, new Uint8Array(1));
  if (isWider) fcntl(both, F.SETPIPE_SZ, size, "cannot give a pipe its size");
  closeFd(both);
}

/** An epoll watches something that is ready. */
function epoll(fd: number, meanwhile: () => void): void {
  const ready = check(sys(NR.eventfd2, 1, EFD.CLOEXEC), "cannot make an eventfd");
  const event = new Uint8Array(EPOLL_EVENT.size);
  new DataView(event.buffer).setUint32(0, EPOLL.IN, true);
  const isAdded = sys(NR.epoll_ctl, fd, EPOLL_CTL.ADD, ready, addressOf(event)) === 0;
  meanwhile();
  if (isAdded) sys(NR.epoll_ctl, fd, EPOLL_CTL.DEL, ready, addressOf(event));
  closeFd(ready);
}

/** An inotify tells that a watch was removed. It has none of its own yet; their numbers shall begin where they did. */
function inotify(fd: number, meanwhile: () => void): void {
  const first = () => sys(NR.ioctl, fd, INOTIFY_IOC_SETNEXTWD, 1);
  if (first() !== 0) return;
  const root = cstring("/");
  const wd = sys(NR.inotify_add_watch, fd, addressOf(root), IN.DELETE_SELF);
  if (wd < 0) return;
  sys(NR.inotify_rm_watch, fd, wd);
  meanwhile();
  while (readable(fd) > 0 && tryRead(fd, new Uint8Array(4096)) > 0);
  first();
}

/**
 * Makes an idle file that is being restored ready for as long as `meanwhile` takes, if it is one that lets itself be: pipes,
 * epolls, inotifies, timers, which lose the tick again when they are set. Else `meanwhile` may not be called.
 */
export function whileReady(fd: number, meanwhile: () => void): void {
  const link = linkOf(fd);
  if ((statFd(fd).mode & S_IFMT) === S_IFIFO) pipe(fd, meanwhile);
  else if (link === "anon_inode:[eventpoll]") epoll(fd, meanwhile);
  else if (link === "anon_inode:inotify") inotify(fd, meanwhile);
  else if (tryIoctl(fd, TFD_IOC_SET_TICKS, new BigUint64Array([1n])) === 0) meanwhile();
}
