/**
 * System calls that our stop interrupted. A thread that was inside one must find itself inside it again, with the time that
 * was left. Three kinds:
 *
 * - The kernel would simply make the call again (ERESTARTSYS and its kin, an absolute timeout, no timeout at all): the image's
 *   registers do so, for any restorer.
 * - The kernel keeps the time that is left where nobody can read or write it (ERESTART_RESTARTBLOCK: nanosleep, futex and
 *   poll with a relative timeout). The image's registers say EINTR, which is all that CRIU makes of it. Beside them stands what
 *   our own restore needs: `resumeCall` makes the call with the time left and interrupts it, so that the kernel remembers
 *   it again by itself. A thread that is left running needs nothing: the kernel restarts it.
 * - The call returns EINTR for any stop, and the kernel knows no restart (epoll_wait, sigtimedwait, semtimedop, io_getevents,
 *   sockets with a timeout of their own): it is made again with the time left, in the image and in a thread that is left
 *   running, unless a signal waits, whose handler the thread will find run. A socket's own timeout starts anew.
 *
 * Where the time is not known (it needs /proc/TID/sched), the call gets its full time once more: it then ends late, never early.
 */
import { arch } from "../agent/arch/index.ts";
import type { TscriuRestart } from "../image/schema.gen.ts";
import type { RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { TIMER_ABSTIME } from "../kernel/uapi/event.ts";
import { FUTEX } from "../kernel/uapi/futex.ts";
import {
  callRegisters,
  EINTR,
  ERESTART_RESTARTBLOCK,
  ERESTARTNOHAND,
  ERESTARTNOINTR,
  ERESTARTSYS,
  type InterruptedCall,
} from "./arch/call.ts";
import { i386Tables } from "./restart-i386.ts";
import type { Wait } from "./wait.ts";

const FUTEX_COMMAND = 0x7f;
const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;
/** The ABI lets a function use so much below the stack pointer. */
const RED_ZONE = 128;
/** The kernel has no longer times: KTIME_SEC_MAX. */
const LONGEST_S = 2 ** 63 / NS_PER_S;
/** A wait that is over must still be made, and end at once. */
const LEAST = 1;

/** Where a call's relative timeout stands. */
export interface Timeout {
  /** Index of the argument: a pointer to a timespec, or with `ms` a number of milliseconds. */
  arg: number;
  ms?: true;
  /** The timespec holds two numbers of 32 bits, else of 64. */
  narrow?: true;
  /** Index of the pointer to where the kernel has written the time left when it was interrupted. */
  left?: number;
}

/** What is known of the calls of one kind of code, by their numbers. */
export interface CallTables {
  /** restart_syscall(2). */
  readonly restart: number;
  /** Calls that the kernel restarts by its own memory. */
  readonly blocks: ReadonlyMap<number, (args: readonly number[]) => Timeout | undefined>;
  /** Calls that return EINTR whenever they are disturbed, and may be made again. */
  readonly disturbed: ReadonlyMap<number, (args: readonly number[]) => Timeout | undefined>;
}

const BLOCKS = new Map<number, (args: readonly number[]) => Timeout | undefined>([
  [NR.nanosleep, () => ({ arg: 0, left: 1 })],
  [NR.clock_nanosleep, (args) => ((args[1] ?? 0) & TIMER_ABSTIME ? undefined : { arg: 2, left: 3 })],
  [NR.futex, (args) => (((args[1] ?? 0) & FUTEX_COMMAND) === FUTEX.WAIT && args[3] !== 0 ? { arg: 3 } : undefined)],
  [NR.poll, (args) => (((args[2] ?? 0) | 0) >= 0 ? { arg: 2, ms: true } : undefined)],
]);

const timespecAt =
  (arg: number) =>
  (args: readonly number[]): Timeout | undefined =>
    args[arg] === 0 ? undefined : { arg };
const msAt =
  (arg: number) =>
  (args: readonly number[]): Timeout | undefined =>
    ((args[arg] ?? 0) | 0) > 0 ? { arg, ms: true } : undefined;
const endless = () => undefined;

const DISTURBED = new Map<number, (args: readonly number[]) => Timeout | undefined>([
  [NR.epoll_wait, msAt(3)],
  [NR.epoll_pwait, msAt(3)],
  [NR.epoll_pwait2, timespecAt(3)],
  [NR.rt_sigtimedwait, timespecAt(2)],
  [NR.semtimedop, timespecAt(3)],
  [NR.io_getevents, timespecAt(4)],
  ...[NR.semop, NR.io_uring_enter, NR.read, NR.readv, NR.write, NR.writev, NR.recvfrom, NR.recvmsg, NR.recvmmsg].map(
    (nr) => [nr, endless] as const,
  ),
  ...[NR.sendto, NR.sendmsg, NR.accept, NR.accept4, NR.connect].map((nr) => [nr, endless] as const),
]);

const tables: CallTables = { restart: NR.restart_syscall, blocks: BLOCKS, disturbed: DISTURBED };

/** The calls of the code that these registers belong to. */
export function callTables(regs: BigUint64Array): CallTables {
  return arch.isI386(regs) ? i386Tables : tables;
}

/** Where the kernel will write the time that a call of native code has left when it is interrupted; 0 for nowhere. */
export function leftAt(wait: Wait): number {
  const left = BLOCKS.get(wait.restarted ?? wait.nr)?.(wait.args)?.left;
  return left === undefined ? 0 : (wait.args[left] ?? 0);
}

/** Of a struct timespec. */
export const LEFT_SIZE = 16;

/** What is to be done about a thread's interrupted call. */
export interface Restart {
  /** The image's general registers. */
  image: BigUint64Array;
  /** Registers that the thread needs when it is left running; undefined when those that it has are right. */
  live: BigUint64Array | undefined;
  /** For thread_core. */
  entry: TscriuRestart | undefined;
  /**
   * Bytes to write into the thread's memory before its pages are saved: below its stack, where nothing lives.
   */
  patches: { address: number; bytes: Uint8Array }[];
  /** What the stop has overwritten, for a thread that is left running. */
  before?: { address: number; bytes: Uint8Array };
}

/** What is known of a thread besides its registers. */
export interface Circumstances {
  /** `readWait` of before the stop. */
  wait: Wait | undefined;
  /** `waited`: how long, nanoseconds. */
  waited: number | undefined;
  /** It has not run since `wait` was read: what lay there then lay there until the stop. */
  undisturbed?: boolean;
  /** A signal waits that is not blocked, or the thread was stopped by one: an EINTR is meant. */
  signalled: boolean;
  sp: number;
}

export function timespec(ns: number, narrow = false): Uint8Array {
  if (narrow) return new Uint8Array(Int32Array.of(Math.floor(ns / NS_PER_S), Math.floor(ns % NS_PER_S)).buffer);
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(Math.floor(ns / NS_PER_S)), true);
  view.setBigInt64(8, BigInt(Math.floor(ns % NS_PER_S)), true);
  return bytes;
}

