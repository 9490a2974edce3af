import { driverOf } from "../kernel/proc/devices.ts";
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
  { path: "/dev/kvm", major: 10, minor: 232 },
  { path: "/dev/btrfs-control", major: 10, minor: 234 },
  { path: "/dev/autofs", major: 10, minor: 235 },
  { path: "/dev/mapper/control", major: 10, minor: 236 },
  { path: "/dev/loop-control", major: 10, minor: 237 },
];

/** Drivers, as /proc/devices and /proc/misc call them, whose devices are all of that sort. */
const STATELESS: ReadonlySet<string> = new Set([
  "cpu/msr",
  "cpu/cpuid",
  // the text on a console, in which a descriptor has no more than a place
  "vcs",
  "misc/microcode",
  "misc/nvram",
  // doors: what they give has descriptors of its own
  "misc/vsock",
  "misc/userfaultfd",
  "misc/udmabuf",
]);

const byNumber = new Map(DEVICES.map((device) => [makeDev(device.major, device.minor), device]));

/** Whether a character device opened with these flags comes back by opening its path. */
export function isStateless(rdev: number, flags: number): boolean {
  const device = byNumber.get(rdev);
  if (device !== undefined) return device.access?.(flags) ?? true;
  const driver = driverOf(rdev);
  return driver !== undefined && STATELESS.has(driver);
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

const MONITOR = "save the machine with its own monitor";

/** Devices that keep something for each opener, by their drivers: what people call them, and what they can do. */
const KEEPING: readonly (readonly [driver: RegExp, what: string, remedy?: string])[] = [
  [
    /^(drm|nvidia|kfd|misc\/vga_arbiter)/,
    "a graphics card",
    "stop what draws or computes on it; the card's state is not in the kernel",
  ],
  [/^misc\/fuse$|^misc\/cuse$/, "the server side of a FUSE file system", "unmount that file system"],
  [/^macvtap$/, "the wire of a macvtap interface", "let the program close it before the dump"],
  [/^ppp$/, "a PPP connection", "close the connection before the dump"],
  [/^misc\/vhost|^misc\/vfio|^vfio/, "a device of a virtual machine", MONITOR],
  [/^(input|hidraw)$|^misc\/(uinput|uhid|rfkill)$/, "an input device"],
  [/^(alsa|sound)/, "a sound device"],
  [/^(video4linux|media|dvb|DVB|cec)/, "a camera or another media device"],
  [
    /^watchdog$|^misc\/watchdog/,
    "a watchdog timer, which a dump would let expire",
    "stop the watchdog before the dump (systemctl stop watchdog)",
  ],
  [/^rtc$|^misc\/rtc/, "a real-time clock, whose alarms and interrupts cannot be read"],
  [/^(ptp|pps)$|^misc\/hpet$/, "a clock of the machine, which keeps events for each opener"],
  [
    /^misc\/cpu_dma_latency$/,
    "a limit for how deep CPUs may sleep, which ends with its descriptor",
    "let the program close it; the limit can be set again by cpupower idle-set",
  ],
  [/^(i2c|spi|gpiochip|iio|usb_device)/, "a bus or a sensor that is set up for each opener"],
  [/^(sg|bsg|st|ch|tape)$/, "a tape or a device that is sent commands"],
  [/^mem$/, "the kernel log, open for reading"],
];

/** What a character device is that cannot be opened again. */
export function deviceAdvice(driver: string | undefined): { what: string; remedy: string | undefined } {
  const known = driver === undefined ? undefined : KEEPING.find(([pattern]) => pattern.test(driver));
  if (known) return { what: known[1], remedy: known[2] };
  const whose = driver === undefined ? "" : ` (driver ${driver.replace("misc/", "")})`;
  return { what: `a character device that keeps state for each opener${whose}`, remedy: undefined };
}
