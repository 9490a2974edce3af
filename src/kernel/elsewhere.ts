/** Where processes beside us run while we keep to one CPU. */
import { NR } from "./nr.ts";
import { addressOf, sys } from "./sys.ts";

/** CPUs that are allowed: the others first, then all. */
let masks: readonly Uint8Array[] = [];

/** @param allowed as sched_getaffinity(2) gives it; nothing: we keep to none any more */
export function keepsTo(cpu: number, allowed: Uint8Array): void {
  const others = allowed.slice();
  const place = cpu >> 3;
  if (place < others.length) others[place] = (others[place] ?? 0) & ~(1 << (cpu & 7));
  masks = [others, allowed].filter((mask) => mask.some((byte) => byte !== 0));
}

/** Sends a process that was just started to another CPU than ours, before it has run; from there it may come back. */
export function sendElsewhere(pid: number): void {
  for (const mask of masks) sys(NR.sched_setaffinity, pid, mask.length, addressOf(mask));
}
