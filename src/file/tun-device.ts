/** Calls that make tun and tap devices, and those that were made to stay and no program has open. */
import type { Subject } from "../error.ts";
import type { NetDeviceEntry, TunLinkEntry } from "../image/schema.gen.ts";
import { closeFd, openPath, tryIoctl } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { check, sys } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { TUN } from "../kernel/uapi/ioctl.ts";

/** struct ifreq: the name, then a union. */
export const IFREQ = 40;
export const NAME = 16;

/** What a device is made and opened with: TUN, TAP, NAPI, NAPI_FRAGS, MULTI_QUEUE, NO_PI, VNET_HDR. */
const KEPT_FLAGS = 0x1 | 0x2 | 0x10 | 0x20 | 0x100 | 0x1000 | 0x4000;

export function setNumber(fd: number, request: number, value: number): number {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setInt32(0, value, true);
  return tryIoctl(fd, request, bytes);
}

export function setInterface(fd: number, name: string, flags: number): number {
  const request = new DataView(new ArrayBuffer(IFREQ));
  new Uint8Array(request.buffer, 0, NAME - 1).set(Buffer.from(name).subarray(0, NAME - 1));
  request.setUint16(NAME, flags & KEPT_FLAGS, true);
  return tryIoctl(fd, TUN.SETIFF, request);
}

const WHAT = "cannot make a tun device that stays";

/** Makes one that stays, in the network namespace that we are in, which goes with its tree. */
export function makeDeserted({ name, ifindex }: NetDeviceEntry, { flags, owner, group }: TunLinkEntry): void {
  const subject: Subject = { interface: name };
  const fd = openPath("/dev/net/tun", O.RDWR | O.CLOEXEC, WHAT);
  try {
    setNumber(fd, TUN.SETIFINDEX, ifindex);
    check(setInterface(fd, name, flags), WHAT, subject);
    if (owner !== -1) check(sys(NR.ioctl, fd, TUN.SETOWNER, owner), "cannot set the owner of a tun device", subject);
    if (group !== -1) check(sys(NR.ioctl, fd, TUN.SETGROUP, group), "cannot set the group of a tun device", subject);
    check(sys(NR.ioctl, fd, TUN.SETPERSIST, 1), WHAT, subject);
  } finally {
    closeFd(fd);
  }
}
