/** ptrace(2) and wait4(2), typed. All requests come from one thread: the tracer is a thread, not a process. */
import { CrError, type Subject } from "../error.ts";
import { Deputy } from "./deputy.ts";
import { NR } from "./nr.ts";
import { addressOf, check, sys } from "./sys.ts";
import { NT, PTRACE } from "./uapi/ptrace.ts";
import { CLD } from "./uapi/signal.ts";
import { WAIT, WAIT_ID } from "./uapi/wait.ts";

const iov = new BigUint64Array(2);
const word = new BigUint64Array(1);
const status = new Int32Array(1);

/** Who makes our requests, and the tasks that are traced by it. */
let deputy: Deputy | undefined;
const its = new Set<number>();
let pending = 0;

/**
 * From now on a process of its own traces for us, until the end of the scope: a task that is seized meanwhile may make system
 * calls under PTRACE_O_SUSPEND_SECCOMP even if we die, and stands still until what we did to its sockets is undone.
 */
export function traceByDeputy(): Disposable {
  const own = new Deputy();
  own.letGoAfter(pending);
  deputy = own;
  return {
    [Symbol.dispose]: () => {
      deputy = undefined;
      its.clear();
      own[Symbol.dispose]();
    },
  };
}

/** Whether a process of its own traces for us. */
export function hasDeputy(): boolean {
  return deputy !== undefined;
}

/** When we die, a process that traces for us lets nobody go while this word is not 0. */
export function letGoAfter(address: number): void {
  pending = address;
  deputy?.letGoAfter(address);
}

function ptrace(request: number, tid: number, address: number, data: number): number {
  return deputy ? deputy.call(NR.ptrace, request, tid, address, data) : sys(NR.ptrace, request, tid, address, data);
}

/** Code that a thread runs for us and that leads home: the trampoline (place 0), the agent (place 1). Sizes are bytes. */
export function leadsHome(tid: number, place: 0 | 1, start: number, size: number): void {
  deputy?.expect(tid, place, start, size);
}

/** A wait call, made by whoever traces the task. */
function waitFor(tid: number, nr: number, ...args: number[]): number {
  return deputy && its.has(tid) ? deputy.call(nr, ...args) : sys(nr, ...args);
}

/** Attaches without stopping; -errno on failure. */
export function seize(tid: number, options: number): number {
  const result = ptrace(PTRACE.SEIZE, tid, 0, options);
  if (deputy && result === 0) its.add(tid);
  return result;
}

export function interrupt(tid: number): number {
  return ptrace(PTRACE.INTERRUPT, tid, 0, 0);
}

/** Lets a stopped task run, with a signal to deliver or 0. */
export function cont(tid: number, signal = 0): number {
  return ptrace(PTRACE.CONT, tid, 0, signal);
}

/** Lets a stopped task run to its next entry to or exit from a system call. */
export function contToSyscall(tid: number, signal = 0): number {
  return ptrace(PTRACE.SYSCALL, tid, 0, signal);
}

export function detach(tid: number, signal = 0): number {
  return ptrace(PTRACE.DETACH, tid, 0, signal);
}

export function setOptions(tid: number, options: number): void {
  check(ptrace(PTRACE.SETOPTIONS, tid, 0, options), "cannot set the tracing options", { tid });
}

/** Reads a register set into `buffer`; returns its size in bytes, or -errno when the machine has no such set. */
export function getRegset(tid: number, type: number, buffer: Uint8Array): number {
  iov[0] = BigInt(addressOf(buffer));
  iov[1] = BigInt(buffer.length);
  const result = ptrace(PTRACE.GETREGSET, tid, type, addressOf(iov));
  return result < 0 ? result : Number(iov[1]);
}

export function setRegset(tid: number, type: number, buffer: Uint8Array): number {
  iov[0] = BigInt(addressOf(buffer));
  iov[1] = BigInt(buffer.length);
  return ptrace(PTRACE.SETREGSET, tid, type, addressOf(iov));
}

/**
 * Reads the general registers as those of a process of our own kind: on x86 all of them, in 64 bits, also of a thread that
 * runs 32-bit code, whose register set NT_PRSTATUS is another.
 */
export function getRegs(tid: number, buffer: Uint8Array): number {
  if (process.arch !== "x64") return getRegset(tid, NT.PRSTATUS, buffer);
  return ptrace(PTRACE.GETREGS, tid, 0, addressOf(buffer));
}

