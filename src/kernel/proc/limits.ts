import { CrError } from "../../error.ts";
import { decimalU64, type U64, U64_MAX } from "../u64.ts";

/** Soft and hard limit; `U64_MAX` is no limit (RLIM_INFINITY). */
export type Limit = readonly [soft: U64, hard: U64];

/** How many resources there are: RLIMIT_CPU 0 to RLIMIT_RTTIME 15. */
const RLIMITS = 16;

const LINE = /^Max [a-z ]{21} *(unlimited|\d+) +(unlimited|\d+)/;

function value(text: string | undefined): U64 {
  return text === undefined || text === "unlimited" ? U64_MAX : decimalU64(text);
}

/**
 * The text of /proc/PID/limits, which lists the resources in the order of their RLIMIT_* numbers. Reading it needs less
 * than prlimit(2) does.
 * @throws CrError BAD_PROC
 */
export function parseLimits(text: string): Limit[] {
  const limits: Limit[] = [];
  for (const line of text.split("\n").slice(1)) {
    if (line === "") continue;
    const match = LINE.exec(line);
    if (!match) throw new CrError("a limit of an unknown form in /proc", { code: "BAD_PROC", subject: { line } });
    limits.push([value(match[1]), value(match[2])]);
  }
  if (limits.length < RLIMITS) {
    throw new CrError("/proc/PID/limits is too short", { code: "BAD_PROC", subject: { limits: limits.length } });
  }
  return limits.slice(0, RLIMITS);
}
