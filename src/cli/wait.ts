import { NR } from "../kernel/nr.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { parseStat } from "../kernel/proc/stat.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { defaultAction } from "./exec.ts";

/** Children of every kind of clone, and those that stop. */
const anyClone = 0x40000000;
const [noHang, untraced] = [1, 2];
const [eintr, echild] = [-4, -10];
const endingSignals = [1, 2, 15];
/** Milliseconds between two looks at a job that is no child of ours. */
const lookEvery = 50;

/**
 * Reaps children until there are none: a foreground restore lasts as long as its tree. Signals end us as usual.
 * @param stopped is told of children that stop; without it nobody is
 * @returns our exit status
 */
export function waitForChildren(stopped?: (pid: number) => void): number {
  for (const signal of endingSignals) defaultAction(signal);
  const status = new Int32Array(1);
  for (;;) {
    const pid = sys(NR.wait4, -1, addressOf(status), anyClone | (stopped ? untraced : 0), 0);
    if (pid === echild) return 0;
    if (pid !== eintr) check(pid, "cannot wait for the restored tasks");
    if (pid > 0 && ((status[0] ?? 0) & 0xff) === 0x7f) stopped?.(pid);
  }
}

function isStopped(pid: number): boolean {
  try {
    using dir = new ProcDir(pid);
    return parseStat(dir.text("stat")).state === "T";
  } catch {
    return false;
  }
}

/**
 * The same where the tree has an init: that is our child, and the tree's root is its.
 * @returns the root's exit code, or 128 more than the number of the signal that ended it
 */
export function waitForInit(init: number, root: number, stopped?: (pid: number) => void): number {
  for (const signal of endingSignals) defaultAction(signal);
  const status = new Int32Array(1);
  for (;;) {
    const pid = sys(NR.wait4, init, addressOf(status), anyClone | (stopped ? noHang : 0), 0);
    if (pid === eintr) continue;
    check(pid, "cannot wait for the restored tree");
    const [end = 0] = status;
    if (pid === init) return (end & 0x7f) === 0 ? (end >> 8) & 0xff : 128 + (end & 0x7f);
    if (stopped && isStopped(root)) stopped(root);
    Bun.sleepSync(lookEvery);
  }
}