/** As `getRegs`: a thread may so change between 32-bit and 64-bit code. */
export function setRegs(tid: number, buffer: Uint8Array): number {
  if (process.arch !== "x64") return setRegset(tid, NT.PRSTATUS, buffer);
  return ptrace(PTRACE.SETREGS, tid, 0, addressOf(buffer));
}

/** x86: a segment of the thread's own, `struct user_desc`; negative errno where the kernel runs no 32-bit code. */
export function getThreadArea(tid: number, slot: number, desc: Uint8Array): number {
  return ptrace(PTRACE.GET_THREAD_AREA, tid, slot, addressOf(desc));
}

export function setThreadArea(tid: number, slot: number, desc: ArrayBufferView): number {
  return ptrace(PTRACE.SET_THREAD_AREA, tid, slot, addressOf(desc));
}

/** The blocked signals, bit 0 for signal 1. */
export function getSigmask(tid: number): bigint {
  check(ptrace(PTRACE.GETSIGMASK, tid, 8, addressOf(word)), "cannot read the signal mask", { tid });
  return word[0] ?? 0n;
}

export function setSigmask(tid: number, mask: bigint): void {
  word[0] = mask;
  check(ptrace(PTRACE.SETSIGMASK, tid, 8, addressOf(word)), "cannot set the signal mask", { tid });
}

const SIGINFO_SIZE = 128;

const peekArgs = new DataView(new ArrayBuffer(16));
const peekBytes = new Uint8Array(peekArgs.buffer);

/**
 * The queued signals, oldest first, 128 bytes each, left in the queue.
 * @param shared the process's queue, else the thread's own
 */
export function peekSignals(tid: number, shared: boolean): Uint8Array[] {
  const batch = 32;
  const buffer = new Uint8Array(batch * SIGINFO_SIZE);
  const found: Uint8Array[] = [];
  for (;;) {
    peekArgs.setBigUint64(0, BigInt(found.length), true);
    peekArgs.setUint32(8, shared ? 1 : 0, true);
    peekArgs.setInt32(12, batch, true);
    const count = check(
      ptrace(PTRACE.PEEKSIGINFO, tid, addressOf(peekBytes), addressOf(buffer)),
      "cannot read the pending signals",
      { tid },
    );
    for (let i = 0; i < count; i++) found.push(buffer.slice(i * SIGINFO_SIZE, (i + 1) * SIGINFO_SIZE));
    if (count < batch) return found;
  }
}

/** The n-th seccomp filter, oldest first (8 bytes an instruction), or -errno: ENOENT after the last. */
export function getSeccompFilter(tid: number, n: number): Uint8Array | number {
  const count = ptrace(PTRACE.SECCOMP_GET_FILTER, tid, n, 0);
  if (count < 0) return count;
  const code = new Uint8Array(count * 8);
  const result = ptrace(PTRACE.SECCOMP_GET_FILTER, tid, n, addressOf(code));
  return result < 0 ? result : code;
}

/** SECCOMP_FILTER_FLAG_* of the n-th filter, or -errno. */
export function getSeccompFlags(tid: number, n: number): number {
  const meta = new BigUint64Array([BigInt(n), 0n]);
  const result = ptrace(PTRACE.SECCOMP_GET_METADATA, tid, 16, addressOf(meta));
  return result < 0 ? result : Number(meta[1]);
}

export interface RseqConfiguration {
  /** Address of struct rseq; 0 when none is registered. */
  pointer: number;
  /** Bytes. */
  size: number;
  signature: number;
}

/** What rseq(2) the thread registered, or undefined where the kernel cannot tell (before 5.13). */
export function getRseq(tid: number): RseqConfiguration | undefined {
  const conf = new DataView(new ArrayBuffer(24));
  const result = ptrace(PTRACE.GET_RSEQ_CONFIGURATION, tid, 24, addressOf(conf));
  if (result < 0) return undefined;
  return {
    pointer: Number(conf.getBigUint64(0, true)),
    size: conf.getUint32(8, true),
    signature: conf.getUint32(12, true),
  };
}

/** `struct ptrace_sud_config`: mode, selector, offset, length. */
const dispatch = new BigUint64Array(new ArrayBuffer(32));

