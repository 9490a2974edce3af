/** What a thread keeps with the kernel besides registers: addresses, its name, the signal at its parent's death. */
import { PSEUDO } from "../agent/layout.ts";
import type { Program } from "../agent/program.ts";
import type { ThreadCoreEntry, ThreadSasEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { I386 } from "../kernel/nr-i386.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { PR } from "../kernel/uapi/prctl.ts";
import { askSecurebits } from "./creds.ts";
import { askHabits, type Habits } from "./habits.ts";
import type { Questions } from "./questions.ts";
import { askTimerSlack } from "./sched.ts";
import { askAltstack } from "./signals.ts";

/** What only the thread itself can tell: eight questions, whoever it is. */
export interface ThreadInside {
  altstack: ThreadSasEntry;
  /** set_tid_address(2): cleared and woken when the thread ends; 0 for none. */
  clearTid: number;
  pdeathSignal: number;
  securebits: number;
  /** Nanoseconds; negative where it is no such number. */
  timerSlack: number;
  habits: Habits;
}

export function askThread(questions: Questions): () => ThreadInside {
  const altstack = askAltstack(questions);
  const address = questions.reserve(8);
  questions.call(NR.prctl, [PR.GET_TID_ADDRESS, address, 0, 0, 0], {
    what: "cannot ask for the thread's clear_child_tid: the kernel lacks CONFIG_CHECKPOINT_RESTORE",
  });
  const signal = questions.reserve(8);
  questions.call(NR.prctl, [PR.GET_PDEATHSIG, signal, 0, 0, 0], { what: "cannot ask for the parent's death signal" });
  const securebits = askSecurebits(questions);
  const timerSlack = askTimerSlack(questions);
  const habits = askHabits(questions);
  return () => ({
    altstack: altstack(),
    clearTid: Number(address.view.getBigUint64(0, true)),
    pdeathSignal: signal.view.getInt32(0, true),
    securebits: securebits(),
    timerSlack: timerSlack(),
    habits: habits(),
  });
}

/** The thread's list of robust futexes: get_robust_list(2), from outside. */
export function readRobustList(tid: number): Pick<ThreadCoreEntry, "futex_rla" | "futex_rla_len"> {
  const words = new BigUint64Array(2);
  const [head, length] = [addressOf(words), addressOf(words) + 8];
  check(sys(NR.get_robust_list, tid, head, length), "cannot read a thread's list of robust futexes", { tid });
  return { futex_rla: Number(words[0]), futex_rla_len: Number(words[1]) };
}

/** The same for threads of 32-bit code, which have a list of their own: the leader asks for all of them, by their virtual ids. */
export function askRobustLists(program: Program, tids: readonly number[]): () => ReturnType<typeof readRobustList>[] {
  const places = tids.map((tid) => {
    const place = program.keep(8);
    program.call(PSEUDO.i386 + I386.get_robust_list, [tid, place, place.at(4)], {
      what: "cannot read a thread's list of robust futexes",
      subject: { tid },
    });
    return place;
  });
  return () =>
    places.map(({ view }) => ({ futex_rla: view.getUint32(0, true), futex_rla_len: view.getUint32(4, true) }));
}

export function restoreRobustList(program: Program, thread: ThreadCoreEntry, isI386: boolean): void {
  if (BigInt(thread.futex_rla) === 0n) return;
  program.call(
    isI386 ? PSEUDO.i386 + I386.set_robust_list : NR.set_robust_list,
    [BigInt(thread.futex_rla), thread.futex_rla_len],
    {
      what: "cannot set the list of robust futexes",
    },
  );
}

/** set_tid_address(2). */
export function restoreClearTid(program: Program, address: number | bigint): void {
  program.call(NR.set_tid_address, [address]);
}

/** The name of the thread that runs the program, 15 bytes at most. */
export function restoreName(program: Program, name: string | undefined): void {
  if (name === undefined) return;
  program.call(NR.prctl, [PR.SET_NAME, program.text(name), 0, 0, 0], {
    what: "cannot set the name",
    subject: { name },
  });
}

/** The parent's death signal, after the credentials: changing those clears it. */
export function restorePdeathSignal(program: Program, signal: number | undefined): void {
  if (!signal) return;
  program.call(NR.prctl, [PR.SET_PDEATHSIG, signal, 0, 0, 0], {
    what: "cannot set the parent's death signal",
    subject: { signal },
  });
}
