import { CrError } from "../error.ts";
import { NR } from "../kernel/nr.ts";
import {
  cont,
  contToSyscall,
  getRegs,
  getRegset,
  getSigmask,
  interrupt,
  setRegs,
  setRegset,
  setSigmask,
  TaskGone,
  type WaitResult,
  wait,
} from "../kernel/ptrace.ts";
import { check } from "../kernel/sys.ts";
import { PTRACE_EVENT } from "../kernel/uapi/ptrace.ts";
import { WAIT } from "../kernel/uapi/wait.ts";
import { arch } from "./arch/index.ts";

const SYSCALL_STOP = 5 | 0x80;
const SIGSTOP = 19;
const EINTR = -4;
/** Looks at a thread on another CPU before we sleep until it stops, some 2 us each. */
const LOOKS = 40;
export const ALL_SIGNALS = 0xffff_ffff_ffff_ffffn;

const regsBuffer = new Uint8Array(arch.regsSize);
const fpBuffer = new Uint8Array(65536);

/** How many times we waited for a task to stop or to answer: what a dump's frozen time is made of. */
export const roundTrips = { stops: 0, programs: 0 };

export function readRegs(tid: number): BigUint64Array {
  check(getRegs(tid, regsBuffer), "cannot read the registers", { tid });
  return arch.asFound(new BigUint64Array(regsBuffer.slice().buffer));
}

const outsideCalls = Int32Array.of(-1);

/** Sets the general registers of a thread, which is then in no system call. */
export function writeRegs(tid: number, regs: BigUint64Array): void {
  check(setRegs(tid, new Uint8Array(regs.buffer)), "cannot set the registers", { tid });
  if (arch.callType === undefined) return;
  check(setRegset(tid, arch.callType, new Uint8Array(outsideCalls.buffer)), "cannot set the registers", { tid });
}

let fpType: number | undefined;

/** The register set of this machine that holds all extended state. */
function fpTypeOf(tid: number): number {
  fpType ??= arch.fpTypes.find((type) => getRegset(tid, type, fpBuffer) > 0);
  return fpType ?? arch.fpTypes[0] ?? 0;
}

export function readFp(tid: number): Uint8Array {
  const size = check(getRegset(tid, fpTypeOf(tid), fpBuffer), "cannot read the extended registers", { tid });
  return fpBuffer.slice(0, arch.fpLength(fpBuffer.subarray(0, size)));
}

export function writeFp(tid: number, fp: Uint8Array): void {
  check(setRegset(tid, fpTypeOf(tid), fp), "cannot set the extended registers", { tid });
}

/**
 * A seized and stopped thread, with the state in which it was found. Injected calls lead home by themselves: see
 * `Home` in home.ts.
 */
export class Tracee {
  readonly regs: BigUint64Array;
  readonly fp: Uint8Array;
  readonly mask: bigint;
  /** A SIGSTOP that came while we held it: sent again when it is let go. */
  stopWanted = false;
  /** It runs on whatever CPU the kernel likes: most likely on another than ours, that had nothing to do. */
  roams = false;
  #blocked = false;

  constructor(
    readonly tid: number,
    readonly pid: number,
  ) {
    this.regs = readRegs(tid);
    this.fp = readFp(tid);
    this.mask = getSigmask(tid);
  }

