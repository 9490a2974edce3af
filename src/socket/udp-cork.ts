/**
 * Data that a UDP socket holds back until it is whole (UDP_CORK, MSG_MORE). Nobody is told of it: we look into the kernel. It is
 * held back again when it is sent once more in that way.
 */
import type { Subject } from "../error.ts";
import type { InetSkEntry } from "../image/schema.gen.ts";
import { ioctlInt } from "../kernel/fd.ts";
import { type KernelObject, lookInside } from "../kernel/inside.ts";
import { packetBytes, packetsIn } from "../kernel/inside-packet.ts";
import { getNumber, inetAddress, trySend } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { IP, IPPROTO } from "../kernel/uapi/inet.ts";
import { SIOCOUTQ } from "../kernel/uapi/ioctl.ts";
import { AF, MSG, SOL } from "../kernel/uapi/socket.ts";
import type { SocketKind } from "./socket-kind.ts";

const UDP_HEADER = 8;
/** Type of service that a call has not set. */
const NO_TOS = 0xffff;

export interface Corked {
  readonly data: Uint8Array;
  /** Where it will go, as struct sockaddr. */
  readonly to: Uint8Array;
}

/** Behind the room for the headers of IP; the first one has room for that of UDP, too. */
function payload(packet: KernelObject, index: number): Uint8Array {
  const headers = packet.short("transport_header") - Number(packet.long("data") - packet.long("head"));
  return packetBytes(packet).subarray(headers + (index === 0 ? UDP_HEADER : 0));
}

function destination(cork: KernelObject, pending: number, family: number): Uint8Array {
  const six = pending === AF.INET6;
  const flow = six ? "fl.u.ip6" : "fl.u.ip4";
  const raw = cork.in(`${flow}.daddr`, "flowi").bytes(six ? 16 : 4);
  const port = cork.in(`${flow}.uli.ports.dport`, "flowi").bytes(2);
  const isMapped = !six && family === AF.INET6;
  const bytes = isMapped ? Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...raw) : raw;
  return inetAddress({ family, bytes, port: ((port[0] ?? 0) << 8) | (port[1] ?? 0), scope: 0 });
}

/** What only one call has asked for, and nobody else knows. */
function isPlain(cork: KernelObject, usual: number): boolean {
  const has = (member: string) => cork.long(`base.${member}`) !== 0n;
  const tos = cork.short("base.tos");
  const ttl = cork.in("base.ttl", "inet_cork").bytes(1)[0];
  return (
    !has("opt") &&
    !has("transmit_time") &&
    cork.short("base.gso_size") === 0 &&
    ttl === 0 &&
    (tos === NO_TOS || tos === usual)
  );
}

/** What a socket holds back: undefined when nothing, "unknown" where nobody can tell. */
export function readCorked(fd: number, { family, protocol }: SocketKind): Corked | "unknown" | undefined {
  if (protocol !== IPPROTO.UDP || ioctlInt(fd, SIOCOUTQ) <= 0) return undefined;
  const seen = lookInside((inside): Corked | "nothing" | "unknown" => {
    const socket = inside.socket(fd).as("udp_sock");
    const pending = socket.int("pending");
    if (pending === 0) return "nothing";
    const cork = socket.in("inet.cork", "inet_cork_full");
    if (!isPlain(cork, getNumber(fd, SOL.IP, IP.TOS) ?? 0)) return "unknown";
    const parts = packetsIn(socket.as("sock"), "sk_write_queue").map(payload);
    const data = new Uint8Array(Buffer.concat(parts));
    const isWhole = data.length === socket.short("len") - UDP_HEADER;
    return isWhole ? { data, to: destination(cork, pending, family) } : "unknown";
  });
  return seen === "nothing" ? undefined : (seen ?? "unknown");
}

/** Has the socket hold it back again; it has its options and its peer by now. */
export function corkAgain(
  fd: number,
  { tscriu_corked: bytes, tscriu_corked_to: to }: InetSkEntry,
  subject: Subject,
): void {
  if (bytes === undefined) return;
  const message = { bytes, rights: [], credentials: undefined };
  check(trySend(fd, message, to, MSG.MORE | MSG.DONTWAIT), "cannot have a UDP socket hold data back", subject);
}
