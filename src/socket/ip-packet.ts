/** Packets with headers of our own, sent to sockets of our own: what somebody else has sent cannot be had again otherwise. */
import type { Subject } from "../error.ts";
import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { type InetAddress, inetAddress, makeSocket, trySetNumber } from "../kernel/socket.ts";
import type { Call } from "../kernel/standby.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { IPPROTO } from "../kernel/uapi/inet.ts";
import { AF, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { v4Of } from "./inet-address.ts";
import { type Ends, PASSING_MARK } from "./network-lock.ts";

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const HOPS = 64;

/** The Internet checksum (RFC 1071) over parts, of which all but the last are of even length. */
export function checksum(parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) for (let i = 0; i < part.length; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

/** What goes into the checksum of a packet from peer to own beside its bytes (RFC 9293, RFC 8200). */
export function pseudoHeader({ own, peer }: Ends, protocol: number, length: number): Uint8Array[] {
  const numbers = new DataView(new ArrayBuffer(8));
  numbers.setUint32(0, length);
  numbers.setUint32(4, protocol);
  return [v4Of(peer.bytes), v4Of(own.bytes), new Uint8Array(numbers.buffer)];
}

/** How a packet travels. */
export interface Way {
  /** TTL, or hop limit. */
  readonly hops?: number;
  /** Type of service, or traffic class. */
  readonly service?: number;
}

/** The packet from peer to own, with its IP header. */
export function withIpHeader({ own, peer }: Ends, protocol: number, payload: Uint8Array, way: Way = {}): Uint8Array {
  const { hops = HOPS, service = 0 } = way;
  const [from, to] = [v4Of(peer.bytes), v4Of(own.bytes)];
  const isV4 = from.length === 4;
  const ip = new DataView(new ArrayBuffer(isV4 ? IPV4_HEADER : IPV6_HEADER));
  if (isV4) {
    ip.setUint8(0, 0x45);
    ip.setUint8(1, service);
    ip.setUint16(2, IPV4_HEADER + payload.length);
    ip.setUint8(8, hops);
    ip.setUint8(9, protocol);
  } else {
    ip.setUint16(0, 0x6000 | (service << 4));
    ip.setUint16(4, payload.length);
    ip.setUint8(6, protocol);
    ip.setUint8(7, hops);
  }
  const header = new Uint8Array(ip.buffer);
  header.set(from, isV4 ? 12 : 8);
  header.set(to, isV4 ? 16 : 24);
  return Buffer.concat([header, payload]);
}

/** Sends such packets, past the network lock. They are there once the kernel has time for them. */
export class PacketSender implements Disposable {
  readonly #fd: number;

  /** @param family of the packets: AF.INET or AF.INET6 */
  constructor(
    readonly family: number,
    readonly subject: Subject,
  ) {
    this.#fd = makeSocket(family, SOCK.RAW, IPPROTO.RAW, subject);
    check(trySetNumber(this.#fd, SOL.SOCKET, SO.MARK, PASSING_MARK), "cannot mark a packet", subject);
  }

  [Symbol.dispose](): void {
    closeFd(this.#fd);
  }

  /**
   * @param index of the interface that it is to come from; 0 for the loopback
   * @returns bytes, or the negative errno
   */
  trySend(packet: Uint8Array, to: Pick<InetAddress, "bytes">, scope: number, index = 0): number {
    trySetNumber(this.#fd, SOL.SOCKET, SO.BINDTOIFINDEX, index);
    const address = this.#addressOf(to, scope);
    return sys(NR.sendto, this.#fd, addressOf(packet), packet.length, 0, addressOf(address), address.length);
  }

  /** The same over the loopback, to be made by somebody else while this is there. */
  sending(packet: Uint8Array, to: Pick<InetAddress, "bytes">, scope: number): Call {
    const address = this.#addressOf(to, scope);
    return { nr: NR.sendto, args: [this.#fd, packet, packet.length, 0, address, address.length] };
  }

  #addressOf({ bytes }: Pick<InetAddress, "bytes">, scope: number): Uint8Array {
    return inetAddress({ family: this.family, bytes: v4Of(bytes), port: 0, scope });
  }
}

export function familyOf({ bytes }: Pick<InetAddress, "bytes">): number {
  return v4Of(bytes).length === 4 ? AF.INET : AF.INET6;
}
