/**
 * What a thread has asked of the kernel for itself alone, in small: whether it may read the time stamp counter, whether it is
 * killed early where memory is broken, what it may not do speculatively, whether it serves a disk (prctl(2)), and on which nodes
 * its memory comes (set_mempolicy(2)).
 */
import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { ThreadCoreEntry, TscriuMempolicy, TscriuPrctl } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import type { ProcStatus } from "../kernel/proc/status.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { PR, PR_SPEC } from "../kernel/uapi/prctl.ts";
import type { Questions } from "./questions.ts";

const PR_TSC_ENABLE = 1;
const PR_MCE_KILL_SET = 1;
const PR_MCE_KILL_DEFAULT = 2;
export const DEFAULT_POLICY = 0;
const SPEC_ABOUT = 0x100;
/** Nodes that we ask for. A kernel that may have more refuses the question. */
const NODES = 128;

export interface Habits {
  prctls: TscriuPrctl[];
  mempolicy?: TscriuMempolicy;
}

/** Three questions to a thread. What a kernel or an architecture does not have is as it ever was. */
export function askHabits(questions: Questions): () => Habits {
  const tsc = questions.reserve(8);
  questions.call(NR.prctl, [PR.GET_TSC, tsc, 0, 0, 0], { ignore: true });
  const mce = questions.call(NR.prctl, [PR.MCE_KILL_GET, 0, 0, 0, 0], { ignore: true });
  const mode = questions.reserve(8);
  const nodes = questions.reserve(NODES / 8);
  const asked = questions.call(NR.get_mempolicy, [mode, nodes, NODES, 0, 0], { ignore: true });
  return () => {
    const found: Habits = { prctls: [] };
    const counter = tsc.view.getInt32(0, true);
    if (counter > PR_TSC_ENABLE) found.prctls.push({ option: PR.SET_TSC, value: counter });
    const early = questions.result(mce);
    if (early >= 0 && early !== PR_MCE_KILL_DEFAULT) found.prctls.push({ option: PR.MCE_KILL, value: early });
    const policy = questions.result(asked) === 0 ? mode.view.getUint32(0, true) : DEFAULT_POLICY;
    if (policy !== DEFAULT_POLICY) {
      const last = nodes.bytes.findLastIndex((byte) => byte !== 0);
      found.mempolicy = { mode: policy, nodes: nodes.bytes.slice(0, last + 1) };
    }
    return found;
  };
}

/** Whether our own thread has said on which nodes its memory comes. */
export function hasOwnPolicy(): boolean {
  const mode = new Int32Array(2);
  return sys(NR.get_mempolicy, addressOf(mode), 0, 0, 0, 0) === 0 && mode[0] !== DEFAULT_POLICY;
}

/** Lines of /proc/PID/status, and what they say where a thread has protected itself. */
const SPECULATION = [
  {
    line: "Speculation_Store_Bypass",
    about: PR_SPEC.STORE_BYPASS,
    words: { "thread mitigated": PR_SPEC.DISABLE, "thread force mitigated": PR_SPEC.FORCE_DISABLE },
  },
  {
    line: "SpeculationIndirectBranch",
    about: PR_SPEC.INDIRECT_BRANCH,
    words: { "conditional disabled": PR_SPEC.DISABLE, "conditional force disabled": PR_SPEC.FORCE_DISABLE },
  },
];

/** What a thread may not do speculatively (PR_SET_SPECULATION_CTRL), by what is read of it anyway. */
export function readSpeculation(status: ProcStatus): TscriuPrctl[] {
  return SPECULATION.flatMap(({ line, about, words }) => {
    const told = status.line(line);
    const [, value] = Object.entries(words).find(([word]) => word === told) ?? [];
    return value === undefined ? [] : [{ option: PR.SET_SPECULATION_CTRL, value: about * SPEC_ABOUT + value }];
  });
}

/** PF_MEMALLOC_NOIO and PF_LOCAL_THROTTLE: what PR_SET_IO_FLUSHER sets. */
const IO_FLUSHER = 0x18_0000;

/** Whether others wait for a thread that serves a disk. @param flags of /proc/PID/stat, of before anything runs in it */
export function readFlusher(flags: number): TscriuPrctl[] {
  return (flags & IO_FLUSHER) === IO_FLUSHER ? [{ option: PR.SET_IO_FLUSHER, value: 1 }] : [];
}

type HabitFields = Pick<ThreadCoreEntry, "tscriu_prctls" | "tscriu_mempolicy">;

/** The words of prctl(2) by what is to be set. */
const ARGUMENTS: Readonly<Record<number, (value: number) => [number, number]>> = {
  [PR.MCE_KILL]: (value) => [PR_MCE_KILL_SET, value],
  [PR.SET_TSC]: (value) => [value, 0],
  [PR.SET_IO_FLUSHER]: (value) => [value, 0],
  [PR.SET_SPECULATION_CTRL]: (value) => [Math.floor(value / SPEC_ABOUT), value % SPEC_ABOUT],
};

/** By the thread itself. */
export function restoreHabits(program: Program, thread: HabitFields): void {
  for (const { option, value } of thread.tscriu_prctls) {
    const args = ARGUMENTS[option]?.(Number(value));
    if (!args) {
      throw new CrError("the image sets something that we do not know", {
        code: "BAD_IMAGE",
        subject: { prctl: option },
      });
    }
    program.call(NR.prctl, [option, ...args, 0, 0], {
      what: "cannot set a thread's state",
      subject: { prctl: option },
      // where it cannot be chosen the machine is not affected, or the same for all
      ignore: option === PR.SET_SPECULATION_CTRL,
    });
  }
  const policy = thread.tscriu_mempolicy;
  if (!policy) return;
  const mask = new Uint8Array(NODES / 8);
  mask.set(policy.nodes.subarray(0, mask.length));
  // the kernel takes one from the number of bits
  program.call(NR.set_mempolicy, [policy.mode, program.data(mask), NODES + 1], {
    what: "cannot set on which nodes a thread's memory comes",
    subject: { policy: policy.mode },
  });
}
