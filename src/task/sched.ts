/**
 * How a thread is scheduled: policy, priority, CPUs, input and output priority, timer slack. All but the last is read and
 * set from outside, by thread id, so it costs the thread nothing.
 */
import { CrError } from "../error.ts";
import type { ThreadCoreEntry, TscriuSched } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { readProcFile } from "../kernel/proc/read.ts";
import { AT_FDCWD } from "../kernel/stat.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { decimalU64, toU64, type U64 } from "../kernel/u64.ts";
import { PR } from "../kernel/uapi/prctl.ts";
import { IOPRIO_WHO, SCHED, SCHED_FLAG, SCHED_RESET_ON_FORK } from "../kernel/uapi/sched.ts";
import type { Questions } from "./questions.ts";

/** struct sched_attr up to util_max. */
const ATTR_SIZE = 56;
const PRIO_PROCESS = 0;
const FULL_SCALE = 1024;
/** What every thread has that never asked for another, nanoseconds. */
export const DEFAULT_SLACK = 50_000;
/** Bytes of the largest CPU mask that we ask for: 8192 CPUs, the kernel's own limit. */
const MASK_SIZE = 1024;
/** Policies whose attributes do not tell the nice value. */
const REAL_TIME: ReadonlySet<number> = new Set([SCHED.FIFO, SCHED.RR, SCHED.DEADLINE]);
const EINVAL = -22;
const EPERM = -1;
const EACCES = -13;

const maskBuffer = new Uint8Array(new ArrayBuffer(MASK_SIZE));

/** A thread's scheduling. Times in nanoseconds. */
export interface Sched {
  /** SCHED_*. */
  policy: number;
  /** SCHED_FLAG_*. */
  flags: number;
  /** Of a real-time thread: what counts when it is one no more. */
  nice: number;
  /** Of the real-time policies. */
  priority: number;
  runtime: U64;
  deadline: U64;
  period: U64;
  /** 0 to 1024; the full range where the kernel does not clamp. */
  utilMin: number;
  utilMax: number;
  /** The CPUs that it may use: CPU n is bit n % 8 of byte n / 8. No zero bytes at the end. */
  affinity: Uint8Array;
  /** As ioprio_get(2) returns it; 0 when it was never set. */
  ioprio: number;
}

/** What of it the thread got from its parent, and `restoreSched` compares with. */
export type Attributes = Pick<Sched, "policy" | "flags" | "nice" | "priority" | "runtime" | "ioprio">;

/** The CPUs that a thread may use; trailing zero bytes cut off. Read it before you pin a thread to a CPU. */
export function readAffinity(tid: number): Uint8Array {
  const given = sys(NR.sched_getaffinity, tid, maskBuffer.length, addressOf(maskBuffer));
  let length = check(given, "cannot read a thread's CPUs", { tid });
  while (length > 0 && maskBuffer[length - 1] === 0) length--;
  return maskBuffer.slice(0, length);
}

export function setAffinity(tid: number, mask: Uint8Array): void {
  const bytes = new Uint8Array(Math.ceil(Math.max(1, mask.length) / 8) * 8);
  bytes.set(mask);
  const result = sys(NR.sched_setaffinity, tid, bytes.length, addressOf(bytes));
  const remedy =
    result === EINVAL ? "this machine, or its cpuset, lacks all of the CPUs that the thread was bound to" : undefined;
  check(result, "cannot set a thread's CPUs", { tid }, remedy);
}

/** All of a thread's scheduling. */
export function readSched(tid: number): Sched {
  const attr = new DataView(new ArrayBuffer(ATTR_SIZE));
  check(sys(NR.sched_getattr, tid, addressOf(attr), ATTR_SIZE, 0), "cannot read a thread's scheduling", { tid });
  const size = attr.getUint32(0, true);
  const clamps = size >= ATTR_SIZE;
  const policy = attr.getUint32(4, true);
  const ioprio = sys(NR.ioprio_get, IOPRIO_WHO.PROCESS, tid);
  return {
    policy,
    flags: Number(attr.getBigUint64(8, true)),
    nice: REAL_TIME.has(policy) ? readNice(tid) : attr.getInt32(16, true),
    priority: attr.getUint32(20, true),
    runtime: toU64(attr.getBigUint64(24, true)),
    deadline: toU64(attr.getBigUint64(32, true)),
    period: toU64(attr.getBigUint64(40, true)),
    utilMin: clamps ? attr.getUint32(48, true) : 0,
    utilMax: clamps ? attr.getUint32(52, true) : FULL_SCALE,
    affinity: readAffinity(tid),
    ioprio: ioprio > 0 && ioprio >> 13 !== 0 ? ioprio : 0,
  };
}

