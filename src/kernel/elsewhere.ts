/** Where processes beside us run while we keep to one CPU. */
import { NR } from "./nr.ts";
import { addressOf, sys } from "./sys.ts";

/** CPUs that are allowed: the others first, then all. */
let masks: readonly Uint8Array[] = [];
/** Ours alone, while we keep to it. */
let own: Uint8Array | undefined;

/** @param allowed as sched_getaffinity(2) gives it; nothing: we keep to none any more */
export function keepsTo(cpu: number, allowed: Uint8Array): void {
  const others = allowed.slice();
  const place = cpu >> 3;
  if (place < others.length) others[place] = (others[place] ?? 0) & ~(1 << (cpu & 7));
  own = allowed.length > 0 ? allowed.map((byte, at) => byte & ~(others[at] ?? 0)) : undefined;
  masks = [others, allowed].filter((mask) => mask.some((byte) => byte !== 0));
}

/** Sends a process that was just started to another CPU than ours, before it has run; from there it may come back. */
export function sendElsewhere(pid: number): void {
  for (const mask of masks) sys(NR.sched_setaffinity, pid, mask.length, addressOf(mask));
}

/** Brings a process that we are about to wait for to our CPU: it need not wait for another one, nor for who runs there. */
export function bringHere(pid: number): void {
  if (own) sys(NR.sched_setaffinity, pid, own.length, addressOf(own));
}
