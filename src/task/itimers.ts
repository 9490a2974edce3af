/** The three interval timers of a process: getitimer(2). */
import type { Program } from "../agent/program.ts";
import type { ItimerEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import type { Questions } from "./questions.ts";

/** struct itimerval: interval and value, seconds and microseconds each. */
const ITIMERVAL_SIZE = 32;
const WHICH = ["real", "virt", "prof"] as const;

export type Itimers = Record<(typeof WHICH)[number], ItimerEntry>;

export function askItimers(questions: Questions): () => Itimers {
  const place = questions.reserve(WHICH.length * ITIMERVAL_SIZE);
  WHICH.forEach((_, i) => {
    questions.call(NR.getitimer, [i, place.at(i * ITIMERVAL_SIZE)], { what: "cannot read an interval timer" });
  });
  const read = (i: number): ItimerEntry => {
    const word = (n: number) => Number(place.view.getBigInt64(i * ITIMERVAL_SIZE + n * 8, true));
    return { isec: word(0), iusec: word(1), vsec: word(2), vusec: word(3) };
  };
  return () => ({ real: read(0), virt: read(1), prof: read(2) });
}

/** Starts the timers that ran. They tick from here on: this belongs to the very end of a restore. */
export function armItimers(program: Program, timers: Itimers): void {
  WHICH.forEach((name, i) => {
    const { isec, iusec, vsec, vusec } = timers[name];
    const [left, interval] = [BigInt(vsec) + BigInt(vusec), BigInt(isec) + BigInt(iusec)];
    if (left === 0n && interval === 0n) return;
    const place = program.reserve(ITIMERVAL_SIZE);
    // an interval without time left: it has fired, and would start anew when its signal, which waits, is taken
    for (const [n, value] of [isec, iusec, vsec, left === 0n ? 1 : vusec].entries())
      place.view.setBigInt64(n * 8, BigInt(value), true);
    program.call(NR.setitimer, [i, place, 0], { what: "cannot start an interval timer", subject: { timer: name } });
  });
}