function readTimespec(memory: RemoteMemory, address: number, narrow = false): number | undefined {
  const bytes = new Uint8Array(narrow ? 8 : 16);
  if (address === 0 || !memory.tryRead(address, bytes)) return undefined;
  const view = new DataView(bytes.buffer);
  // behind the nanoseconds of 32-bit code's 64-bit times lies anything
  const [seconds, nanoseconds] = narrow
    ? [view.getInt32(0, true), view.getUint32(4, true)]
    : [Number(view.getBigInt64(0, true)), view.getUint32(8, true)];
  // what nobody has written yet is no time
  const isTime = seconds >= 0 && seconds < LONGEST_S && nanoseconds < NS_PER_S;
  return isTime ? seconds * NS_PER_S + nanoseconds : undefined;
}

/** The time that a call has left, nanoseconds; undefined when its own arguments cannot be read. */
function remaining(
  call: InterruptedCall,
  timeout: Timeout,
  memory: RemoteMemory,
  spent: number | undefined,
): number | undefined {
  const value = call.args[timeout.arg] ?? 0;
  const full = timeout.ms ? (value | 0) * NS_PER_MS : readTimespec(memory, value, timeout.narrow);
  if (timeout.left !== undefined && call.error === ERESTART_RESTARTBLOCK) {
    const left = readTimespec(memory, call.args[timeout.left] ?? 0, timeout.narrow);
    // on a stop the kernel has just written it
    if (left !== undefined) return Math.max(LEAST, left);
  }
  // more than the whole time has gone: the wait that we know of was an earlier one
  if (full === undefined || spent === undefined || spent >= full) return full;
  return full - spent;
}

