import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { defaultAction } from "./exec.ts";

/** Children of every kind of clone, and those that stop. */
const anyClone = 0x40000000;
const untraced = 2;
const [eintr, echild] = [-4, -10];
const endingSignals = [1, 2, 15];

/**
 * Reaps children until there are none: a foreground restore lasts as long as its tree. Signals end us as usual.
 * @param stopped is told of children that stop; without it nobody is
 */
export function waitForChildren(stopped?: (pid: number) => void): void {
  for (const signal of endingSignals) defaultAction(signal);
  const status = new Int32Array(1);
  for (;;) {
    const pid = sys(NR.wait4, -1, addressOf(status), anyClone | (stopped ? untraced : 0), 0);
    if (pid === echild) return;
    if (pid !== eintr) check(pid, "cannot wait for the restored tasks");
    if (pid > 0 && ((status[0] ?? 0) & 0xff) === 0x7f) stopped?.(pid);
  }
}