function readNice(tid: number): number {
  return 20 - check(sys(NR.getpriority, PRIO_PROCESS, tid), "cannot read a thread's nice value", { tid });
}

/** Asks a thread for its timer slack, nanoseconds: a file of /proc for each of many threads takes longer. */
export function askTimerSlack(questions: Questions): () => number {
  const asked = questions.call(NR.prctl, [PR.GET_TIMERSLACK, 0, 0, 0, 0], { ignore: true });
  return () => questions.result(asked);
}

function readTimerSlack(tid: number): U64 {
  try {
    return decimalU64(readProcFile(`/proc/${tid}/timerslack_ns`).trim());
  } catch (error) {
    // it may not be ours to see, or the kernel may not have it: then nothing is kept
    if (error instanceof CrError && error.code !== "ESRCH") return DEFAULT_SLACK;
    throw error;
  }
}

let slice: U64 | undefined;

/** The time slice of a thread that never asked for another, as we ourselves have it. */
function defaultSlice(): U64 {
  slice ??= readSched(0).runtime;
  return slice;
}

let online: Uint8Array | undefined;

/** The CPUs that are on: a thread that may use all of them is not bound. */
function onlineCpus(): Uint8Array {
  if (online) return online;
  const mask = new Uint8Array(MASK_SIZE);
  // not from /sys: a root directory may hold /proc alone
  for (const [, number] of readProcFile("/proc/stat").matchAll(/^cpu(\d+) /gm)) {
    const cpu = Number(number);
    mask[cpu >> 3] = (mask[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  }
  online = mask.subarray(0, mask.findLastIndex((byte) => byte !== 0) + 1);
  return online;
}

type SchedFields = Pick<
  ThreadCoreEntry,
  "sched_policy" | "sched_nice" | "sched_prio" | "tscriu_affinity" | "tscriu_ioprio" | "tscriu_sched"
>;

/** The fields of a thread's entry. What is as every thread has it from birth is left out. */
export function dumpSched(sched: Sched): SchedFields {
  const realTime = sched.policy === SCHED.FIFO || sched.policy === SCHED.RR;
  const resets = sched.flags & SCHED_FLAG.RESET_ON_FORK ? SCHED_RESET_ON_FORK : 0;
  const fields: SchedFields = { sched_policy: sched.policy | resets };
  if (realTime) fields.sched_prio = sched.priority;
  else if (sched.policy !== SCHED.DEADLINE) fields.sched_nice = sched.nice;
  const bound = !onlineCpus().every((byte, i) => ((sched.affinity[i] ?? 0) & byte) === byte);
  if (bound) fields.tscriu_affinity = sched.affinity;
  if (sched.ioprio) fields.tscriu_ioprio = sched.ioprio;
  const more: TscriuSched = {};
  const flags = sched.flags & ~SCHED_FLAG.RESET_ON_FORK;
  if (flags) more.flags = flags;
  if (sched.policy === SCHED.DEADLINE) {
    more.runtime = sched.runtime;
    more.deadline = sched.deadline;
    more.period = sched.period;
  } else if (!realTime && sched.runtime !== defaultSlice()) {
    more.runtime = sched.runtime;
  }
  if (fields.sched_nice === undefined && sched.nice !== 0) more.nice = sched.nice;
  if (sched.utilMin !== 0) more.util_min = sched.utilMin;
  if (sched.utilMax !== FULL_SCALE && sched.utilMax !== 0) more.util_max = sched.utilMax;
  if (Object.keys(more).length > 0) fields.tscriu_sched = more;
  return fields;
}

type SlackField = Pick<ThreadCoreEntry, "tscriu_timerslack_ns">;

/**
 * The timer slack of a thread's entry, unless it is that which every thread has from birth.
 * @param told what the thread told; what a number does not hold looks like an error, or is rounded
 */
export function dumpTimerSlack(tid: number, told: number): SlackField {
  const slack = told >= 0 && told <= Number.MAX_SAFE_INTEGER ? told : readTimerSlack(tid);
  return slack === DEFAULT_SLACK || BigInt(slack) === 0n ? {} : { tscriu_timerslack_ns: slack };
}

function attributes(entry: SchedFields): DataView {
  const policy = entry.sched_policy ?? 0;
  const more = entry.tscriu_sched ?? {};
  let flags = Number(more.flags ?? 0);
  if (policy & SCHED_RESET_ON_FORK) flags |= SCHED_FLAG.RESET_ON_FORK;
  const clamped = more.util_min !== undefined || more.util_max !== undefined;
  if (clamped) flags |= SCHED_FLAG.UTIL_CLAMP_MIN | SCHED_FLAG.UTIL_CLAMP_MAX;
  const attr = new DataView(new ArrayBuffer(ATTR_SIZE));
  // without clamps the older, shorter form, which every kernel takes
  attr.setUint32(0, clamped ? ATTR_SIZE : 48, true);
  attr.setUint32(4, policy & ~SCHED_RESET_ON_FORK, true);
  attr.setBigUint64(8, BigInt(flags), true);
  attr.setInt32(16, entry.sched_nice ?? 0, true);
  attr.setUint32(20, entry.sched_prio ?? 0, true);
  attr.setBigUint64(24, BigInt(more.runtime ?? 0), true);
  attr.setBigUint64(32, BigInt(more.deadline ?? 0), true);
  attr.setBigUint64(40, BigInt(more.period ?? 0), true);
  attr.setUint32(48, more.util_min ?? 0, true);
  attr.setUint32(52, more.util_max ?? FULL_SCALE, true);
  return attr;
}

function refused(result: number): string | undefined {
  if (result !== EPERM && result !== EACCES) return undefined;
  return "restore with CAP_SYS_NICE, outside of a cgroup without real-time budget";
}

function restoreAttributes(tid: number, entry: SchedFields, now: Attributes): void {
  const attr = attributes(entry);
  const subject = { tid, policy: entry.sched_policy, nice: entry.sched_nice, priority: entry.sched_prio };
  const what = "cannot set a thread's scheduling";
  const nice = entry.tscriu_sched?.nice ?? entry.sched_nice ?? 0;
  // the attributes set it for the ordinary policies only
  if (nice !== now.nice) {
    const result = sys(NR.setpriority, PRIO_PROCESS, tid, nice);
    check(result, what, subject, refused(result));
  }
  const more = entry.tscriu_sched;
  const same =
    attr.getUint32(4, true) === now.policy &&
    Number(attr.getBigUint64(8, true)) === now.flags &&
    attr.getUint32(20, true) === now.priority &&
    (more?.runtime === undefined || more.runtime === now.runtime) &&
    now.policy !== SCHED.DEADLINE;
  if (same) return;
  const result = sys(NR.sched_setattr, tid, addressOf(attr), 0);
  check(result, what, subject, refused(result));
}

/**
 * Gives a thread its scheduling. A real-time thread wins against us from here on: this belongs to the end of a restore.
 * @param now as it is scheduled now
 * @param inherited the CPUs for a thread that was not bound to any: those that we ourselves were started with
 */
export function restoreSched(
  tid: number,
  entry: SchedFields & SlackField,
  now: Attributes,
  inherited?: Uint8Array,
): void {
  const affinity = entry.tscriu_affinity ?? inherited;
  if (affinity) setAffinity(tid, affinity);
  if (entry.sched_policy !== undefined) restoreAttributes(tid, entry, now);
  const priority = entry.tscriu_ioprio ?? 0;
  if (priority !== now.ioprio) {
    const result = sys(NR.ioprio_set, IOPRIO_WHO.PROCESS, tid, priority);
    check(result, "cannot set the input/output priority", { tid, priority });
  }
  if (entry.tscriu_timerslack_ns !== undefined) writeTimerSlack(tid, entry.tscriu_timerslack_ns);
}

function writeTimerSlack(tid: number, nanoseconds: U64): void {
  const path = `/proc/${tid}/timerslack_ns`;
  const name = cstring(path);
  const writeOnlyCloexec = 0o2000001;
  const fd = check(sys(NR.openat, AT_FDCWD, addressOf(name), writeOnlyCloexec, 0), "cannot open", { tid, path });
  const text = new TextEncoder().encode(String(nanoseconds));
  const result = sys(NR.write, fd, addressOf(text), text.length);
  sys(NR.close, fd);
  check(result, "cannot set the timer slack", { tid, path });
}
