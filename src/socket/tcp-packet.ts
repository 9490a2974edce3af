/** A segment that a peer might have sent: it tells a socket of ours what the peer's end is, and cannot say itself by now. */
import { CrError, type Subject } from "../error.ts";
import { check } from "../kernel/sys.ts";
import { IPPROTO } from "../kernel/uapi/inet.ts";
import { checksum, familyOf, PacketSender, pseudoHeader, withIpHeader } from "./ip-packet.ts";
import type { Ends } from "./network-lock.ts";
import { signSegment, unsigned } from "./tcp-md5.ts";
import { infoOf } from "./tcp-repair.ts";

/** Flags of a TCP header (RFC 9293). */
export const FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 } as const;

export interface Segment {
  /** FLAG */
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledged: number;
  /** Whole words of four bytes. */
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array;
  /** The place behind its urgent byte, for FLAG.URG. */
  readonly urgent?: number;
  /** What it is signed with (TCP_MD5SIG). */
  readonly key?: Uint8Array | undefined;
}

const NOTHING = new Uint8Array(0);

const TCP_HEADER = 20;
/** Any window: the real one is set when repair ends. */
const WINDOW = 0xffff;
/** Milliseconds until a packet of ours must have come. */
const PATIENCE = 20_000;

/** The segment from peer to own, with its IP header. */
export function packetOf(ends: Ends, segment: Segment): Uint8Array {
  const { own, peer } = ends;
  const { flags, sequence, acknowledged, payload = NOTHING, urgent = 0, key } = segment;
  const given = segment.options ?? NOTHING;
  const options = key ? Buffer.concat([unsigned(), given]) : given;
  const header = TCP_HEADER + options.length;
  const tcp = new DataView(new ArrayBuffer(header + payload.length));
  tcp.setUint16(0, peer.port);
  tcp.setUint16(2, own.port);
  tcp.setUint32(4, sequence >>> 0);
  tcp.setUint32(8, acknowledged >>> 0);
  tcp.setUint8(12, (header / 4) << 4);
  tcp.setUint8(13, flags);
  tcp.setUint16(14, WINDOW);
  tcp.setUint16(18, urgent);
  const bytes = new Uint8Array(tcp.buffer);
  bytes.set(options, TCP_HEADER);
  bytes.set(payload, header);
  if (key) signSegment(bytes, TCP_HEADER, ends, key);
  tcp.setUint16(16, checksum([...pseudoHeader(ends, IPPROTO.TCP, bytes.length), bytes]));
  return withIpHeader(ends, IPPROTO.TCP, bytes);
}

/** Sends the segment to our own socket, past the network lock. It is there once the kernel has time for it. */
export function inject(ends: Ends, segment: Segment, scope: number, subject: Subject): void {
  using sender = new PacketSender(familyOf(ends.own), subject);
  const sent = sender.trySend(packetOf(ends, segment), ends.own, scope);
  check(sent, "cannot send a TCP segment to ourselves", subject);
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
