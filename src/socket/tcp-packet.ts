/** A segment that a peer might have sent: it tells a socket of ours what the peer's end is, and cannot say itself by now. */
import { CrError, type Subject } from "../error.ts";
import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { inetAddress, makeSocket, trySetNumber } from "../kernel/socket.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { IPPROTO } from "../kernel/uapi/inet.ts";
import { AF, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { v4Of } from "./inet-address.ts";
import { type Ends, PASSING_MARK } from "./network-lock.ts";
import { infoOf } from "./tcp-repair.ts";

/** Flags of a TCP header (RFC 9293). */
export const FLAG = { FIN: 1, RST: 4, ACK: 16 } as const;

export interface Segment {
  /** FLAG */
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledged: number;
}

const TCP_HEADER = 20;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const HOPS = 64;
/** Any window: the real one is set when repair ends. */
const WINDOW = 0xffff;
/** Milliseconds until a packet of ours must have come. */
const PATIENCE = 20_000;

/** The Internet checksum (RFC 1071) over parts of even length. */
function checksum(parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) for (let i = 0; i < part.length; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** The segment from peer to own, with its IP header. */
export function packetOf({ own, peer }: Ends, { flags, sequence, acknowledged }: Segment): Uint8Array {
  const [from, to] = [v4Of(peer.bytes), v4Of(own.bytes)];
  const tcp = new DataView(new ArrayBuffer(TCP_HEADER));
  tcp.setUint16(0, peer.port);
  tcp.setUint16(2, own.port);
  tcp.setUint32(4, sequence >>> 0);
  tcp.setUint32(8, acknowledged >>> 0);
  tcp.setUint8(12, (TCP_HEADER / 4) << 4);
  tcp.setUint8(13, flags);
  tcp.setUint16(14, WINDOW);
  const bytes = new Uint8Array(tcp.buffer);
  tcp.setUint16(16, checksum([from, to, Uint8Array.of(0, IPPROTO.TCP, 0, TCP_HEADER), bytes]));
  const isV4 = from.length === 4;
  const ip = new DataView(new ArrayBuffer(isV4 ? IPV4_HEADER : IPV6_HEADER));
  if (isV4) {
    ip.setUint8(0, 0x45);
    ip.setUint16(2, IPV4_HEADER + TCP_HEADER);
    ip.setUint8(8, HOPS);
    ip.setUint8(9, IPPROTO.TCP);
  } else {
    ip.setUint8(0, 0x60);
    ip.setUint16(4, TCP_HEADER);
    ip.setUint8(6, IPPROTO.TCP);
    ip.setUint8(7, HOPS);
  }
  const header = new Uint8Array(ip.buffer);
  header.set(from, isV4 ? 12 : 8);
  header.set(to, isV4 ? 16 : 24);
  return Buffer.concat([header, bytes]);
}

/** Sends the segment to our own socket, past the network lock. It is there once the kernel has time for it. */
export function inject(ends: Ends, segment: Segment, scope: number, subject: Subject): void {
  const packet = packetOf(ends, segment);
  const bytes = v4Of(ends.own.bytes);
  const family = bytes.length === 4 ? AF.INET : AF.INET6;
  const fd = makeSocket(family, SOCK.RAW, IPPROTO.RAW, subject);
  try {
    check(trySetNumber(fd, SOL.SOCKET, SO.MARK, PASSING_MARK), "cannot mark a packet", subject);
    const to = inetAddress({ family, bytes, port: 0, scope });
    const sent = sys(NR.sendto, fd, addressOf(packet), packet.length, 0, addressOf(to), to.length);
    check(sent, "cannot send a TCP segment to ourselves", subject);
  } finally {
    closeFd(fd);
  }
}

/** Waits until a packet has brought a socket into its state (TCP_STATE). */
export function awaitState(fd: number, state: number, subject: Subject): void {
  const late = performance.now() + PATIENCE;
  while (infoOf(fd)?.state !== state) {
    if (performance.now() > late) {
      throw new CrError("a TCP connection does not get the packet that brings it into its state", {
        code: "ETIMEDOUT",
        subject: { ...subject, state },
        remedy: "let packets of the mark 0xc114 pass the firewall",
      });
    }
    Bun.sleepSync(0.2);
  }
}
