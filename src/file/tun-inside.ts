/** What a tun device does not tell of itself, and the kernel knows: filters, and what it takes of its program's work. */
import { tryIoctl } from "../kernel/fd.ts";
import { lookInside } from "../kernel/inside.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { TUN } from "../kernel/uapi/ioctl.ts";

/** TUN_F_* of linux/if_tun.h by the bits of the kernel's features (linux/netdev_features.h). */
const OFFLOADS: readonly (readonly [bit: number, flag: number])[] = [
  [3, 0x01], // checksums
  [16, 0x02], // segments of TCP over IPv4
  [20, 0x04], // over IPv6
  [18, 0x08], // with ECN
];
const knownBits = () => OFFLOADS.reduce((sum, [bit]) => sum | (1n << BigInt(bit)), 0n);
/** Segments of UDP over both: one bit of the kernel's, which has moved. */
const OF_UDP = 0x20 | 0x40;

export interface Hidden {
  /** The classic program of a tap device that packets must pass, by instructions as the kernel has them. */
  readonly filter: Uint8Array;
  /** TUN_F_* */
  readonly offload: number;
  /** Words for what cannot be read, or made again. */
  readonly lost: string | undefined;
}

/** Of a descriptor that is attached; undefined where nobody may look. */
export function readHidden(fd: number): Hidden | undefined {
  return lookInside((inside) => {
    const queue = inside.file(fd).to("private_data", "tun_file");
    const device = queue?.to("tun", "tun_struct");
    if (queue === undefined || device === undefined) return { filter: new Uint8Array(), offload: 0, lost: undefined };
    const code = queue.in("sk", "sock").to("sk_filter", "sk_filter")?.to("prog", "bpf_prog");
    const classic = code?.to("orig_prog", "sock_fprog_kern");
    const filter = classic?.to("filter", "sock_filter")?.bytes(classic.short("len") * 8) ?? new Uint8Array();
    const features = device.long("set_features");
    const known = OFFLOADS.reduce((sum, [bit, flag]) => sum | ((features >> BigInt(bit)) & 1n ? flag : 0), 0);
    const programs = ["steering_prog", "filter_prog"].some((name) => device.long(name) !== 0n);
    const lost = programs
      ? "an eBPF program"
      : device.in("txflt", "tap_filter").int("count") !== 0
        ? "a filter of addresses (TUNSETTXFILTER)"
        : undefined;
    return { filter, offload: features & ~knownBits() ? known | OF_UDP : known, lost };
  });
}

/** @returns 0, or the negative errno */
export function attachFilter(fd: number, filter: Uint8Array): number {
  const fprog = new DataView(new ArrayBuffer(16));
  fprog.setUint16(0, filter.length >> 3, true);
  fprog.setBigUint64(8, BigInt(addressOf(filter)), true);
  return tryIoctl(fd, TUN.ATTACHFILTER, fprog);
}

/** @returns 0, or the negative errno */
export function setOffload(fd: number, offload: number): number {
  return sys(NR.ioctl, fd, TUN.SETOFFLOAD, offload);
}
