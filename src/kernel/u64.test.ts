import { expect, test } from "bun:test";
import { putU64s, U64_MAX } from "./u64.ts";

test("values of 64 bits are written as they are, small and large, at most as many as fit", () => {
  const place = new Uint8Array(64).subarray(8, 56);
  const values = [0, 1, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER, 2n ** 53n, U64_MAX];
  putU64s(place, 6, values);
  const words = new BigUint64Array(place.buffer);
  expect([...words]).toEqual([0n, ...values.slice(0, 6).map(BigInt), 0n]);
});
