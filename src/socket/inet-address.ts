import type { InetAddress } from "../kernel/socket.ts";
import { AF } from "../kernel/uapi/socket.ts";

/** Words of an image: the bytes in network order, four at a time, each taken as a number of this machine. */
export function wordsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length >> 2 }, (_, i) => view.getUint32(i * 4, true));
}

/** The mirror of `wordsOf`; what is missing is zero. */
export function bytesOf(words: readonly number[], family: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(family === AF.INET6 ? 16 : 4));
  for (let i = 0; i < view.byteLength >> 2; i++) view.setUint32(i * 4, words[i] ?? 0, true);
  return new Uint8Array(view.buffer);
}

function isMapped(bytes: Uint8Array): boolean {
  return (
    bytes.length === 16 && bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  );
}

/** The address as packets have it: an IPv4 one that is mapped into IPv6 is sent as IPv4. */
export function v4Of(bytes: Uint8Array): Uint8Array {
  return isMapped(bytes) ? bytes.subarray(12) : bytes;
}

function textOf(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (isMapped(bytes)) return `::ffff:${bytes.subarray(12).join(".")}`;
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2] ?? 0) << 8) | (bytes[i * 2 + 1] ?? 0));
  return shorten(groups.map((group) => group.toString(16)));
}

/** Puts `::` for the longest run of zeros (RFC 5952). */
function shorten(groups: readonly string[]): string {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}

/** `127.0.0.1`, `::1` */
export function addressOnly({ bytes }: Pick<InetAddress, "bytes">): string {
  return textOf(bytes);
}

/** `127.0.0.1:80`, `[::1]:80` */
export function addressWords({ family, bytes, port }: Pick<InetAddress, "family" | "bytes" | "port">): string {
  return family === AF.INET6 ? `[${textOf(bytes)}]:${port}` : `${textOf(bytes)}:${port}`;
}
