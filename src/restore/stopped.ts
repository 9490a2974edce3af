/** Tasks that job control had stopped, and what their parents hear of it. */
import type { Program } from "../agent/program.ts";
import { ALL_SIGNALS } from "../agent/tracee.ts";
import { NR } from "../kernel/nr.ts";
import { cont, setSigmask, waitStop } from "../kernel/ptrace.ts";
import { check, sys } from "../kernel/sys.ts";
import { PTRACE_EVENT } from "../kernel/uapi/ptrace.ts";
import { WAIT } from "../kernel/uapi/wait.ts";
import { restorePending } from "../task/signals.ts";
import type { GrownTask } from "./growth.ts";
import { numbersOf, ownPid, seenBy } from "./pid-numbers.ts";
import type { SavedTask } from "./set.ts";

const SIGCHLD = 17;

/** Brings a halted task into a stop of job control; it stays in our hands. */
export function stopTask(pid: number, signal: number): void {
  const bit = 1n << BigInt(signal - 1);
  setSigmask(pid, ALL_SIGNALS & ~bit);
  check(sys(NR.kill, pid, signal), "cannot stop a task", { pid, signal });
  for (;;) {
    check(cont(pid), "cannot let a task stop", { pid });
    let seen = waitStop(pid, { pid });
    while (seen.event === 0 && seen.signal === signal) {
      check(cont(pid, signal), "cannot let a task stop", { pid });
      seen = waitStop(pid, { pid });
    }
    if (seen.event === PTRACE_EVENT.STOP && seen.signal === signal) return;
  }
}

/** A parent hears of its child's stop as if it were new: it gets back what it knew. */
export function tellParent(child: SavedTask, parent: GrownTask): void {
  const pending = parent.saved.core.tc?.signals_s;
  const { program } = parent.puppet;
  if (child.core.tc?.tscriu_stop_waited) {
    program.call(NR.wait4, [seenBy(parent.saved, numbersOf(child.tree)), 0, WAIT.NOHANG | WAIT.UNTRACED, 0], {
      ignore: true,
    });
  }
  drainChild(program);
  const own = pending?.signals.filter(
    (s) => new DataView(s.siginfo.buffer, s.siginfo.byteOffset).getInt32(0, true) === SIGCHLD,
  );
  if (pending && own && own.length > 0) restorePending(program, { ...pending, signals: own }, ownPid(parent.saved));
  program.run();
}

/** Takes a SIGCHLD out of the queue: children that ended or stopped meanwhile have told their parents. */
export function drainChild(program: Program): void {
  const set = program.reserve(8);
  set.view.setBigUint64(0, 1n << BigInt(SIGCHLD - 1), true);
  program.call(NR.rt_sigtimedwait, [set, 0, program.reserve(16), 8], { ignore: true });
}
