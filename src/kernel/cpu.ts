/** Our own place: while we talk to a stopped task we sit on one CPU with it, since waking another costs ten times as much. */
import { keepsTo } from "./elsewhere.ts";
import { NR } from "./nr.ts";
import { addressOf, sys } from "./sys.ts";
import { PR } from "./uapi/prctl.ts";

const MASK_BYTES = 128;

export interface OneCpu {
  readonly number: number;
  /** What our thread was allowed before, as sched_getaffinity(2) gives it. */
  readonly before: Uint8Array;
  release(): void;
}

/** Keeps the calling thread on the CPU that it runs on. */
export function pinToOneCpu(): OneCpu {
  const mask = new Uint8Array(MASK_BYTES);
  const length = Math.max(0, sys(NR.sched_getaffinity, 0, MASK_BYTES, addressOf(mask)));
  const before = mask.slice(0, length);
  const cpu = new Uint32Array(1);
  sys(NR.getcpu, addressOf(cpu), 0, 0);
  const number = cpu[0] ?? 0;
  const one = new Uint8Array(MASK_BYTES);
  one[number >> 3] = 1 << (number & 7);
  const set = (allowed: Uint8Array) => {
    if (allowed.length > 0) sys(NR.sched_setaffinity, 0, allowed.length, addressOf(allowed));
  };
  set(one);
  keepsTo(number, before);
  return {
    number,
    before,
    release: () => {
      keepsTo(number, new Uint8Array());
      set(before);
    },
  };
}

/** Calls `act` while the calling thread wakes on time from short sleeps. What is started meanwhile would inherit that. */
export function onTime<T>(act: () => T): T {
  sys(NR.prctl, PR.SET_TIMERSLACK, 1);
  try {
    return act();
  } finally {
    // 0: as it was when the thread began
    sys(NR.prctl, PR.SET_TIMERSLACK, 0);
  }
}
