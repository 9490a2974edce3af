/** Signal handlers, alternate stacks and queued signals. */
import { PSEUDO } from "../agent/layout.ts";
import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import { keep } from "../image/codec.ts";
import type { SaEntry, SignalQueueEntry, ThreadSasEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { I386 } from "../kernel/nr-i386.ts";
import { peekSignals } from "../kernel/ptrace.ts";
import { putU64s, toU64, u64At } from "../kernel/u64.ts";
import { SIG, SIGINFO_SIZE, SIGRTMAX, SIGSET_SIZE, SS } from "../kernel/uapi/signal.ts";
import type { Questions } from "./questions.ts";

/** struct kernel_sigaction: handler, flags, restorer, mask, 8 bytes each. */
const SIGACTION_SIZE = 32;

/** Signals whose handling can be changed, in the order of the image. */
const CHANGEABLE: number[] = [];
for (let signo = 1; signo <= SIGRTMAX; signo++) if (signo !== SIG.KILL && signo !== SIG.STOP) CHANGEABLE.push(signo);

const unsigned = (value: number | bigint) => BigInt.asUintN(64, BigInt(value));

/** What was last told: processes of a tree are mostly alike in it. */
let told: { readonly bytes: Uint8Array; readonly isI386: boolean; readonly entries: SaEntry[] } | undefined;

/**
 * The handling of all signals (rt_sigaction(2)), 62 entries; those of processes that are alike are one list, which is kept.
 * @param isI386 the process runs 32-bit code: its handlers get other frames, which nobody is told
 */
export function askSigactions(program: Program, isI386 = false): () => SaEntry[] {
  const place = program.reserve(SIGRTMAX * SIGACTION_SIZE);
  program.call(PSEUDO.sigactions, [place], { what: "cannot read how signals are handled" });
  return () => {
    if (told?.isI386 === isI386 && Buffer.compare(told.bytes, place.bytes) === 0) return told.entries;
    const bytes = place.bytes.slice();
    const halves = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const entries = CHANGEABLE.map((signal) => {
      const word = (n: number) => u64At(halves, ((signal - 1) * SIGACTION_SIZE) / 8 + n);
      return { sigaction: word(0), flags: word(1), restorer: word(2), mask: word(3), compat_sigaction: isI386 };
    });
    told = { bytes, isI386, entries: keep(entries) };
    return entries;
  };
}

/** Sets the handling of all signals for a process that has the default for each. Ignoring a signal empties its queue: queue signals afterwards. */
export function restoreSigactions(program: Program, entries: readonly SaEntry[]): void {
  if (entries.length !== CHANGEABLE.length) {
    throw new CrError("the image does not hold the handling of every signal", {
      code: "BAD_IMAGE",
      subject: { entries: entries.length, expected: CHANGEABLE.length },
    });
  }
  CHANGEABLE.forEach((signal, i) => {
    const entry = entries[i];
    if (!entry) return;
    const words = [entry.sigaction, entry.flags, entry.restorer, entry.mask];
    if (words.every((word) => word === 0)) return;
    const place = program.reserve(SIGACTION_SIZE);
    let call: number = NR.rt_sigaction;
    if (entry.compat_sigaction) {
      // the kernel notes who sets a handler, and gives it the frames of such code
      words.slice(0, 3).forEach((word, n) => {
        place.view.setUint32(n * 4, Number(word), true);
      });
      place.view.setBigUint64(12, unsigned(entry.mask), true);
      call = PSEUDO.i386 + I386.rt_sigaction;
    } else putU64s(place.bytes, words.length, words);
    program.call(call, [signal, place, 0, SIGSET_SIZE], {
      what: "cannot set how a signal is handled",
      subject: { signal },
    });
  });
}

/** The alternate signal stack (sigaltstack(2)). Asked on a stack of our own, so SS_ONSTACK never shows. */
export function askAltstack(questions: Questions): () => ThreadSasEntry {
  const place = questions.reserve(24);
  questions.call(NR.sigaltstack, [0, place], { what: "cannot read the alternate signal stack" });
  return () => ({
    ss_sp: toU64(place.view.getBigUint64(0, true)),
    ss_size: toU64(place.view.getBigUint64(16, true)),
    ss_flags: place.view.getUint32(8, true),
  });
}

export function restoreAltstack(program: Program, entry: ThreadSasEntry | undefined): void {
  if (!entry) return;
  const place = program.reserve(24);
  place.view.setBigUint64(0, unsigned(entry.ss_sp), true);
  place.view.setUint32(8, (entry.ss_flags & ~SS.ONSTACK) >>> 0, true);
  place.view.setBigUint64(16, unsigned(entry.ss_size), true);
  program.call(NR.sigaltstack, [place, 0], {
    what: "cannot set the alternate signal stack",
    subject: { address: Number(entry.ss_sp), bytes: Number(entry.ss_size) },
  });
}

function signalOf(siginfo: Uint8Array): number {
  return new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(0, true);
}

/**
 * The signals that wait for a stopped thread, or with `shared` for its process, oldest first.
 * @param pending the set of pending signals by /proc: a signal that came without room in the queue is pending all the same
 * @throws CrError for a pending SIGTRAP: running anything in such a task would destroy its handler
 */
export function dumpPending(tid: number, shared: boolean, pending?: bigint): SignalQueueEntry {
  // every queued signal is in the set; that of the process may be older than the queue
  if (pending === 0n && !shared) return { signals: [] };
  const queue = peekSignals(tid, shared);
  const seen = new Set(queue.map(signalOf));
  if (seen.has(SIG.TRAP)) {
    throw new CrError("a SIGTRAP waits for the task", {
      code: "EBUSY",
      subject: { tid },
      remedy: "let the task take its signal, or end its debugger, and dump again",
    });
  }
  for (let signal = 1; pending && signal <= SIGRTMAX; signal++) {
    if (((pending >> BigInt(signal - 1)) & 1n) === 0n || seen.has(signal)) continue;
    const siginfo = new Uint8Array(SIGINFO_SIZE);
    // as the kernel makes one up when it delivers such a signal: sent by kill, sender unknown
    new DataView(siginfo.buffer).setInt32(0, signal, true);
    queue.push(siginfo);
  }
  return { signals: queue.map((siginfo) => ({ siginfo })) };
}

/** Whether a SIGSTOP waits in the queue: nobody can block it, so the tracer sends it at the very end. */
export function waitsToStop(queue: SignalQueueEntry | undefined): boolean {
  return queue?.signals.some(({ siginfo }) => signalOf(siginfo) === SIG.STOP) ?? false;
}

/**
 * Queues the signals again, in their order and with their siginfo. All signals must be blocked in the thread that runs the
 * program; the kernel allows any sender's siginfo only to oneself.
 * @param tid virtual id of the thread whose own queue it is; undefined for the queue of the process
 * @param pid virtual id of the process
 */
export function restorePending(program: Program, queue: SignalQueueEntry | undefined, pid: number, tid?: number): void {
  for (const { siginfo } of queue?.signals ?? []) {
    if (siginfo.length !== SIGINFO_SIZE) {
      throw new CrError("a queued signal of the wrong size", { code: "BAD_IMAGE", subject: { bytes: siginfo.length } });
    }
    const signal = signalOf(siginfo);
    if (signal === SIG.STOP || signal === SIG.KILL) continue;
    const place = program.data(siginfo);
    const options = { what: "cannot queue a pending signal", subject: { signal } };
    if (tid === undefined) program.call(NR.rt_sigqueueinfo, [pid, signal, place], options);
    else program.call(NR.rt_tgsigqueueinfo, [pid, tid, signal, place], options);
  }
}
