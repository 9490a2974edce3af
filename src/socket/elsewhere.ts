import { closeFd, tryIoctl } from "../kernel/fd.ts";
import { statFd, statPath } from "../kernel/stat.ts";
import { SIOC } from "../kernel/uapi/ioctl.ts";

/** Whether a socket lies in a network namespace that is not ours; unknown counts as no. */
export function isElsewhere(fd: number): boolean {
  const namespace = tryIoctl(fd, SIOC.GSKNS);
  if (namespace < 0) return false;
  const { ino } = statFd(namespace);
  closeFd(namespace);
  return ino !== statPath("/proc/self/ns/net")?.ino;
}
