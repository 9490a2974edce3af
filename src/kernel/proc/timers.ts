import { CrError } from "../../error.ts";
import { hexU64, type U64 } from "../u64.ts";

/** A POSIX timer (timer_create(2)) as /proc/PID/timers shows it. */
export interface PosixTimer {
  readonly id: number;
  /** Signal number, and the value that comes with it. */
  readonly signal: number;
  readonly value: U64;
  /** SIGEV_*: 0 signal, 1 none, 2 thread; | 4 (SIGEV_THREAD_ID) when it goes to one thread. */
  readonly notify: number;
  /** The process or thread that is notified, in the pid namespace of this /proc; 0 when it is not visible there. */
  readonly target: number;
  /** CLOCK_*; negative for the CPU clock of some task. */
  readonly clock: number;
}

const NOTIFY: ReadonlyMap<string, number> = new Map([
  ["signal", 0],
  ["none", 1],
  ["thread", 2],
]);
const SIGEV_THREAD_ID = 4;

const RECORD =
  /^ID: (\d+)\nsignal: (\d+)\/([0-9a-fx]+|\(null\))\nnotify: (\w+)\/(tid|pid)\.(-?\d+)\nClockID: (-?\d+)\n/;

/**
 * The text of /proc/PID/timers, ordered by id.
 * @throws CrError BAD_PROC
 */
export function parseTimers(text: string): PosixTimer[] {
  const timers: PosixTimer[] = [];
  for (let rest = text; rest.length > 0; ) {
    const match = RECORD.exec(rest);
    const notify = NOTIFY.get(match?.[4] ?? "");
    if (!match || notify === undefined) {
      throw new CrError("a timer of an unknown form in /proc", {
        code: "BAD_PROC",
        subject: { line: rest.slice(0, 80) },
      });
    }
    const value = (match[3] ?? "0").replace(/^0x/, "");
    timers.push({
      id: Number(match[1]),
      signal: Number(match[2]),
      value: value === "(null)" ? 0 : hexU64(value),
      notify: notify | (match[5] === "tid" ? SIGEV_THREAD_ID : 0),
      target: Number(match[6]),
      clock: Number(match[7]),
    });
    rest = rest.slice(match[0].length);
  }
  return timers.sort((a, b) => a.id - b.id);
}
