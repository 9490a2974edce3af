/** What is known of 32-bit x86 threads besides their registers. */
import { type CoreEntry, UserX86RegsMode } from "../../image/schema.gen.ts";
import type { RemoteMemory } from "../../kernel/memory.ts";
import { I386 } from "../../kernel/nr-i386.ts";

/** Whether an image's thread runs 32-bit code. */
export function isI386Core(core: CoreEntry): boolean {
  return core.thread_info?.gpregs.mode === UserX86RegsMode.COMPAT;
}

const NS_PER_S = 1e9;

/** The high half of the seconds of the longest time that the kernel has, 2^63 ns. */
const MOST_HIGH = 2;

/**
 * Calls with a timespec of 32-bit numbers: the argument that points to it, the one that points to where the kernel writes the
 * time that is left, and the same call with numbers of 64 bits.
 */
const NARROW = new Map<number, { arg: number; left?: number; wide: number }>([
  [I386.futex, { arg: 3, wide: I386.futex_time64 }],
  [I386.clock_nanosleep, { arg: 2, left: 3, wide: I386.clock_nanosleep_time64 }],
]);

/**
 * A call that goes on is known by what it does, but not by which of two numbers it was made: what its timespecs hold tells.
 * The kernel has just written the time that is left, nanoseconds right behind the seconds or behind their high half. Where it
 * writes none, what lies behind a narrow time can be taken for nanoseconds: then the two differ by less than a second.
 */
export function whichTimespec(
  known: number | undefined,
  args: readonly number[],
  memory: RemoteMemory,
): number | undefined {
  const kind = known === undefined ? undefined : NARROW.get(known);
  if (!kind) return known;
  const words = new Uint32Array(4);
  const isRead = (arg: number) => memory.tryRead(args[arg] ?? 0, new Uint8Array(words.buffer));
  if (kind.left !== undefined && args[kind.left] !== 0 && isRead(kind.left))
    return (words[1] ?? 0) <= MOST_HIGH && isWide(words) ? kind.wide : known;
  return isRead(kind.arg) && words[1] === 0 && isWide(words) ? kind.wide : known;
}

/** Whether the two words behind seconds of 64 bits can be nanoseconds. */
function isWide([, , nanoseconds = 0, high]: Uint32Array): boolean {
  return nanoseconds < NS_PER_S && high === 0;
}
