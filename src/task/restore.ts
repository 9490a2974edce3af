/**
 * What a restored thread does itself, in three programs. All signals are blocked in every thread throughout, and its tracer
 * suspends seccomp.
 *
 * 1. `restoreState`, once memory, descriptors and all threads are in place. Nothing here needs to be privileged, and
 *    nothing takes privileges away. Handlers come before queued signals, for ignoring a signal empties its queue. The
 *    personality comes after the memory, for it changes what mmap does.
 * 2. `restoreIdentity`, when nothing privileged is left to do. Limits first: they may be raised only now, and nothing but the
 *    agent's end comes after them. Filters before credentials, for installing them takes CAP_SYS_ADMIN (a thread that never
 *    had it has no_new_privs, which then comes first). Then the credentials; the parent's death signal after them, since
 *    changing them clears it.
 * 3. `restoreLast`, in the leader, once every thread has its identity: the dumpable flag, which any thread's change of
 *    credentials resets, and the timers, which tick from here on.
 *
 * Then, from outside: `restoreSched`, `resumeCall`, the mask, `rseqWriteBack`, the registers.
 */
import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { CoreEntry, CredsEntry, RlimitEntry, SeccompEntry } from "../image/schema.gen.ts";
import { CAP, hasCapability } from "../kernel/uapi/capability.ts";
import { isI386Core } from "./arch/i386.ts";
import { restoreCreds, restoreNoNewPrivs } from "./creds.ts";
import { restoreHabits } from "./habits.ts";
import { armItimers } from "./itimers.ts";
import { armPosixTimers, restorePosixTimers } from "./posix-timers.ts";
import { restoreDumpable, restoreProcess } from "./process.ts";
import { registers } from "./registers.ts";
import { restoreRlimits } from "./rlimits.ts";
import { restoreRseq } from "./rseq.ts";
import { hasSeccomp, restoreSeccomp } from "./seccomp.ts";
import { restoreAltstack, restorePending, restoreSigactions } from "./signals.ts";
import { restoreClearTid, restoreName, restorePdeathSignal, restoreRobustList } from "./thread.ts";
import { withoutOverrun } from "./timer-overruns.ts";

/** Which thread a program runs in, by virtual ids. */
export interface Who {
  pid: number;
  tid: number;
}

function threadOf(core: CoreEntry, who: Who) {
  if (core.thread_core) return core.thread_core;
  throw new CrError("the image of a thread is not complete", {
    code: "BAD_IMAGE",
    subject: { pid: who.pid, tid: who.tid },
  });
}

/**
 * First program; see above. The leader's comes before those of the other threads: it decides how signals are handled, and
 * ignoring one empties every thread's queue of it.
 */
export function restoreState(program: Program, core: CoreEntry, who: Who): void {
  const thread = threadOf(core, who);
  if (core.tc) {
    restoreProcess(program, core.tc);
    restoreSigactions(program, core.tc.sigactions);
    const timers = core.tc.timers?.posix ?? [];
    restorePending(program, withoutOverrun(core.tc.signals_s, timers), who.pid);
    restorePosixTimers(program, timers, who.pid);
  }
  registers.permit(program, core);
  restoreHabits(program, thread);
  restoreName(program, thread.comm ?? core.tc?.comm);
  restoreAltstack(program, thread.sas);
  restorePending(program, thread.signals_p, who.pid, who.tid);
  restoreClearTid(program, registers.clearTid(core));
  restoreRobustList(program, thread, isI386Core(core));
  restoreRseq(program, thread.rseq_entry);
}

/** Who the thread is now, and what it is limited to. */
export interface Own {
  creds: CredsEntry;
  rlimits: readonly RlimitEntry[];
}

/** Second program; see above. The leader's comes after those of the other threads. */
export function restoreIdentity(
  program: Program,
  core: CoreEntry,
  who: Who,
  own: Own,
  seccomp: SeccompEntry | undefined,
): void {
  const thread = threadOf(core, who);
  if (core.tc) restoreRlimits(program, core.tc.rlimits, own.rlimits);
  let has = own.creds;
  if (hasSeccomp(thread)) {
    const privileged = hasCapability([has.cap_eff[0] ?? 0, has.cap_eff[1] ?? 0], CAP.SYS_ADMIN);
    if (!privileged && thread.creds?.no_new_privs && !has.no_new_privs) {
      restoreNoNewPrivs(program);
      has = { ...has, no_new_privs: 1 };
    }
    restoreSeccomp(program, thread, seccomp);
  }
  if (thread.creds) restoreCreds(program, thread.creds, has);
  restorePdeathSignal(program, thread.pdeath_sig);
}

/** Third program, in the leader; see above. `dumpable` is that of mm_entry. */
export function restoreLast(program: Program, core: CoreEntry, dumpable: number | undefined): void {
  restoreDumpable(program, dumpable);
  const timers = core.tc?.timers;
  if (!timers) return;
  armPosixTimers(program, timers.posix);
  armItimers(program, timers);
}
