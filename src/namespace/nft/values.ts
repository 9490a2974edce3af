/** Values as nft writes them: one, a range, a network. */
import type { Reader } from "./reader.ts";
import { type DataType, numberOf, TYPES } from "./types.ts";

/** Loaded when it is needed: a part of the runtime that brings its streams along. */
const net = () => process.getBuiltinModule("node:net");
export const isIPv6 = (text: string) => net().isIPv6(text);

/** From, to: the same for a single one. */
export interface Span {
  readonly from: bigint;
  readonly to: bigint;
  /** How the value began that is a network: its first bits count. */
  readonly prefix?: number;
}

export interface Names {
  /** Number of an interface. */
  index(name: string): number;
}

function ipv4(text: string): bigint | undefined {
  return net().isIPv4(text) ? numberOf(Uint8Array.from(text.split("."), Number)) : undefined;
}

function ipv6(text: string): bigint | undefined {
  if (!isIPv6(text) || text.includes("%")) return undefined;
  // the last four bytes may be written as those of IPv4
  const [, head = "", tail = ""] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  const low = tail === "" ? undefined : ipv4(tail);
  const plain = low === undefined ? text : `${head}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
  const [first = "", last] = plain.split("::");
  const groups = (half: string) => half.split(":").filter((group) => group !== "");
  const [before, after] = [groups(first), groups(last ?? "")];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...(last === undefined ? [] : zeros), ...after].reduce(
    (value, group) => (value << 16n) | BigInt(`0x${group}`),
    0n,
  );
}

function single(text: string, type: DataType, names: Names): bigint | undefined {
  const word = type.words?.[text];
  if (word !== undefined) return BigInt(word);
  if (type.id === TYPES.ipv4_addr.id) return ipv4(text);
  if (type.id === TYPES.ipv6_addr.id) return ipv6(text);
  if (type.id === TYPES.ether_addr.id)
    return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text) ? BigInt(`0x${text.replaceAll(":", "")}`) : undefined;
  if (/^(0x[0-9a-f]+|\d+)$/.test(text)) return BigInt(text);
  if (type.id === TYPES.iface_index.id) return BigInt(names.index(text));
  return undefined;
}

/** Bits that several words name: `syn,ack`. */
export function bitsOf(text: string, type: DataType, names: Names): bigint | undefined {
  let all = 0n;
  for (const word of text.split(",")) {
    const value = single(word, type, names);
    if (value === undefined) return undefined;
    all |= value;
  }
  return all;
}

function fits({ from, to }: Span, type: DataType): boolean {
  return from <= to && to < 1n << BigInt(8 * type.size);
}

/** Of one word; undefined when it is none of that type. */
export function parseSpan(text: string, type: DataType, names: Names): Span | undefined {
  if (type.isBits) {
    const value = bitsOf(text, type, names);
    return value === undefined ? undefined : { from: value, to: value };
  }
  const value = single(text, type, names);
  if (value !== undefined) return { from: value, to: value };
  const [, base = "", bits] = /^(.+)\/(\d+)$/.exec(text) ?? [];
  const network = bits === undefined ? undefined : single(base, type, names);
  if (network !== undefined) {
    const prefix = Number(bits);
    if (prefix > 8 * type.size) return undefined;
    const rest = (1n << BigInt(8 * type.size - prefix)) - 1n;
    return { from: network & ~rest, to: network | rest, prefix };
  }
  // names with a dash are no ranges: those were looked for first
  const dash = text.indexOf("-", 1);
  const [from, to] = dash < 0 ? [] : [text.slice(0, dash), text.slice(dash + 1)].map((one) => single(one, type, names));
  return from === undefined || to === undefined ? undefined : { from, to };
}

/** The next word, or quoted name. A name that ends in `*` is the range of all that begin so. */
export function readSpan(reader: Reader, type: DataType, names: Names): Span {
  const { isQuoted } = reader;
  const text = reader.next();
  if (type.isName) {
    const isWild = text.endsWith("*") && !text.endsWith("\\*");
    const bytes = new TextEncoder().encode((isWild ? text.slice(0, -1) : text).replaceAll("\\*", "*"));
    if (!isQuoted || bytes.length >= type.size) throw reader.unknown(text);
    const padded = new Uint8Array(type.size);
    padded.set(bytes);
    const from = numberOf(padded);
    const rest = (1n << BigInt(8 * (type.size - bytes.length))) - 1n;
    return isWild ? { from, to: from | rest, prefix: 8 * bytes.length } : { from, to: from };
  }
  const span = parseSpan(text, type, names);
  if (span === undefined || !fits(span, type)) throw reader.unknown(text);
  return span;
}

/** `5m30s` and the like, milliseconds. */
export function readTime(reader: Reader): bigint {
  const units = { d: 86_400_000n, h: 3_600_000n, m: 60_000n, s: 1000n, ms: 1n } as const;
  const text = reader.next();
  if (!/^(\d+(ms|d|h|m|s))+$/.test(text)) throw reader.unknown(text);
  const parts = [...text.matchAll(/(\d+)(ms|d|h|m|s)/g)];
  return parts.reduce((all, [, count = "0", unit]) => all + BigInt(count) * units[unit as keyof typeof units], 0n);
}
