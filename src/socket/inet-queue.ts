/**
 * Datagrams that wait unread in UDP sockets. At dump they are peeked; at restore packets with the same senders are sent to the
 * socket, before it has its own address: while it is bound to some free port, nobody else can be meant.
 */
import type { Subject } from "../error.ts";
import type { FileDump, FileRestore, OpenFile } from "../file/kind.ts";
import type { InetSkEntry, SkPacketEntry } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import {
  type InetAddress,
  inetAddress,
  makeSocket,
  ownAddress,
  parseInetAddress,
  tryBind,
  tryConnect,
  tryGetOption,
} from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { IP, IPPROTO, IPV6 } from "../kernel/uapi/inet.ts";
import { AF, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { perPlace } from "./elsewhere.ts";
import { addressWords, v4Of } from "./inet-address.ts";
import { checksum, familyOf, PacketSender, pseudoHeader, type Way, withIpHeader } from "./ip-packet.ts";
import type { Ends } from "./network-lock.ts";
import { widenReceiveBuffer } from "./options.ts";
import { readQueue } from "./queue.ts";
import { type Packet, packetsOf } from "./queue-image.ts";
import { tellOfStamps } from "./stamps.ts";

const UDP_HEADER = 8;
/** What a datagram costs the kernel beside its bytes, at most. */
const OVERHEAD = 2048;
/** Milliseconds until a datagram of ours must have come. */
const PATIENCE = 5000;

/** Only UDP lets its queue be looked through. */
export function hasQueue({ type, protocol }: { readonly type: number; readonly protocol: number }): boolean {
  return type === SOCK.DGRAM && (protocol === IPPROTO.UDP || protocol === IPPROTO.UDPLITE);
}

export function dumpDatagrams(file: OpenFile, dump: FileDump): void {
  const subject: Subject = { pid: file.pid, fd: file.fd, path: file.link };
  // an error that waits as well is none that reading takes away: that has been seen to
  const packets = readQueue(file.dup, SOCK.DGRAM, 1, subject).map(
    ({ bytes, from, control = [] }): SkPacketEntry & { extra: Uint8Array } => ({
      id_for: file.id,
      length: bytes.length,
      scm: [],
      tscriu_from: from.slice(),
      tscriu_credentials: [],
      tscriu_controls: control.map(({ level, type, bytes }) => ({ level, type, bytes })),
      extra: bytes,
    }),
  );
  tellOfStamps(file, packets.length, dump);
  if (packets.length > 0) dump.images.append("SK_QUEUES", packets);
}

/** What a datagram told beside its sender. */
interface Told extends Way {
  /** Where it was sent to. */
  readonly to?: Uint8Array;
  /** Index of the interface that it came from. */
  readonly index?: number;
}

function toldBy({ tscriu_controls }: SkPacketEntry): Told {
  let told: Told = {};
  for (const { level, type, bytes } of tscriu_controls) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const number = bytes.length >= 4 ? view.getInt32(0, true) : (bytes[0] ?? 0);
    if (level === SOL.IP && type === IP.PKTINFO) told = { ...told, to: bytes.slice(8, 12), index: number };
    else if (level === SOL.IP && type === IP.TTL) told = { ...told, hops: number };
    else if (level === SOL.IP && type === IP.TOS) told = { ...told, service: number };
    else if (level === SOL.IPV6 && type === IPV6.PKTINFO) told = { ...told, to: bytes.slice(0, 16) };
    else if (level === SOL.IPV6 && type === IPV6.HOPLIMIT) told = { ...told, hops: number };
    else if (level === SOL.IPV6 && type === IPV6.TCLASS) told = { ...told, service: number };
  }
  return told;
}

/** What sends the datagrams of one restore, and what it has found out. */
class Feeder implements Disposable {
  readonly #senders = new Map<number, PacketSender>();
  readonly #local = new Map<string, boolean>();
  /** Something keeps our packets from coming: we do not wait for each. */
  isShut = false;

