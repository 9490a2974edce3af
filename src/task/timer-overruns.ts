/**
 * Periodic POSIX timers whose signal waits. Such a timer stands still; how often it has been due since then is worked out when the
 * signal is taken, and tells in its si_overrun. What it comes to by now the kernel knows alone.
 */
import type { Program } from "../agent/program.ts";
import type { PosixTimerEntry, SignalQueueEntry } from "../image/schema.gen.ts";
import { type Inside, KernelObject, lookInside } from "../kernel/inside.ts";
import { NR } from "../kernel/nr.ts";
import type { ProcDir } from "../kernel/proc/read.ts";
import { CLOCK } from "../kernel/uapi/event.ts";
import { SIGEV } from "../kernel/uapi/signal.ts";

const SI_TIMER = -2;
const TIMER_ABSTIME = 1;
/** The state of a timer whose signal waits (enum posix_timer_state), or a bit of it_requeue_pending before there was that. */
const [REQUEUE_PENDING, IS_PENDING] = [2, 1];
const NANOSECONDS = 1_000_000_000n;
/** Clocks that run for everybody; those of the processor stand still while nobody runs. */
const CLOCKS: ReadonlySet<number> = new Set([CLOCK.REALTIME, CLOCK.MONOTONIC, CLOCK.BOOTTIME]);
/** Timers of a process that are looked at. */
const MOST = 1 << 16;

const nanoseconds = (seconds: number | bigint, more: number | bigint) => BigInt(seconds) * NANOSECONDS + BigInt(more);

/** The id of the timer that a signal comes from. */
function timerOf(siginfo: Uint8Array): number | undefined {
  const view = new DataView(siginfo.buffer, siginfo.byteOffset);
  return view.getInt32(8, true) === SI_TIMER ? view.getInt32(16, true) : undefined;
}

/** struct signal_struct of a process. */
function signalsOf(inside: Inside, dir: ProcDir): KernelObject | undefined {
  const inode = inside.file(dir.fd).to("f_inode", "inode");
  if (inode === undefined) return undefined;
  const ofProc = inode.address - BigInt(inside.offsetOf("proc_inode", "vfs_inode"));
  const first = new KernelObject(inside, ofProc, "proc_inode").to("pid", "pid")?.long("tasks") ?? 0n;
  if (first === 0n) return undefined;
  const task = first - BigInt(inside.offsetOf("task_struct", "pid_links"));
  return new KernelObject(inside, task, "task_struct").to("signal", "signal_struct");
}

function* timersOf(inside: Inside, signals: KernelObject): Generator<KernelObject> {
  const head = signals.in("posix_timers", "list_head").address;
  const link = BigInt(inside.offsetOf("k_itimer", "list"));
  let at = inside.read(head, 8).getBigUint64(0, true);
  // a list that leads back to its head, or one that ends
  for (let count = 0; at !== 0n && at !== head && count < MOST; count++) {
    yield new KernelObject(inside, at - link, "k_itimer");
    at = inside.read(at, 8).getBigUint64(0, true);
  }
}

function isPending(timer: KernelObject): boolean {
  const { types } = timer.inside;
  if (types.offsetOf("k_itimer", "it_status") !== undefined) return timer.int("it_status") === REQUEUE_PENDING;
  return (timer.int("it_requeue_pending") & IS_PENDING) !== 0;
}

/**
 * Adds to the timers of a process how often those whose signal waits have been due besides. They have been asked for their time
 * just now, which works it out.
 * @param queue the signals that wait for the process
 * @returns false where some may not be told: nobody can look into this kernel
 */
export function addOverruns(dir: ProcDir, timers: readonly PosixTimerEntry[], queue: SignalQueueEntry): boolean {
  const waiting = new Set(queue.signals.map(({ siginfo }) => timerOf(siginfo)));
  const wanted = new Map<number, PosixTimerEntry>();
  for (const timer of timers) {
    const runs = nanoseconds(timer.isec, timer.insec) > 0n && timer.it_sigev_notify === SIGEV.SIGNAL;
    if (runs && CLOCKS.has(timer.clock_id) && waiting.has(timer.it_id)) wanted.set(timer.it_id, timer);
  }
  if (wanted.size === 0) return true;
  const done = lookInside((inside) => {
    const signals = signalsOf(inside, dir);
    for (const timer of signals ? timersOf(inside, signals) : []) {
      const entry = wanted.get(timer.int("it_id"));
      if (entry === undefined || !isPending(timer)) continue;
      const overrun = BigInt.asIntN(64, timer.long("it_overrun"));
      if (overrun >= 0n) entry.tscriu_overrun = Number(overrun);
    }
    return true;
  });
  return done === true;
}

/** The signals of a process that nobody but its timers shall queue again. */
export function withoutOverrun(
  queue: SignalQueueEntry | undefined,
  timers: readonly PosixTimerEntry[],
): SignalQueueEntry | undefined {
  const again = new Set(timers.filter(isOverrun).map(({ it_id }) => it_id));
  if (queue === undefined || again.size === 0) return queue;
  return { ...queue, signals: queue.signals.filter(({ siginfo }) => !again.has(timerOf(siginfo) ?? -1)) };
}

export const isOverrun = (timer: PosixTimerEntry): boolean => timer.tscriu_overrun !== undefined;

/**
 * Starts such timers as of the time when they were first due. They are due at once, and the rest is worked out as it would have been;
 * the time between dump and restore does not count.
 */
export function armOverrun(program: Program, timers: readonly PosixTimerEntry[]): void {
  for (const timer of timers) {
    const now = program.reserve(16);
    program.call(NR.clock_gettime, [timer.clock_id, now], { what: "cannot read a clock" });
    program.run();
    const word = (n: number) => now.view.getBigInt64(n * 8, true);
    const interval = nanoseconds(timer.isec, timer.insec);
    const due = nanoseconds(word(0), word(1)) + nanoseconds(timer.vsec, timer.vnsec);
    // of a clock that began a moment ago in a time namespace or a machine of its own
    const first = due - (BigInt(timer.tscriu_overrun ?? 0) + 1n) * interval;
    const value = first > 0n ? first : 1n;
    const place = program.reserve(32);
    const words = [interval / NANOSECONDS, interval % NANOSECONDS, value / NANOSECONDS, value % NANOSECONDS];
    for (const [n, one] of words.entries()) place.view.setBigInt64(n * 8, one, true);
    program.call(NR.timer_settime, [timer.it_id, TIMER_ABSTIME, place, 0], {
      what: "cannot start a POSIX timer",
      subject: { timer: timer.it_id },
    });
    program.run();
  }
}
