/** Resource limits: /proc/PID/limits and prlimit(2). */
import type { Program } from "../agent/program.ts";
import { keep } from "../image/codec.ts";
import type { RlimitEntry, TaskRlimitsEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { parseLimits } from "../kernel/proc/limits.ts";
import type { ProcDir } from "../kernel/proc/read.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { RLIMIT } from "../kernel/uapi/resource.ts";

const NAMES = Object.keys(RLIMIT);
const unlimited = 2n ** 64n - 1n;
/** What was last read: processes of a tree are mostly alike in it. */
let last: { readonly text: string; readonly limits: RlimitEntry[] } | undefined;

/** The limits of a process from outside; those of processes that are alike are one list, which is kept. */
export function readRlimits(dir: ProcDir): RlimitEntry[] {
  const text = dir.text("limits");
  if (last?.text !== text) last = { text, limits: keep(parseLimits(text).map(([cur, max]) => ({ cur, max }))) };
  return last.limits;
}

/**
 * Sets the limits that differ from what the task has.
 * @param own `readRlimits` of the task as it is now
 */
export function restoreRlimits(
  program: Program,
  entry: TaskRlimitsEntry | undefined,
  own: readonly RlimitEntry[],
): void {
  for (const [resource, limit] of (entry?.rlimits ?? []).entries()) {
    const has = own[resource];
    const words = [BigInt(limit.cur), BigInt(limit.max)] as const;
    if (has && BigInt(has.cur) === words[0] && BigInt(has.max) === words[1]) continue;
    const wanted = words[1] === unlimited ? "unlimited" : String(words[1]);
    const place = program.reserve(16);
    place.view.setBigUint64(0, words[0], true);
    place.view.setBigUint64(8, words[1], true);
    program.call(NR.prlimit64, [0, resource, place, 0], {
      what: "cannot set a resource limit: a hard limit is raised by CAP_SYS_RESOURCE only",
      subject: { limit: NAMES[resource] ?? resource, wanted },
      remedy: "start tscriu with a limit that is not lower (ulimit -H), or with CAP_SYS_RESOURCE",
    });
  }
}

/** Raises hard limits of a puppet from outside: root of a user namespace may not do so itself. Where we may not either, it is told. */
export function raiseLimits(pid: number, entry: TaskRlimitsEntry | undefined, own: readonly RlimitEntry[]): void {
  for (const [resource, { cur, max }] of (entry?.rlimits ?? []).entries()) {
    const has = own[resource];
    if (has && BigInt(max) > BigInt(has.max))
      sys(NR.prlimit64, pid, resource, addressOf(new BigUint64Array([BigInt(cur), BigInt(max)])), 0);
  }
}