/**
 * What becomes of a stopped thread's interrupted call.
 * @param regs its general registers, as found
 */
export function planRestart(regs: BigUint64Array, memory: RemoteMemory, about: Circumstances): Restart {
  const asFound: Restart = { image: regs, live: undefined, entry: undefined, patches: [] };
  const call = callRegisters(regs).interrupted(regs, memory, about.wait);
  if (!call) return asFound;
  const known = about.wait?.nr === call.nr || about.wait?.nr === callTables(regs).restart;
  const spent = known ? about.waited : undefined;
  switch (call.error) {
    case ERESTARTSYS:
    case ERESTARTNOINTR:
    case ERESTARTNOHAND:
      return { ...asFound, image: callRegisters(regs).again(regs, call) };
    case ERESTART_RESTARTBLOCK:
      return planBlock(asFound, call, memory, spent, about.undisturbed ? about.wait : undefined);
    case EINTR:
      return about.signalled ? asFound : planDisturbed(asFound, call, memory, spent, about.sp);
    default:
      return asFound;
  }
}

function planBlock(
  asFound: Restart,
  call: InterruptedCall,
  memory: RemoteMemory,
  spent: number | undefined,
  wait: Wait | undefined,
): Restart {
  const { image: regs } = asFound;
  const calls = callRegisters(regs);
  const kind = callTables(regs).blocks.get(call.nr);
  // a call that we cannot name: nothing else is safe
  if (!kind) return { ...asFound, image: calls.gaveUp(regs, call) };
  const timeout = kind(call.args);
  if (!timeout) return { ...asFound, image: calls.again(regs, call) };
  const left = remaining(call, timeout, memory, spent);
  const address = timeout.left === undefined ? 0 : (call.args[timeout.left] ?? 0);
  const isKnown = wait !== undefined && address !== 0 && leftAt(wait) === address;
  const before = isKnown && !arch.isI386(regs) ? wait.before : undefined;
  const entry =
    left === undefined ? undefined : { nr: call.nr, remaining_ns: Math.round(left), ...(before && { before }) };
  const plan = { ...asFound, image: calls.gaveUp(regs, call), live: calls.goOn(regs), entry };
  return before ? { ...plan, before: { address, bytes: before } } : plan;
}

function planDisturbed(
  asFound: Restart,
  call: InterruptedCall,
  memory: RemoteMemory,
  spent: number | undefined,
  sp: number,
): Restart {
  const calls = callRegisters(asFound.image);
  const kind = callTables(asFound.image).disturbed.get(call.nr);
  if (!kind) return asFound;
  const timeout = kind(call.args);
  const patches: Restart["patches"] = [];
  let change: { arg: number; value: number } | undefined;
  const left = timeout && spent !== undefined ? remaining(call, timeout, memory, spent) : undefined;
  if (timeout && left !== undefined) {
    const address = Math.floor((sp - RED_ZONE - 16) / 16) * 16;
    change = { arg: timeout.arg, value: timeout.ms ? Math.ceil(left / NS_PER_MS) : address };
    if (!timeout.ms) patches.push({ address, bytes: timespec(left, timeout.narrow) });
  }
  const again = calls.again(asFound.image, call, change);
  return { image: again, live: calls.outside(again), entry: undefined, patches };
}
