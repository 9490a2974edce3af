/** Values as words that nft reads. */
import { addressText } from "./addresses.ts";
import { type DataType, numberOf, TYPES } from "./types.ts";

/** There are no words for it. */
export class Untold extends Error {}

export const NO_BYTES = new Uint8Array(0);

export function be32(value: Uint8Array | undefined): number | undefined {
  return value?.length === 4 ? Buffer.from(value).readUInt32BE() : undefined;
}

export function be64(value: Uint8Array | undefined): bigint | undefined {
  return value?.length === 8 ? Buffer.from(value).readBigUInt64BE() : undefined;
}

export function text(value: Uint8Array | undefined): string {
  return Buffer.from(value ?? NO_BYTES)
    .toString()
    .replace(/\0.*$/s, "");
}

/** What needs quotes in nft's language, which knows no way to put one into another. */
export function quoted(value: string): string {
  if (/["\n]/.test(value)) throw new Untold(value);
  return `"${value}"`;
}

/** Names of tables, chains, sets. */
export function name(value: Uint8Array | undefined): string {
  const found = text(value);
  if (!/^[a-zA-Z_][\w/\\.-]*$/.test(found)) throw new Untold(`the name ${found}`);
  return found;
}

const types: readonly DataType[] = Object.values(TYPES);

export function typeOf(id: number): DataType {
  const found = types.find((type) => type.id === id);
  if (found === undefined) throw new Untold(`values of type ${id}`);
  return found;
}

export function typeWord(type: DataType): string {
  const found = Object.entries(TYPES).find(([, one]) => one.id === type.id)?.[0];
  if (found === undefined || found === "integer") throw new Untold("values of type integer");
  return { inet_proto: "inet_proto", iface_index: "iface_index" }[found] ?? found;
}

/** In the order of a type, or in network order where values are compared so. */
export function numberFrom(bytes: Uint8Array, isHost: boolean): bigint {
  return numberOf(isHost ? bytes.toReversed() : bytes);
}

export function valueWords(value: bigint, type: DataType, size: number = type.size): string {
  if (type.id === TYPES.ipv4_addr.id || type.id === TYPES.ipv6_addr.id) return addressText(value, type.size);
  const hex = value.toString(16).padStart(2 * size, "0");
  if (type.id === TYPES.ether_addr.id) return hex.replaceAll(/(..)(?!$)/g, "$1:");
  if (type.isName) return quoted(text(Buffer.from(hex, "hex")));
  if (type.id === TYPES.boolean.id) return value === 0n ? "missing" : "exists";
  return type.id === TYPES.inet_service.id ? `${value}` : `0x${hex}`;
}

/** Of a key's part, or of what a map leads to. */
export function bytesWords(bytes: Uint8Array, type: DataType, isHost: boolean = type.isHost === true): string {
  return valueWords(numberFrom(bytes.subarray(0, type.size), isHost), type);
}
