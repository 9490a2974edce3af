/** Tasks before an agent serves in them: they become ours to trace, make single calls, and execute the program of a puppet. */
import { CrError, type Subject } from "../error.ts";
import { embedded } from "../kernel/embedded.ts";
import { memoryFile } from "../kernel/loader.ts";
import { contToSyscall, seize, waitStop } from "../kernel/ptrace.ts";
import { check } from "../kernel/sys.ts";
import { PTRACE_O } from "../kernel/uapi/ptrace.ts";
import { arch } from "./arch/index.ts";
import { i386Program } from "./i386.ts";
import { readRegs, roundTrips, writeRegs } from "./tracee.ts";

const SYSCALL_STOP = 5 | 0x80;
const OPTIONS = PTRACE_O.TRACESYSGOOD | PTRACE_O.EXITKILL | PTRACE_O.TRACEEXEC;

/** Becomes the tracer of a new task, which suspends its seccomp where we may. */
export function trace(tid: number, subject: Subject): void {
  if (seize(tid, OPTIONS | PTRACE_O.SUSPEND_SECCOMP) < 0)
    check(seize(tid, OPTIONS), "cannot trace the new task", subject);
}

/**
 * Makes a stopped puppet perform one call at a `syscall` instruction.
 * @param before its registers now
 * @returns those afterwards
 */
export function injectCall(
  tid: number,
  ip: number,
  nr: number,
  args: readonly number[],
  before = readRegs(tid),
): BigUint64Array {
  writeRegs(tid, arch.call(before, ip, arch.sp(before), nr, args));
  for (let stops = 0; stops < 2; ) {
    check(contToSyscall(tid), "cannot let a puppet go on", { tid });
    const seen = waitStop(tid);
    roundTrips.stops++;
    if (seen.signal === SYSCALL_STOP) stops++;
  }
  return readRegs(tid);
}

/** What a puppet executes to become a task of such code. */
export function programFor(isI386: boolean): number {
  return memoryFile("tscriu", isI386 ? i386Program() : embedded("puppet"));
}

export function noI386(cause: unknown): CrError {
  return new CrError("this kernel does not run 32-bit programs, and the set holds such a task", {
    code: "ENOTSUP",
    cause,
    remedy: "restore on an x86 kernel with CONFIG_IA32_EMULATION, started without ia32_emulation=off",
  });
}