  [Symbol.dispose](): void {
    for (const sender of this.#senders.values()) sender[Symbol.dispose]();
  }

  sender(family: number, subject: Subject): PacketSender {
    let sender = this.#senders.get(family);
    if (sender === undefined) {
      sender = new PacketSender(family, subject);
      this.#senders.set(family, sender);
    }
    return sender;
  }

  /** Is it an address of this machine, and of nobody besides? Only there may our packets go. */
  isLocal(bytes: Uint8Array, scope: number): boolean {
    const key = `${Buffer.from(bytes).toString("hex")}%${scope}`;
    let is = this.#local.get(key);
    if (is === undefined) {
      is = isOwn(bytes, scope);
      this.#local.set(key, is);
    }
    return is;
  }
}

/** The kernel binds to addresses of the machine and to those of many (multicast, broadcast); it connects to the latter on demand. */
function isOwn(bytes: Uint8Array, scope: number): boolean {
  const first = bytes[0] ?? 0;
  const isMulticast = bytes.length === 4 ? first >= 224 : first === 0xff;
  if (isMulticast || bytes.every((byte) => byte === 0)) return false;
  const family = bytes.length === 4 ? AF.INET : AF.INET6;
  const fd = makeSocket(family, SOCK.DGRAM);
  try {
    if (tryBind(fd, inetAddress({ family, bytes, port: 0, scope })) !== 0) return false;
    return tryConnect(fd, inetAddress({ family, bytes, port: 9, scope })) === 0;
  } finally {
    closeFd(fd);
  }
}

const feeders = perPlace((restore: FileRestore) => {
  const feeder = new Feeder();
  restore.atDispose(() => feeder[Symbol.dispose]());
  return feeder;
});

const LOOPBACK: Readonly<Record<number, Uint8Array>> = {
  [AF.INET]: Uint8Array.of(127, 0, 0, 1),
  [AF.INET6]: Uint8Array.from({ length: 16 }, (_, i) => (i === 15 ? 1 : 0)),
};

/** Fills the queue of a socket that is not bound yet, and is not bound afterwards. */
export function feedDatagrams(fd: number, entry: InetSkEntry, own: InetAddress, restore: FileRestore): void {
  const packets = packetsOf(restore).get(entry.id);
  if (packets === undefined) return;
  const subject: Subject = { file: entry.id, socket: addressWords(own) };
  const { family } = entry;
  widenReceiveBuffer(
    fd,
    packets.reduce((sum, { extra }) => sum + 2 * extra.length + OVERHEAD, 0),
  );
  const anywhere = { family, bytes: new Uint8Array(family === AF.INET6 ? 16 : 4), port: 0, scope: 0 };
  check(tryBind(fd, inetAddress(anywhere)), "cannot bind a socket to a free port", subject);
  const { port } = parseInetAddress(ownAddress(fd)) ?? anywhere;
  const lost = packets.filter((packet) => !feed(fd, packet, entry.proto, { ...own, port }, restore, subject)).length;
  if (lost > 0) restore.log.warn(`${lost} of ${packets.length} datagrams that waited at ${addressWords(own)} are lost`);
  // struct sockaddr of AF_UNSPEC: the port is free again
  check(tryConnect(fd, new Uint8Array(16)), "cannot take the address from a socket", subject);
}

/** @returns whether it has come */
function feed(
  fd: number,
  packet: Packet,
  protocol: number,
  own: InetAddress,
  restore: FileRestore,
  subject: Subject,
): boolean {
  const peer = parseInetAddress(packet.tscriu_from ?? new Uint8Array(0));
  if (peer === undefined) return false;
  const feeder = feeders(restore);
  const family = familyOf(peer);
  const told = toldBy(packet);
  const wanted = v4Of(told.to ?? own.bytes);
  const isThere = wanted.length === v4Of(peer.bytes).length && feeder.isLocal(wanted, own.scope || peer.scope);
  const bytes = isThere ? wanted : (LOOPBACK[family] ?? wanted);
  if (!isThere && told.to !== undefined)
    restore.log.debug(`A datagram was sent to ${addressWords({ ...own, bytes: wanted })}, and comes to the loopback`);
  const ends = { own: { ...own, bytes }, peer };
  const datagram = withIpHeader(ends, protocol, udpOf(ends, protocol, packet.extra), told);
  const before = received(fd);
  const send = (index: number) =>
    feeder.sender(family, subject).trySend(datagram, ends.own, own.scope || peer.scope, index);
  let sent = send(isThere && family === AF.INET ? (told.index ?? 0) : 0);
  if (sent < 0) sent = send(0);
  if (sent < 0) return false;
  const late = performance.now() + (feeder.isShut ? 0 : PATIENCE);
  while (received(fd) === before) {
    if (performance.now() > late) {
      feeder.isShut = true;
      return false;
    }
    Bun.sleepSync(0.2);
  }
  return true;
}

/** The datagram with its header. UDP-Lite has no length there: a checksum that covers all of it is what 0 means. */
function udpOf(ends: Ends, protocol: number, bytes: Uint8Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(UDP_HEADER));
  const length = UDP_HEADER + bytes.length;
  view.setUint16(0, ends.peer.port);
  view.setUint16(2, ends.own.port);
  view.setUint16(4, protocol === IPPROTO.UDP ? length : 0);
  const header = new Uint8Array(view.buffer);
  view.setUint16(6, checksum([...pseudoHeader(ends, protocol, length), header, bytes]) || 0xffff);
  return Buffer.concat([header, bytes]);
}

/** Bytes of memory that a socket's queue takes: grows with each datagram, an empty one too (SO_MEMINFO). */
function received(fd: number): number {
  const memory = tryGetOption(fd, SOL.SOCKET, SO.MEMINFO, 4);
  if (typeof memory === "number") return 0;
  return new DataView(memory.buffer, memory.byteOffset).getUint32(0, true);
}
