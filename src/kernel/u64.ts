/** An unsigned 64-bit integer: a number where that is exact (up to 2^53 - 1), else a bigint. */
export type U64 = number | bigint;

/** All bits set: RLIM_INFINITY, and what the kernel means by "unlimited". */
export const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** The smallest exact representation of a value. */
export function toU64(value: bigint): U64 {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(value) : value;
}

/** Decimal text, exact at any size. */
export function decimalU64(text: string): U64 {
  return text.length <= 15 ? Number(text) : toU64(BigInt(text));
}

/** Hexadecimal text without a prefix, exact at any size. */
export function hexU64(text: string): U64 {
  return text.length <= 13 ? Number.parseInt(text, 16) : toU64(BigInt(`0x${text}`));
}
