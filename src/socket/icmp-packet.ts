/** Errors as messages of ICMP tell them (RFC 792, RFC 4443; net/ipv4/icmp.c and net/ipv6/icmp.c say which errno is which). */
import { ERRNO } from "../kernel/errno.ts";
import { IPPROTO } from "../kernel/uapi/inet.ts";
import { v4Of } from "./inet-address.ts";
import { checksum, pseudoHeader, withIpHeader } from "./ip-packet.ts";
import type { Ends } from "./network-lock.ts";

const UDP_HEADER = 8;
const ICMP_HEADER = 8;
const IPV6_HEADER = 40;

interface Version {
  readonly protocol: number;
  readonly unreachable: number;
  readonly problem: number;
  /** What a message "unreachable" of each code means. */
  readonly codes: readonly string[];
  /** Codes that a connected socket is told of whether it wants it or not: the one to take for each errno. */
  readonly fatal: Readonly<Record<string, number>>;
}

const FOUR: Version = {
  protocol: IPPROTO.ICMP,
  unreachable: 3,
  problem: 12,
  codes: `ENETUNREACH EHOSTUNREACH ENOPROTOOPT ECONNREFUSED EMSGSIZE EOPNOTSUPP ENETUNREACH EHOSTDOWN ENONET ENETUNREACH
    EHOSTUNREACH ENETUNREACH EHOSTUNREACH EHOSTUNREACH EHOSTUNREACH EHOSTUNREACH`.split(/\s+/),
  fatal: { ENOPROTOOPT: 2, ECONNREFUSED: 3, ENETUNREACH: 6, EHOSTDOWN: 7, ENONET: 8, EHOSTUNREACH: 10 },
};
const SIX: Version = {
  protocol: IPPROTO.ICMPV6,
  unreachable: 1,
  problem: 4,
  codes: "ENETUNREACH EACCES EHOSTUNREACH EHOSTUNREACH ECONNREFUSED EACCES EACCES".split(" "),
  fatal: { EACCES: 1, ECONNREFUSED: 4 },
};
const TOO_BIG = 2;

const versionOf = (bytes: Uint8Array) => (v4Of(bytes).length === 4 ? FOUR : SIX);
const nameOf = (errno: number) => Object.entries(ERRNO).find(([, number]) => number === errno)?.[0] ?? "";

/** Type and code of a message that tells this, to a socket that did not ask for such; undefined where none does. */
function messageFor(errno: number, { fatal, unreachable, problem }: Version): readonly [number, number] | undefined {
  if (errno === ERRNO.EPROTO) return [problem, 0];
  const code = fatal[nameOf(errno)];
  return code === undefined ? undefined : [unreachable, code];
}

/** Can a message of ICMP give this error to a connected socket? */
export function isTold(errno: number, peer: Uint8Array): boolean {
  return messageFor(errno, versionOf(peer)) !== undefined;
}

function sign(message: Uint8Array, ends: Ends, { protocol }: Version): void {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  view.setUint16(2, 0);
  const around = protocol === IPPROTO.ICMPV6 ? pseudoHeader(ends, protocol, message.length) : [];
  view.setUint16(2, checksum([...around, message]));
}

/** The answer of a peer to a datagram from own: the packet, with its IP header. Only for what `isTold`. */
export function answerTelling(errno: number, ends: Ends, protocol: number): Uint8Array {
  const { own, peer } = ends;
  const version = versionOf(peer.bytes);
  const udp = new DataView(new ArrayBuffer(UDP_HEADER));
  udp.setUint16(0, own.port);
  udp.setUint16(2, peer.port);
  udp.setUint16(4, UDP_HEADER);
  const sent = withIpHeader({ own: peer, peer: own }, protocol, new Uint8Array(udp.buffer));
  const message = new Uint8Array(ICMP_HEADER + sent.length);
  message.set(messageFor(errno, version) ?? [0, 0]);
  message.set(sent, ICMP_HEADER);
  sign(message, ends, version);
  return withIpHeader(ends, version.protocol, message);
}

/** A message of ICMP as it lies in an error queue, from its IP header on. */
interface Parts {
  readonly version: Version;
  readonly message: Uint8Array;
  /** Where the datagram that it is about has its sender, and the sender's port; bytes from the message's beginning. */
  readonly senderAt: number;
  readonly portAt: number;
}

/** Undefined for what is none, or is about something else than a datagram. */
function partsOf(packet: Uint8Array): Parts | undefined {
  const isV4 = (packet[0] ?? 0) >> 4 === 4;
  const start = isV4 ? ((packet[0] ?? 0) & 15) * 4 : IPV6_HEADER;
  const message = packet.subarray(start);
  const inner = isV4 ? ((message[ICMP_HEADER] ?? 0) & 15) * 4 : IPV6_HEADER;
  const next = isV4 ? packet[9] : packet[6];
  const about = message[ICMP_HEADER + (isV4 ? 9 : 6)];
  const version = isV4 ? FOUR : SIX;
  if (next !== version.protocol || (about !== IPPROTO.UDP && about !== IPPROTO.UDPLITE)) return undefined;
  if (message.length < ICMP_HEADER + inner + UDP_HEADER) return undefined;
  return { version, message, senderAt: ICMP_HEADER + (isV4 ? 12 : 8), portAt: ICMP_HEADER + inner };
}

export function isAnswer(packet: Uint8Array): boolean {
  return partsOf(packet) !== undefined;
}

/** The errno that a message in an error queue stands for. */
export function errorOf(packet: Uint8Array): number {
  const parts = partsOf(packet);
  if (parts === undefined) return 0;
  const { version, message } = parts;
  const [type = 0, code = 0] = message;
  if (type === version.unreachable) return ERRNO[version.codes[code] ?? "EPROTO"] ?? 0;
  if (type === version.problem) return ERRNO.EPROTO ?? 0;
  return (version === SIX && type === TOO_BIG ? ERRNO.EMSGSIZE : ERRNO.EHOSTUNREACH) ?? 0;
}

/** The same message, as if the datagram that it is about had been sent from this address and port of ours, and it comes there. */
export function readdressed(packet: Uint8Array, to: Ends["own"]): Uint8Array {
  const copy = packet.slice();
  const parts = partsOf(copy);
  if (parts === undefined) return copy;
  const { version, message, senderAt, portAt } = parts;
  const isV4 = version === FOUR;
  copy.set(to.bytes, isV4 ? 16 : 24);
  message.set(to.bytes, senderAt);
  message.set([to.port >> 8, to.port & 0xff], portAt);
  const from = isV4 ? copy.slice(12, 16) : copy.slice(8, 24);
  sign(message, { own: to, peer: { bytes: from, port: 0 } }, version);
  return copy;
}
