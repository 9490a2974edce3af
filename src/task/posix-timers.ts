/** POSIX timers: timer_create(2), and /proc/PID/timers for what only the kernel remembers of them. */
import { type Data, load32, type Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { PosixTimerEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import type { ProcDir } from "../kernel/proc/read.ts";
import { type PosixTimer, parseTimers } from "../kernel/proc/timers.ts";
import { sys } from "../kernel/sys.ts";
import { CLOCK } from "../kernel/uapi/event.ts";
import { PR, PR_TIMER_CREATE_RESTORE_IDS } from "../kernel/uapi/prctl.ts";
import { SIGEV } from "../kernel/uapi/signal.ts";
import type { Questions } from "./questions.ts";
import { armOverrun, isOverrun } from "./timer-overruns.ts";

export type { PosixTimer } from "../kernel/proc/timers.ts";

/** struct itimerspec: interval and value, seconds and nanoseconds each. */
const ITIMERSPEC_SIZE = 32;
/** struct sigevent: value, signal, notify, thread. */
const SIGEVENT_SIZE = 64;

/** Where ids can only be counted up to: more than any program comes to, less than a minute's work. */
const MAX_COUNTED_ID = 100_000;

/** The timers of a process, ascending by id; none on a kernel that does not tell. */
export function readTimers(dir: ProcDir): PosixTimer[] {
  return parseTimers(dir.optional("timers") ?? "");
}

/**
 * The state of the timers.
 * @param virtualTid the number that a thread has in its own pid namespace
 */
export function askPosixTimers(
  questions: Questions,
  timers: readonly PosixTimer[],
  virtualTid: (tid: number) => number = (tid) => tid,
): () => PosixTimerEntry[] {
  const asked = timers.map((timer) => {
    const options = { what: "cannot read a POSIX timer", subject: { timer: timer.id } };
    const place = questions.reserve(ITIMERSPEC_SIZE);
    questions.call(NR.timer_gettime, [timer.id, place], options);
    return { timer, place, overrun: questions.call(NR.timer_getoverrun, [timer.id], options) };
  });
  return () =>
    asked.map(({ timer, place, overrun }) => {
      const word = (n: number) => Number(place.view.getBigInt64(n * 8, true));
      const entry: PosixTimerEntry = {
        it_id: timer.id,
        clock_id: timer.clock >>> 0,
        si_signo: timer.signal,
        it_sigev_notify: timer.notify,
        sival_ptr: timer.value,
        overrun: questions.result(overrun),
        isec: word(0),
        insec: word(1),
        vsec: word(2),
        vnsec: word(3),
      };
      if (timer.notify & SIGEV.THREAD_ID) entry.notify_thread_id = virtualTid(timer.target);
      return entry;
    });
}

function create(program: Program, entry: PosixTimerEntry, pid: number): Data {
  const event = program.reserve(SIGEVENT_SIZE);
  event.view.setBigUint64(0, BigInt.asUintN(64, BigInt(entry.sival_ptr)), true);
  event.view.setInt32(8, entry.si_signo, true);
  event.view.setInt32(12, entry.it_sigev_notify, true);
  if (entry.it_sigev_notify & SIGEV.THREAD_ID) event.view.setInt32(16, entry.notify_thread_id ?? pid, true);
  const id = program.reserve(8);
  id.view.setInt32(0, entry.it_id, true);
  program.call(NR.timer_create, [entry.clock_id | 0, event, id], {
    what: "cannot make a POSIX timer",
    subject: { timer: entry.it_id },
  });
  return id;
}

let kernelTakesIds: boolean | undefined;

function takesIds(): boolean {
  kernelTakesIds ??= sys(NR.prctl, PR.TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS.GET, 0, 0, 0) >= 0;
  return kernelTakesIds;
}

/**
 * Makes the timers with their ids, not running yet. All threads of the process must exist, and it may have no timer.
 * @param pid virtual id of the process
 */
export function restorePosixTimers(program: Program, entries: readonly PosixTimerEntry[], pid: number): void {
  if (entries.length === 0) return;
  const ordered = [...entries].sort((a, b) => a.it_id - b.it_id);
  if (takesIds()) {
    const options = { what: "cannot ask for timers with given ids" };
    program.call(NR.prctl, [PR.TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS.ON, 0, 0, 0], options);
    for (const entry of ordered) create(program, entry, pid);
    program.call(NR.prctl, [PR.TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS.OFF, 0, 0, 0], options);
  } else {
    countUp(program, ordered, pid);
  }
  for (const entry of ordered) {
    // fails when there is no timer of that id
    program.call(NR.timer_getoverrun, [entry.it_id], {
      what: "the kernel gave a POSIX timer another id",
      subject: { timer: entry.it_id },
    });
  }
}

/** A process's timers are numbered from 0 up: make and delete until each one's turn has come. */
function countUp(program: Program, ordered: readonly PosixTimerEntry[], pid: number): void {
  const last = ordered.at(-1)?.it_id ?? 0;
  if (last > MAX_COUNTED_ID) {
    throw new CrError("the id of a POSIX timer is out of reach on this kernel", {
      code: "ENOTSUP",
      subject: { timer: last },
      remedy: "restore on Linux 6.15 or later, which makes timers with given ids",
    });
  }
  const filler: PosixTimerEntry = {
    it_id: 0,
    clock_id: CLOCK.MONOTONIC,
    si_signo: 0,
    it_sigev_notify: SIGEV.NONE,
    sival_ptr: 0,
    overrun: 0,
    isec: 0,
    insec: 0,
    vsec: 0,
    vnsec: 0,
  };
  let next = 0;
  for (const entry of ordered) {
    for (; next < entry.it_id; next++) {
      // both calls of a pair must be in one run, for the id stays in the area
      if (program.calls < 2 || program.room < 256) program.run();
      const id = create(program, filler, pid);
      program.call(NR.timer_delete, [load32(id)], { what: "cannot delete a POSIX timer" });
    }
    create(program, entry, pid);
    next++;
  }
}

/** Starts the timers that ran: this belongs to the very end of a restore. */
export function armPosixTimers(program: Program, entries: readonly PosixTimerEntry[]): void {
  armOverrun(program, entries.filter(isOverrun));
  for (const entry of entries) {
    if (isOverrun(entry) || (BigInt(entry.vsec) === 0n && BigInt(entry.vnsec) === 0n)) continue;
    const place = program.reserve(ITIMERSPEC_SIZE);
    const words = [entry.isec, entry.insec, entry.vsec, entry.vnsec];
    for (const [n, word] of words.entries()) place.view.setBigInt64(n * 8, BigInt(word), true);
    program.call(NR.timer_settime, [entry.it_id, 0, place, 0], {
      what: "cannot start a POSIX timer",
      subject: { timer: entry.it_id },
    });
  }
}
