/**
 * Puts a restored thread back into a call with a relative timeout: it makes the call with the time that was left, at its own
 * instruction, and is stopped in it. The kernel then remembers the call as it did when the thread was dumped, and goes on with
 * it when the thread runs.
 */
import { readRegs, writeRegs } from "../agent/tracee.ts";
import { CrError } from "../error.ts";
import type { TscriuRestart } from "../image/schema.gen.ts";
import type { RemoteMemory } from "../kernel/memory.ts";
import { cont, contToSyscall, interrupt, waitStop } from "../kernel/ptrace.ts";
import { check } from "../kernel/sys.ts";
import { PTRACE_EVENT } from "../kernel/uapi/ptrace.ts";
import { callRegisters, EINTR, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ERESTARTSYS } from "./arch/call.ts";
import { callTables, LEFT_SIZE, timespec } from "./restart.ts";

const SYSCALL_STOP = 5 | 0x80;
const NS_PER_MS = 1e6;

/**
 * Lets a stopped thread enter its call again. Memory and descriptors are in place, all its signals are blocked, and no other
 * thread of the process runs yet. Two stops; the thread stands stopped afterwards.
 * @param regs the registers that the image gives it
 * @param scratch address of 16 bytes of its memory that nobody needs meanwhile
 * @returns the registers that it must finally get instead of `regs`
 */
export function resumeCall(
  tid: number,
  regs: BigUint64Array,
  restart: TscriuRestart,
  memory: RemoteMemory,
  scratch: number,
): BigUint64Array {
  const calls = callRegisters(regs);
  const call = calls.fromImage(regs, restart.nr);
  const timeout = callTables(regs).blocks.get(restart.nr)?.(call.args);
  // the image is not what we take it for: EINTR, as its registers say, harms nobody
  if (!timeout || !calls.isCall(regs, memory)) return regs;
  const left = Number(restart.remaining_ns);
  if (!timeout.ms) memory.write(scratch, timespec(left, timeout.narrow));
  const value = timeout.ms ? Math.ceil(left / NS_PER_MS) : scratch;
  writeRegs(tid, calls.outside(calls.again(regs, call, { arg: timeout.arg, value })));
  check(contToSyscall(tid), "cannot let the thread enter its call", { tid });
  for (let seen = waitStop(tid); seen.signal !== SYSCALL_STOP; seen = waitStop(tid)) {
    check(contToSyscall(tid), "cannot let the thread enter its call", { tid });
  }
  // the stop is there before the call begins to wait: it does not wait at all
  check(interrupt(tid), "cannot stop the thread in its call", { tid });
  check(cont(tid), "cannot let the thread enter its call", { tid });
  const seen = waitStop(tid);
  if (seen.event !== PTRACE_EVENT.STOP)
    throw new CrError("a restored thread was disturbed", { code: "EBUSY", subject: { tid } });
  const outcome = calls.outcome(readRegs(tid), regs);
  if (outcome === ERESTART_RESTARTBLOCK) {
    // it has just told the time left, which the thread is not to see
    const told = timeout.left === undefined ? 0 : (call.args[timeout.left] ?? 0);
    if (told !== 0 && restart.before?.length === LEFT_SIZE) memory.write(told, restart.before);
    return calls.inside(regs, call);
  }
  // what it waits for is there already, or its time is over
  const restarts = outcome <= ERESTARTSYS && outcome >= ERESTARTNOHAND;
  return calls.returned(regs, call, restarts ? EINTR : outcome);
}
