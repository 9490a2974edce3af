/** Addresses in rules of iptables. */
import { bytesOf, TYPES } from "../nft/types.ts";
import { isIPv6, parseSpan } from "../nft/values.ts";
import { Unsaid } from "./options.ts";

/** The bytes of an address of either version. */
export function readAddress(text: string): Uint8Array {
  const type = isIPv6(text) ? TYPES.ipv6_addr : TYPES.ipv4_addr;
  const value = text.includes("/") ? undefined : parseSpan(text, type, { index: () => 0 })?.from;
  if (value === undefined) throw new Unsaid(text);
  return bytesOf(value, type.size, false);
}

/** Where an address has room for both versions, IPv4 is the one with zeros behind it. */
export function addressWords(bytes: Uint8Array): string {
  if (bytes.length === 4 || (bytes.subarray(4).every((byte) => byte === 0) && bytes.some((byte) => byte !== 0)))
    return bytes.subarray(0, 4).join(".");
  return new URL(
    `http://[${Buffer.from(bytes)
      .toString("hex")
      .replaceAll(/(.{4})(?!$)/g, "$1:")}]`,
  ).hostname.slice(1, -1);
}

/** Bytes of an address and its mask: `10.0.0.0/8`, `10.0.0.0/255.0.255.0`. */
export function readNetwork(text: string): { address: Uint8Array; mask: Uint8Array } {
  const [plain = "", mask] = text.split("/");
  const address = readAddress(plain);
  if (mask !== undefined && !/^\d+$/.test(mask)) return { address, mask: readAddress(mask) };
  const bits = mask === undefined ? 8 * address.length : Number(mask);
  if (bits > 8 * address.length) throw new Unsaid(text);
  const value = ((1n << BigInt(bits)) - 1n) << BigInt(8 * address.length - bits);
  return { address, mask: bytesOf(value, address.length, false) };
}

/** Undefined for all addresses. */
export function networkWords(address: Uint8Array, mask: Uint8Array): string | undefined {
  const text = [...mask].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const [, ones] = /^(1*)0*$/.exec(text) ?? [];
  if (ones === "") return undefined;
  const plain = plainWords(address);
  return ones === undefined ? `${plain}/${plainWords(mask)}` : `${plain}/${ones.length}`;
}

/** Of an address whose version is known by its length. */
export function plainWords(bytes: Uint8Array): string {
  return bytes.length === 4
    ? bytes.join(".")
    : new URL(
        `http://[${Buffer.from(bytes)
          .toString("hex")
          .replaceAll(/(.{4})(?!$)/g, "$1:")}]`,
      ).hostname.slice(1, -1);
}
