/** Packets that wait in a tun device for their program. They are taken out, and put back as the kernel puts them there: sent. */
import type { Subject } from "../error.ts";
import { closeFd, POLL, pollNow } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { makeSocket, tryBind, trySend, trySetNumber } from "../kernel/socket.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { AF, PACKET, SOCK, SOL } from "../kernel/uapi/socket.ts";

// linux/if_tun.h
export const IFF = { TAP: 2, NO_PI: 0x1000, VNET_HDR: 0x4000 } as const;
/** struct tun_pi: flags, protocol. */
export const PI = 4;
/** struct virtio_net_hdr: a device may have a longer one, whose end says nothing here. */
export const VNET_HDR = 10;
/** Bytes: the longest packet, headers, and what segments may be joined to. */
const LONGEST = 256 * 1024;
const ETHERTYPE = { IPV4: 0x0800, IPV6: 0x86dd } as const;

/** How a device hands out packets. */
export interface Wire {
  readonly index: number;
  readonly flags: number;
  /** Bytes of the header that IFF_VNET_HDR puts before each. */
  readonly header: number;
}

export const hasPackets = (fd: number) => (pollNow(fd, POLL.IN) & POLL.IN) !== 0;

/** Takes what waits. The packets as the program would have read them. */
export function takePackets(fd: number): Uint8Array[] {
  const packets: Uint8Array[] = [];
  const buffer = new Uint8Array(LONGEST);
  while (hasPackets(fd)) {
    // by a place of its own: reading moves the descriptor's, which the device does not heed
    const size = sys(NR.pread64, fd, addressOf(buffer), buffer.length, 0);
    if (size <= 0) break;
    packets.push(buffer.slice(0, size));
  }
  return packets;
}

/** struct sockaddr_ll */
function address(protocol: number, index: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(20));
  view.setUint16(0, AF.PACKET, true);
  view.setUint16(2, protocol);
  view.setInt32(4, index, true);
  return new Uint8Array(view.buffer);
}

/** Puts packets into the queue of a device that has one, and is up. */
export function putPackets(packets: readonly Uint8Array[], wire: Wire, subject: Subject): void {
  if (packets.length === 0) return;
  const sender = makeSocket(AF.PACKET, SOCK.RAW, 0, subject);
  try {
    const isHeaded = (wire.flags & IFF.VNET_HDR) !== 0;
    if (isHeaded)
      check(trySetNumber(sender, SOL.PACKET, PACKET.VNET_HDR, 1), "cannot send packets with headers", subject);
    check(tryBind(sender, address(0, wire.index)), "cannot bind a packet socket to a tun device", subject);
    for (const packet of packets) {
      const [protocol, bytes] = framed(packet, wire);
      const message = { bytes, rights: [], credentials: undefined };
      check(trySend(sender, message, address(protocol, wire.index)), "cannot put a packet into a tun device", subject);
    }
  } finally {
    closeFd(sender);
  }
}

/** The protocol of a packet, and its bytes as a packet socket takes them. */
function framed(packet: Uint8Array, { flags, header }: Wire): [protocol: number, bytes: Uint8Array] {
  const at = flags & IFF.NO_PI ? 0 : PI;
  const told = at === 0 ? 0 : ((packet[2] ?? 0) << 8) | (packet[3] ?? 0);
  if ((flags & IFF.VNET_HDR) === 0) return [protocolOf(packet.subarray(at), flags, told), packet.subarray(at)];
  const body = packet.subarray(at + header);
  return [protocolOf(body, flags, told), Buffer.concat([packet.subarray(at, at + VNET_HDR), body])];
}

function protocolOf(body: Uint8Array, flags: number, told: number): number {
  if (flags & IFF.TAP) return ((body[12] ?? 0) << 8) | (body[13] ?? 0);
  return told || ((body[0] ?? 0) >> 4 === 6 ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4);
}
