import { makeDev } from "../kernel/stat.ts";
import { O } from "../kernel/uapi/fcntl.ts";

/** A character device that keeps nothing per descriptor: opened again by its path it is the same. */
interface Device {
  readonly path: string;
  readonly major: number;
  readonly minor: number;
  /** The open flags with which it keeps nothing; all when left out. */
  readonly access?: (flags: number) => boolean;
}

const writeOnly = (flags: number) => (flags & O.ACCMODE) === O.WRONLY;

/** By Documentation/admin-guide/devices.txt of the kernel. */
const DEVICES: readonly Device[] = [
  { path: "/dev/mem", major: 1, minor: 1 },
  { path: "/dev/null", major: 1, minor: 3 },
  { path: "/dev/port", major: 1, minor: 4 },
  { path: "/dev/zero", major: 1, minor: 5 },
  { path: "/dev/full", major: 1, minor: 7 },
  { path: "/dev/random", major: 1, minor: 8 },
  { path: "/dev/urandom", major: 1, minor: 9 },
  // a reader has its own place in the log, a writer has none
  { path: "/dev/kmsg", major: 1, minor: 11, access: writeOnly },
  { path: "/dev/hwrng", major: 10, minor: 183 },
  { path: "/dev/mapper/control", major: 10, minor: 236 },
  { path: "/dev/loop-control", major: 10, minor: 237 },
];

/** Majors whose devices are all of that sort: /dev/cpu/N/msr and /dev/cpu/N/cpuid. */
const MAJORS: ReadonlySet<number> = new Set([202, 203]);

const byNumber = new Map(DEVICES.map((device) => [makeDev(device.major, device.minor), device]));

/** Whether a character device opened with these flags comes back by opening its path. */
export function isStateless(rdev: number, flags: number): boolean {
  if (MAJORS.has(Math.floor(rdev / 0x100000))) return true;
  const device = byNumber.get(rdev);
  return device !== undefined && (device.access?.(flags) ?? true);
}

/** Where a device usually lies; undefined for those that are not in the table. */
export function usualPath(rdev: number): string | undefined {
  return byNumber.get(rdev)?.path;
}

/** Where a device usually lies that was elsewhere under the same last name (`/chroot/dev/null`). */
export function usualPathByName(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf("/"));
  return DEVICES.find((device) => device.path.endsWith(name))?.path;
}
