import type { TimensEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, sys } from "../kernel/sys.ts";

const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;

function read(clock: number): { tv_sec: number; tv_nsec: number } {
  const time = new BigInt64Array(2);
  sys(NR.clock_gettime, clock, addressOf(time));
  return { tv_sec: Number(time[0]), tv_nsec: Number(time[1]) };
}

/** The clocks that do not go on while nobody runs: a restore elsewhere shifts by them. */
export function readClocks(): TimensEntry {
  return { monotonic: read(CLOCK_MONOTONIC), boottime: read(CLOCK_BOOTTIME) };
}
