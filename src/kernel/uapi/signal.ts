// asm/signal.h, asm-generic/siginfo.h

/** Signal numbers. */
export const SIG = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
} as const;

/** The kernel's first and last real-time signal (a libc keeps the first few for itself). */
const SIGRTMIN = 32;
export const SIGRTMAX = 64;

const NAMES = new Map<number, string>(Object.entries(SIG).map(([name, number]) => [number, `SIG${name}`]));

/** `SIGTERM` for 15, `SIGRT33` for a real-time signal. */
export function signalName(signal: number): string {
  return NAMES.get(signal) ?? (signal >= SIGRTMIN && signal <= SIGRTMAX ? `SIGRT${signal}` : `signal ${signal}`);
}

/** The signals of a set in which signal N is bit N - 1, ascending. */
export function signalsOf(set: bigint): number[] {
  const signals: number[] = [];
  for (let signal = 1, rest = set; rest !== 0n; signal++, rest >>= 1n) if (rest & 1n) signals.push(signal);
  return signals;
}

/** What rt_sigprocmask(2) does. */
export const SIG_HOW = {
  BLOCK: 0,
  UNBLOCK: 1,
  SETMASK: 2,
} as const;

/** Flags of rt_sigaction(2); unsigned. */
export const SA = {
  NOCLDSTOP: 1,
  NOCLDWAIT: 2,
  SIGINFO: 4,
  UNSUPPORTED: 0x400,
  EXPOSE_TAGBITS: 0x800,
  RESTORER: 0x4000000,
  ONSTACK: 0x8000000,
  RESTART: 0x10000000,
  NODEFER: 0x40000000,
  RESETHAND: 0x80000000,
} as const;

/** Flags of sigaltstack(2). */
export const SS = {
  ONSTACK: 1,
  DISABLE: 2,
  AUTODISARM: 0x8000_0000,
} as const;

/** si_code of signals that are sent. */
export const SI = {
  USER: 0,
  KERNEL: 0x80,
  QUEUE: -1,
  TIMER: -2,
  MESGQ: -3,
  ASYNCIO: -4,
  SIGIO: -5,
  TKILL: -6,
  DETHREAD: -7,
  ASYNCNL: -60,
} as const;

/** si_code of SIGCHLD. */
export const CLD = {
  EXITED: 1,
  KILLED: 2,
  DUMPED: 3,
  TRAPPED: 4,
  STOPPED: 5,
  CONTINUED: 6,
} as const;

/** sigev_notify of timers. */
export const SIGEV = {
  SIGNAL: 0,
  NONE: 1,
  THREAD: 2,
  THREAD_ID: 4,
} as const;

/** Bytes of siginfo_t and of the kernel's sigset_t. */
export const SIGINFO_SIZE = 128;
export const SIGSET_SIZE = 8;
