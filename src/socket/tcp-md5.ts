/**
 * Connections whose segments are signed with a key that both ends know (RFC 2385), as routers have them, and what is signed in
 * a newer way (TCP-AO), which does not come back.
 */
import { CrError, type Subject } from "../error.ts";
import type { InetSkEntry, TscriuMd5 } from "../image/schema.gen.ts";
import { lookInside } from "../kernel/inside.ts";
import type { InetSocket } from "../kernel/sock-diag.ts";
import { inetAddress, tryGetOption, trySetOption } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { IPPROTO, TCP } from "../kernel/uapi/inet.ts";
import { AF, SO, SOL } from "../kernel/uapi/socket.ts";
import { v4Of } from "./inet-address.ts";
import { pseudoHeader } from "./ip-packet.ts";
import type { Ends } from "./network-lock.ts";

/** struct tcp_md5sig: a struct sockaddr_storage, flags, prefix, length of the key, interface, key. */
const SIZE = 216;
const AT = { FLAGS: 128, PREFIX: 129, LENGTH: 130, KEY: 136 } as const;
const BY_PREFIX = 1;
/** Place of a socket's optional memory in SO_MEMINFO: keys take some, and nothing of theirs is there without. */
const OPTMEM = 6;

function hasOptional(fd: number): boolean {
  const memory = tryGetOption(fd, SOL.SOCKET, SO.MEMINFO, 4 * (OPTMEM + 1));
  if (typeof memory === "number" || memory.length < 4 * (OPTMEM + 1)) return true;
  return new DataView(memory.buffer, memory.byteOffset).getUint32(4 * OPTMEM, true) !== 0;
}

/** What keeps a TCP socket with keys from being dumped. `row`: what the kernel lists of it, if it does. */
export function keyProblem(fd: number, row: () => InetSocket | undefined, subject: Subject): CrError | undefined {
  if (!hasOptional(fd)) return undefined;
  const remedy = "let the program close it before the dump, or pass --tcp-close";
  const fail = (what: string) => new CrError(what, { code: "UNSUPPORTED", subject, remedy });
  if (typeof tryGetOption(fd, SOL.TCP, TCP.AO_INFO, 0x28) !== "number")
    return fail("segments of a TCP socket are signed with keys (TCP-AO), which do not come back");
  if (row() !== undefined) return undefined;
  const hasKeys = lookInside((inside) => inside.socket(fd).as("tcp_sock").long("md5sig_info") !== 0n);
  return hasKeys ? fail("a TCP socket that is not connected has keys to sign segments with (TCP_MD5SIG)") : undefined;
}

export function readKeys(fd: number, row: () => InetSocket | undefined): TscriuMd5[] {
  if (!hasOptional(fd)) return [];
  return (row()?.keys ?? []).map(({ address, prefix, key }) => ({ address, prefix, key }));
}

/** Before anybody calls, or is called. */
export function restoreKeys(fd: number, { tscriu_md5: keys, family }: InetSkEntry, subject: Subject): void {
  for (const { address, prefix, key } of keys) {
    const request = new Uint8Array(SIZE);
    const isMapped = family === AF.INET6 && address.length === 4;
    const bytes = isMapped ? Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address) : address;
    request.set(inetAddress({ family, bytes, port: 0, scope: 0 }));
    request[AT.FLAGS] = BY_PREFIX;
    request[AT.PREFIX] = prefix;
    new DataView(request.buffer).setUint16(AT.LENGTH, key.length, true);
    request.set(key, AT.KEY);
    check(trySetOption(fd, SOL.TCP, TCP.MD5SIG_EXT, request), "cannot give a TCP socket its keys", subject);
  }
}

function isIn(bytes: Uint8Array, { address, prefix }: TscriuMd5): boolean {
  if (bytes.length !== address.length) return false;
  const isSame = (bit: number) => (((bytes[bit >> 3] ?? 0) ^ (address[bit >> 3] ?? 0)) & (0x80 >> (bit & 7))) === 0;
  return Array.from({ length: prefix }, (_, bit) => isSame(bit)).every(Boolean);
}

/** The key that a connection's segments are signed with, if they are. */
export function keyOf({ tscriu_md5: keys }: InetSkEntry, peer: Uint8Array): Uint8Array | undefined {
  const fitting = keys.filter((one) => isIn(v4Of(peer), one)).sort((a, b) => b.prefix - a.prefix);
  return fitting[0]?.key;
}

const OPTION_BYTES = 20;
const SIGNATURE_AT = 4;

/** Room for a signature among a segment's options: no operation twice, kind, length. */
export function unsigned(): Uint8Array {
  const option = new Uint8Array(OPTION_BYTES);
  option.set([1, 1, 19, 18]);
  return option;
}

/** Signs a segment without its checksum, whose options begin with `unsigned`. */
export function signSegment(segment: Uint8Array, headerBytes: number, ends: Ends, key: Uint8Array): void {
  const bare = segment.slice(0, headerBytes);
  bare.set([0, 0], 16);
  const hash = new Bun.CryptoHasher("md5");
  const { own, peer } = ends;
  const isV4 = v4Of(peer.bytes).length === 4;
  const short = new DataView(new ArrayBuffer(4));
  short.setUint16(0, IPPROTO.TCP);
  short.setUint16(2, segment.length);
  if (isV4) for (const part of [v4Of(peer.bytes), v4Of(own.bytes), new Uint8Array(short.buffer)]) hash.update(part);
  else for (const part of pseudoHeader(ends, IPPROTO.TCP, segment.length)) hash.update(part);
  hash.update(bare);
  const options = (segment[12] ?? 0) >> 4;
  hash.update(segment.subarray(options * 4));
  hash.update(key);
  segment.set(hash.digest(), headerBytes + SIGNATURE_AT);
}