  /** It stops in less time than it takes to be woken from another CPU. */
  #soon(): WaitResult | number | undefined {
    let seen: WaitResult | number | undefined;
    for (let looks = 0; seen === undefined && looks < LOOKS; looks++) seen = wait(this.tid, WAIT.NOHANG);
    return seen;
  }

  /** Waits for the next stop that we asked for; other stops are passed over. */
  #stop(): void {
    for (;;) {
      roundTrips.stops++;
      const seen = (this.roams && this.#soon()) || wait(this.tid);
      if (seen === -4) continue;
      if (seen === undefined || typeof seen === "number") {
        throw new CrError("lost a traced task", { code: "ESRCH", subject: { pid: this.pid, tid: this.tid } });
      }
      if (seen.kind !== "stopped") throw new TaskGone(this.tid, seen);
      if (seen.signal === SYSCALL_STOP) return;
      if (seen.event !== PTRACE_EVENT.STOP && seen.signal === SIGSTOP) this.stopWanted = true;
      check(contToSyscall(this.tid), "cannot let the task go on", { tid: this.tid });
    }
  }

  /**
   * Makes the thread perform one system call through the trampoline at `ip`, its frame at `frame`: two stops. Returns the
   * result, negative errno included. A thread that loses us on the way makes the call, or not, and goes home.
   * @param undone an mmap that is taken back then
   */
  syscall(ip: number, frame: number, nr: number, args: readonly number[], undone = false): number {
    const entry = undone ? arch.entries.map : arch.entries.call;
    writeRegs(this.tid, arch.callHome(this.regs, ip + entry, frame, nr, args));
    // not before: with its own registers a thread keeps its own mask. A signal that comes in between still finds its own stack.
    this.block();
    return this.toCallEnd();
  }

  /** Blocks all signals, until `settle`; only for registers that lead home. */
  block(): void {
    if (!this.#blocked) setSigmask(this.tid, ALL_SIGNALS);
    this.#blocked = true;
  }

  /** Lets the thread run to the end of its next system call and gives its result: two stops. */
  toCallEnd(): number {
    for (let stops = 0; stops < 2; stops++) {
      check(contToSyscall(this.tid), "cannot let the task go on", { tid: this.tid });
      this.#stop();
    }
    return arch.result(readRegs(this.tid));
  }

  /** Lets the thread run with registers that lead home, all signals blocked. */
  send(regs: BigUint64Array): void {
    writeRegs(this.tid, regs);
    // not before: see `syscall`
    this.block();
    check(cont(this.tid), "cannot let the task go on", { tid: this.tid });
  }

  /** Asks the running thread to stop; `halt` waits for it. */
  call(): void {
    interrupt(this.tid);
  }

  /** Waits for the stop that was asked for. */
  halt(): void {
    while (!this.#seen(wait(this.tid)));
    roundTrips.stops++;
  }

  /** Notices that the running thread has ended, or was stopped by others: then it runs on. */
  notice(): void {
    const seen = wait(this.tid, WAIT.NOHANG);
    if (seen !== undefined && this.#seen(seen)) check(cont(this.tid), "cannot let the task go on", { tid: this.tid });
  }

  /** Whether this is a stop of our asking; the thread runs on after others. */
  #seen(seen: WaitResult | number | undefined): boolean {
    if (seen === EINTR) return false;
    if (seen === undefined || typeof seen === "number")
      throw new CrError("lost a traced task", { code: "ESRCH", subject: { pid: this.pid, tid: this.tid } });
    if (seen.kind !== "stopped") throw new TaskGone(this.tid, seen);
    if (seen.event === PTRACE_EVENT.STOP) return true;
    this.stopWanted ||= seen.signal === SIGSTOP;
    check(cont(this.tid), "cannot let the task go on", { tid: this.tid });
    return false;
  }

  /** Puts everything back as it was found; the thread is still stopped. Without us it would now go home by the frame at `frame`. */
  restore(ip: number, frame: number): void {
    writeFp(this.tid, this.fp);
    // home as well, with the stack pointer of its own: signals may come again
    writeRegs(this.tid, arch.callHome(this.regs, ip + arch.entries.call, frame, NR.rt_sigreturn, []));
    this.settle();
  }

  /**
   * The last call that the thread makes for us, at code that leads home by itself (`arch.lastCall`); afterwards everything is as
   * it was found.
   */
  lastCall(code: number, nr: number, args: readonly number[]): number {
    // the code brings everything back but these
    writeFp(this.tid, this.fp);
    writeRegs(this.tid, arch.callHere(this.regs, code, nr, args));
    const result = this.toCallEnd();
    this.settle();
    return result;
  }

  /** Mask and general registers as they were found. The thread's present registers lead there, and its stack is its own. */
  settle(): void {
    this.#blocked = false;
    setSigmask(this.tid, this.mask);
    writeRegs(this.tid, this.regs);
  }
}