/** Whether the thread may have its own calls handed back to it (PR_SET_SYSCALL_USER_DISPATCH); false before Linux 6.4, which does not tell. */
export function handlesOwnCalls(tid: number): boolean {
  return (
    ptrace(PTRACE.GET_SYSCALL_USER_DISPATCH_CONFIG, tid, dispatch.byteLength, addressOf(dispatch)) === 0 &&
    dispatch[0] !== 0n
  );
}

/** How a wait ended. */
export type WaitResult =
  | { pid: number; kind: "stopped"; signal: number; event: number }
  | { pid: number; kind: "exited"; code: number }
  | { pid: number; kind: "killed"; signal: number };

function decodeStatus(pid: number, raw: number): WaitResult {
  if ((raw & 0xff) === 0x7f) return { pid, kind: "stopped", signal: (raw >> 8) & 0xff, event: raw >>> 16 };
  if ((raw & 0x7f) === 0) return { pid, kind: "exited", code: (raw >> 8) & 0xff };
  return { pid, kind: "killed", signal: raw & 0x7f };
}

/** wait4(2): what happened to a task, undefined when nothing did (WAIT.NOHANG), or -errno. */
export function wait(tid: number, flags = 0): WaitResult | number | undefined {
  const pid = waitFor(tid, NR.wait4, tid, addressOf(status), flags | WAIT.ALL, 0);
  if (pid < 0) return pid;
  if (pid === 0) return undefined;
  return decodeStatus(pid, status[0] ?? 0);
}

const SIGINFO_PID = 4;
const SIGINFO_STATUS = 6;
const siginfo = new Int32Array(SIGINFO_SIZE / 4);

/** As `wait` with WAIT.NOHANG, but what is seen stays to be waited for (waitid(2), WNOWAIT). */
export function look(tid: number): WaitResult | number | undefined {
  siginfo.fill(0);
  const flags = WAIT.NOHANG | WAIT.UNTRACED | WAIT.EXITED | WAIT.NOWAIT | WAIT.ALL;
  const result = waitFor(tid, NR.waitid, WAIT_ID.PID, tid, addressOf(siginfo), flags, 0);
  if (result < 0) return result;
  if (siginfo[SIGINFO_PID] === 0) return undefined;
  const code = siginfo[2];
  const status = siginfo[SIGINFO_STATUS] ?? 0;
  if (code === CLD.TRAPPED || code === CLD.STOPPED) {
    return { pid: tid, kind: "stopped", signal: status & 0xff, event: status >>> 8 };
  }
  return code === CLD.EXITED
    ? { pid: tid, kind: "exited", code: status }
    : { pid: tid, kind: "killed", signal: status & 0x7f };
}

/**
 * Was a traced task continued, with nobody having waited for that yet (WCONTINUED)? It stays so. Stops have to be waited for
 * before.
 * @param tid any of ours when left out
 */
export function wasContinued(tid?: number): boolean {
  siginfo.fill(0);
  const kind = tid === undefined ? WAIT_ID.ALL : WAIT_ID.PID;
  const flags = WAIT.NOHANG | WAIT.CONTINUED | WAIT.NOWAIT | WAIT.ALL;
  const args = [kind, tid ?? 0, addressOf(siginfo), flags, 0];
  // who traces for us may be another
  const result = tid === undefined && deputy ? deputy.call(NR.waitid, ...args) : waitFor(tid ?? 0, NR.waitid, ...args);
  return result === 0 && siginfo[SIGINFO_PID] !== 0;
}

/** Waits for a traced task's next stop; a task that ended instead is an error. EINTR waits on. */
export function waitStop(tid: number, subject: Subject = { tid }): { signal: number; event: number } {
  for (;;) {
    const seen = wait(tid);
    if (seen === -4) continue;
    if (typeof seen === "number") check(seen, "cannot wait for the task", subject);
    else if (seen?.kind === "stopped") return seen;
    else if (seen) throw new TaskGone(tid, seen);
  }
}

/** A traced task ended under our hands. */
export class TaskGone extends CrError {
  constructor(
    readonly tid: number,
    readonly how: WaitResult,
  ) {
    const end = how.kind === "exited" ? `exit code ${how.code}` : `signal ${how.kind === "killed" ? how.signal : "?"}`;
    super(`the task ended while it was in our hands: ${end}`, { code: "ESRCH", subject: { tid } });
  }
}
