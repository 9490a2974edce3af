/** What is known of 32-bit x86 threads besides their registers. */
import { type CoreEntry, UserX86RegsMode } from "../../image/schema.gen.ts";
import type { RemoteMemory } from "../../kernel/memory.ts";
import { I386 } from "../../kernel/nr-i386.ts";

/** Whether an image's thread runs 32-bit code. */
export function isI386Core(core: CoreEntry): boolean {
  return core.thread_info?.gpregs.mode === UserX86RegsMode.COMPAT;
}

const NS_PER_S = 1e9;

/** Calls with a timespec of 32-bit numbers: the argument that points to it, and the same call with one of 64-bit numbers. */
const NARROW = new Map<number, { arg: number; wide: number }>([
  [I386.futex, { arg: 3, wide: I386.futex_time64 }],
  [I386.clock_nanosleep, { arg: 2, wide: I386.clock_nanosleep_time64 }],
]);

/**
 * A call that goes on is known by what it does, but not by which of two numbers it was made: what its timespec holds tells. Where
 * both can be meant they differ by less than a second.
 */
export function whichTimespec(
  known: number | undefined,
  args: readonly number[],
  memory: RemoteMemory,
): number | undefined {
  const kind = known === undefined ? undefined : NARROW.get(known);
  const bytes = new Uint8Array(16);
  if (!kind || !memory.tryRead(args[kind.arg] ?? 0, bytes)) return known;
  const [, high, nanoseconds = 0, nanosecondsHigh] = new Uint32Array(bytes.buffer);
  return high === 0 && nanoseconds < NS_PER_S && nanosecondsHigh === 0 ? kind.wide : known;
}
