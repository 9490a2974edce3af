/** The tables of restart.ts for 32-bit x86 code. Their timespecs hold numbers of 32 bits, but for the calls of `_time64`. */
import { I386 } from "../kernel/nr-i386.ts";
import { TIMER_ABSTIME } from "../kernel/uapi/event.ts";
import { FUTEX } from "../kernel/uapi/futex.ts";
import type { CallTables, Timeout } from "./restart.ts";

const FUTEX_COMMAND = 0x7f;
/** The operation of ipc(2) that is semtimedop(2). */
const SEMTIMEDOP = 4;

type Shape = (args: readonly number[]) => Timeout | undefined;

const endless: Shape = () => undefined;
const msAt =
  (arg: number, least: number): Shape =>
  (args) =>
    ((args[arg] ?? 0) | 0) >= least ? { arg, ms: true } : undefined;
const timespecAt =
  (arg: number, narrow?: true): Shape =>
  (args) =>
    args[arg] === 0 ? undefined : { arg, narrow };
const sleep =
  (narrow?: true): Shape =>
  (args) =>
    (args[1] ?? 0) & TIMER_ABSTIME ? undefined : { arg: 2, left: 3, narrow };
const futex =
  (narrow?: true): Shape =>
  (args) =>
    ((args[1] ?? 0) & FUTEX_COMMAND) === FUTEX.WAIT && args[3] !== 0 ? { arg: 3, narrow } : undefined;

export const i386Tables: CallTables = {
  restart: I386.restart_syscall,
  blocks: new Map<number, Shape>([
    [I386.nanosleep, () => ({ arg: 0, left: 1, narrow: true })],
    [I386.clock_nanosleep, sleep(true)],
    [I386.clock_nanosleep_time64, sleep()],
    [I386.futex, futex(true)],
    [I386.futex_time64, futex()],
    [I386.poll, msAt(2, 0)],
  ]),
  disturbed: new Map<number, Shape>([
    [I386.epoll_wait, msAt(3, 1)],
    [I386.epoll_pwait, msAt(3, 1)],
    [I386.epoll_pwait2, timespecAt(3)],
    [I386.rt_sigtimedwait, timespecAt(2, true)],
    [I386.rt_sigtimedwait_time64, timespecAt(2)],
    [I386.semtimedop_time64, timespecAt(3)],
    [I386.io_getevents, timespecAt(4, true)],
    [I386.ipc, (args) => (args[0] === SEMTIMEDOP && args[5] !== 0 ? { arg: 5, narrow: true } : undefined)],
    ...[I386.io_uring_enter, I386.read, I386.readv, I386.write, I386.writev, I386.socketcall, I386.connect].map(
      (nr) => [nr, endless] as const,
    ),
    ...[I386.recvfrom, I386.recvmsg, I386.recvmmsg, I386.recvmmsg_time64, I386.sendto, I386.sendmsg, I386.accept4].map(
      (nr) => [nr, endless] as const,
    ),
  ]),
};

/** Calls whose time matters; see wait.ts. */
export const I386_TIMED: ReadonlySet<number> = new Set<number>([
  ...i386Tables.blocks.keys(),
  I386.epoll_wait,
  I386.epoll_pwait,
  I386.epoll_pwait2,
  I386.rt_sigtimedwait,
  I386.rt_sigtimedwait_time64,
  I386.semtimedop_time64,
  I386.ipc,
  I386.io_getevents,
  I386.restart_syscall,
]);
