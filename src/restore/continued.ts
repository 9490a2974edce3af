/** Parents find it out again, by wait(2) with WCONTINUED, that a child of theirs was continued. */
import type { Puppet } from "../agent/puppet.ts";
import { CrError } from "../error.ts";
import { NR } from "../kernel/nr.ts";
import { cont, interrupt, waitStop } from "../kernel/ptrace.ts";
import { check, sys } from "../kernel/sys.ts";
import { PTRACE_EVENT } from "../kernel/uapi/ptrace.ts";

const SIGCONT = 18;
const SIGSTOP = 19;

/**
 * Stops a task and has it go on: the kernel keeps that for its parent. Its agent goes on waiting for work. To be done while nothing
 * else waits for it and its parent, to whom each of the two sends a SIGCHLD.
 */
export function wasContinued({ pid, program }: Puppet): void {
  const what = "cannot stop a task and let it go on";
  const go = (signal = 0) => {
    check(cont(pid, signal), what, { pid });
    return waitStop(pid, { pid });
  };
  check(interrupt(pid), what, { pid });
  waitStop(pid, { pid });
  check(sys(NR.kill, pid, SIGSTOP), what, { pid });
  const delivered = go();
  const stopped = delivered.event === 0 ? go(SIGSTOP) : delivered;
  check(sys(NR.kill, pid, SIGCONT), what, { pid });
  const gone = go();
  if (stopped.signal !== SIGSTOP || gone.event !== PTRACE_EVENT.STOP)
    throw new CrError(what, { subject: { pid, signal: stopped.signal, event: gone.event } });
  check(cont(pid), what, { pid });
  const set = program.reserve(8);
  set.view.setBigUint64(0, 1n << BigInt(SIGCONT - 1), true);
  program.call(NR.rt_sigtimedwait, [set, 0, program.reserve(16), 8], { ignore: true });
  program.run();
}
