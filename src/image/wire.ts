import type { U64 } from "./schema.gen.ts";

/** Protobuf wire types; groups (3 and 4) do not occur in images. */
export const Wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Integers are taken apart and put together in pieces of 28 bits: four bytes of a varint. */
export const two28 = 0x10000000;

/** A 64-bit value as a number where that is exact, else as it is. */
export function narrow(value: bigint): U64 {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
