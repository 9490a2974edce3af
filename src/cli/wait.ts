import { NR } from "../kernel/nr.ts";
import { check, sys } from "../kernel/sys.ts";
import { defaultAction } from "./exec.ts";

/** Children of every kind of clone. */
const anyClone = 0x40000000;
const [eintr, echild] = [-4, -10];
const endingSignals = [1, 2, 15];

/** Reaps children until there are none: a foreground restore lasts as long as its tree. Signals end us as usual. */
export function waitForChildren(): void {
  for (const signal of endingSignals) defaultAction(signal);
  for (;;) {
    const pid = sys(NR.wait4, -1, 0, anyClone, 0);
    if (pid === echild) return;
    if (pid !== eintr) check(pid, "cannot wait for the restored tasks");
  }
}
