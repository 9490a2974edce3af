import { tryIoctl } from "../kernel/fd.ts";
import { SIOC } from "../kernel/uapi/ioctl.ts";

// struct ifreq: the name, then a union of 24 bytes
const IFREQ = 40;
const NAME = 16;

/** Name of a network interface in the namespace of socket `fd`; undefined when there is none of that number. */
export function interfaceName(fd: number, index: number): string | undefined {
  const request = new DataView(new ArrayBuffer(IFREQ));
  request.setInt32(NAME, index, true);
  if (tryIoctl(fd, SIOC.GIFNAME, request) < 0) return undefined;
  return Buffer.from(request.buffer, 0, NAME).toString().replace(/\0.*$/s, "");
}

/** Index of a network interface in the namespace of socket `fd`; undefined when there is none of that name. */
export function interfaceIndex(fd: number, name: string): number | undefined {
  const request = new DataView(new ArrayBuffer(IFREQ));
  new Uint8Array(request.buffer, 0, NAME - 1).set(Buffer.from(name).subarray(0, NAME - 1));
  return tryIoctl(fd, SIOC.GIFINDEX, request) < 0 ? undefined : request.getInt32(NAME, true);
}
