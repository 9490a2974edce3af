// linux/ptrace.h, asm/ptrace-abi.h, linux/elf.h
import { byArch } from "./arch.ts";

/** Requests of ptrace(2). */
export const PTRACE = {
  TRACEME: 0,
  PEEKTEXT: 1,
  PEEKDATA: 2,
  PEEKUSR: 3,
  POKETEXT: 4,
  POKEDATA: 5,
  POKEUSR: 6,
  CONT: 7,
  KILL: 8,
  SINGLESTEP: 9,
  ATTACH: 0x10,
  DETACH: 0x11,
  SYSCALL: 0x18,
  SYSEMU: 0x1f,
  SYSEMU_SINGLESTEP: 0x20,
  SETOPTIONS: 0x4200,
  GETEVENTMSG: 0x4201,
  GETSIGINFO: 0x4202,
  SETSIGINFO: 0x4203,
  GETREGSET: 0x4204,
  SETREGSET: 0x4205,
  SEIZE: 0x4206,
  INTERRUPT: 0x4207,
  LISTEN: 0x4208,
  PEEKSIGINFO: 0x4209,
  GETSIGMASK: 0x420a,
  SETSIGMASK: 0x420b,
  SECCOMP_GET_FILTER: 0x420c,
  SECCOMP_GET_METADATA: 0x420d,
  GET_SYSCALL_INFO: 0x420e,
  GET_RSEQ_CONFIGURATION: 0x420f,
  SET_SYSCALL_USER_DISPATCH_CONFIG: 0x4210,
  GET_SYSCALL_USER_DISPATCH_CONFIG: 0x4211,
  SET_SYSCALL_INFO: 0x4212,
} as const;

/** x86 only: arch_prctl(2) of the tracee. */
export const PTRACE_ARCH_PRCTL = byArch(30, -1);

/** Options. */
export const PTRACE_O = {
  TRACESYSGOOD: 1,
  TRACEFORK: 2,
  TRACEVFORK: 4,
  TRACECLONE: 8,
  TRACEEXEC: 0x10,
  TRACEVFORKDONE: 0x20,
  TRACEEXIT: 0x40,
  TRACESECCOMP: 0x80,
  EXITKILL: 0x100000,
  SUSPEND_SECCOMP: 0x200000,
} as const;

/** Events: bits 16 and up of a stop's wait status. */
export const PTRACE_EVENT = {
  FORK: 1,
  VFORK: 2,
  CLONE: 3,
  EXEC: 4,
  VFORK_DONE: 5,
  EXIT: 6,
  SECCOMP: 7,
  STOP: 0x80,
} as const;

export const PTRACE_PEEKSIGINFO_SHARED = 1;

/** op of struct ptrace_syscall_info. */
export const SYSCALL_INFO = {
  NONE: 0,
  ENTRY: 1,
  EXIT: 2,
  SECCOMP: 3,
} as const;

/** Register sets of PTRACE_GETREGSET. */
export const NT = {
  PRSTATUS: 1,
  PRFPREG: 2,
  X86_XSTATE: 0x202,
  X86_SHSTK: 0x204,
  ARM_TLS: 0x401,
  ARM_HW_BREAK: 0x402,
  ARM_HW_WATCH: 0x403,
  ARM_SYSTEM_CALL: 0x404,
  ARM_SVE: 0x405,
  ARM_PAC_MASK: 0x406,
  ARM_PACA_KEYS: 0x407,
  ARM_PACG_KEYS: 0x408,
  ARM_TAGGED_ADDR_CTRL: 0x409,
  ARM_PAC_ENABLED_KEYS: 0x40a,
  ARM_SSVE: 0x40b,
  ARM_ZA: 0x40c,
  ARM_ZT: 0x40d,
  ARM_FPMR: 0x40e,
  ARM_POE: 0x40f,
  ARM_GCS: 0x410,
} as const;
