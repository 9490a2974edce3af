/** An unsigned 64-bit integer: a number where that is exact (up to 2^53 - 1), else a bigint. */
export type U64 = number | bigint;

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const MIN_SAFE = BigInt(Number.MIN_SAFE_INTEGER);

/** All bits set: RLIM_INFINITY, and what the kernel means by "unlimited". */
export const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** The smallest exact representation of a value. */
export function toU64(value: bigint): U64 {
  return value <= MAX_SAFE && value >= MIN_SAFE ? Number(value) : value;
}

/** The n-th of the 64-bit values that these words are halves of, the low half first. */
export function u64At(halves: Uint32Array, n: number): U64 {
  const [low = 0, high = 0] = [halves[2 * n], halves[2 * n + 1]];
  return high < 0x20_0000 ? low + high * 0x1_0000_0000 : (BigInt(high) << 32n) | BigInt(low);
}

/** Writes at most `count` unsigned values, 8 bytes each; `place` begins at a multiple of 8 bytes. */
export function putU64s(place: Uint8Array, count: number, values: readonly U64[]): void {
  const halves = new Uint32Array(place.buffer, place.byteOffset, count * 2);
  let wide: BigUint64Array | undefined;
  const length = Math.min(count, values.length);
  for (let i = 0; i < length; i++) {
    const value = values[i] ?? 0;
    // most are small, and making bigints of them all takes long
    if (typeof value === "number" && value >= 0) {
      halves[2 * i] = value;
      halves[2 * i + 1] = value / 0x1_0000_0000;
    } else {
      wide ??= new BigUint64Array(place.buffer, place.byteOffset, count);
      wide[i] = BigInt(value);
    }
  }
}

/** Decimal text, exact at any size. */
export function decimalU64(text: string): U64 {
  return text.length <= 15 ? Number(text) : toU64(BigInt(text));
}

/** Hexadecimal text without a prefix, exact at any size. */
export function hexU64(text: string): U64 {
  return text.length <= 13 ? Number.parseInt(text, 16) : toU64(BigInt(`0x${text}`));
}
