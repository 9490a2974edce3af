import { expect, test } from "bun:test";
import type { RemoteMemory } from "../../kernel/memory.ts";
import { I386 } from "../../kernel/nr-i386.ts";
import { i386 } from "./call.ts";
import { whichTimespec } from "./i386.ts";

/** A memory that holds these bytes at 0x1000. */
function memoryOf(bytes: Uint8Array): RemoteMemory {
  const tryRead = (address: number, into: Uint8Array) => {
    const at = address - 0x1000;
    if (at < 0 || at + into.length > bytes.length) return false;
    into.set(bytes.subarray(at, at + into.length));
    return true;
  };
  return { tryRead } as RemoteMemory;
}

const narrow = (...values: number[]) => memoryOf(new Uint8Array(Int32Array.of(...values).buffer));
const wide = (...values: bigint[]) => memoryOf(new Uint8Array(BigInt64Array.of(...values).buffer));
const sleep = [1, 0, 0x1000, 0];

test("a sleep that goes on is told from its 64-bit brother by what its timespec holds", () => {
  expect(whichTimespec(I386.clock_nanosleep, sleep, narrow(2, 500_000_000, 7, 8))).toBe(I386.clock_nanosleep);
  expect(whichTimespec(I386.clock_nanosleep, sleep, wide(2n, 500_000_000n))).toBe(I386.clock_nanosleep_time64);
  expect(whichTimespec(I386.futex, [0, 0, 0, 0x1000], wide(1n, 0n))).toBe(I386.futex_time64);
  expect(whichTimespec(I386.poll, sleep, wide(2n, 0n))).toBe(I386.poll);
  // not to be read: as the kernel named it
  expect(whichTimespec(I386.futex, [0, 0, 0, 0x9000], wide(1n, 0n))).toBe(I386.futex);
  expect(whichTimespec(undefined, sleep, wide(1n, 0n))).toBeUndefined();
});

test("what the kernel has just written of the time left tells which sleep it is, whatever lies behind the timespec", () => {
  const withLeft = [0, 0, 0x1010, 0x1000];
  const which = (left: number[]) =>
    // 50,000 s, and then a number that could be nanoseconds
    whichTimespec(I386.clock_nanosleep, withLeft, narrow(...left, 50_000, 0, 529_300_736, 0));
  expect(which([49_997, 209_835_004, 50_000, 0])).toBe(I386.clock_nanosleep);
  expect(which([49_997, 0, 209_835_004, 0])).toBe(I386.clock_nanosleep_time64);
  // as long as it goes: its seconds take more than 32 bits
  expect(which([0x2540_be3f, 2, 999_999_999, 0])).toBe(I386.clock_nanosleep_time64);
});

const BX = 5;
const AX = 10;
const ORIG_AX = 15;
const IP = 16;

function stopped(nr: bigint, error: bigint): BigUint64Array {
  const regs = new BigUint64Array(27);
  regs[ORIG_AX] = nr;
  regs[AX] = BigInt.asUintN(64, error);
  regs[IP] = 0x1007n;
  regs[BX] = 0xffff_e000n;
  return regs;
}

test("a call is seen with its arguments, and is made again at its instruction", () => {
  const regs = stopped(BigInt(I386.nanosleep), -516n);
  const call = i386.interrupted(regs, memoryOf(new Uint8Array(0)), undefined);
  expect(call).toMatchObject({ nr: I386.nanosleep, error: -516 });
  expect(call?.args[0]).toBe(0xffff_e000);
  if (!call) return;
  const again = i386.again(regs, call, { arg: 0, value: 0x2000 });
  expect([again[AX], again[IP], again[BX]]).toEqual([162n, 0x1005n, 0x2000n]);
});

test("a call that goes on is named by the code before it", () => {
  // mov $240, %eax; int $0x80
  const memory = memoryOf(Uint8Array.of(0xb8, 240, 0, 0, 0, 0xcd, 0x80));
  const regs = stopped(0n, -516n);
  expect(i386.interrupted(regs, memory, undefined)?.nr).toBe(I386.futex);
  expect(i386.isCall(regs, memory)).toBe(true);
  const other = memoryOf(Uint8Array.of(0xb8, 240, 0, 0, 0, 0x0f, 0x05));
  expect(i386.interrupted(regs, other, undefined)?.nr).toBe(I386.restart_syscall);
  expect(i386.isCall(regs, other)).toBe(false);
});
