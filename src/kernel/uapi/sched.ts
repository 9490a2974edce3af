// linux/sched.h, linux/ioprio.h

/** Flags of clone3(2). CLEAR_SIGHAND and INTO_CGROUP lie above bit 31: add them, do not or them. */
export const CLONE = {
  NEWTIME: 0x80,
  VM: 0x100,
  FS: 0x200,
  FILES: 0x400,
  SIGHAND: 0x800,
  PIDFD: 0x1000,
  PTRACE: 0x2000,
  VFORK: 0x4000,
  PARENT: 0x8000,
  THREAD: 0x10000,
  NEWNS: 0x20000,
  SYSVSEM: 0x40000,
  SETTLS: 0x80000,
  PARENT_SETTID: 0x100000,
  CHILD_CLEARTID: 0x200000,
  UNTRACED: 0x800000,
  CHILD_SETTID: 0x1000000,
  NEWCGROUP: 0x2000000,
  NEWUTS: 0x4000000,
  NEWIPC: 0x8000000,
  NEWUSER: 0x10000000,
  NEWPID: 0x20000000,
  NEWNET: 0x40000000,
  IO: 0x80000000,
  CLEAR_SIGHAND: 0x100000000,
  INTO_CGROUP: 0x200000000,
} as const;

/** Scheduling policies. */
export const SCHED = {
  NORMAL: 0,
  FIFO: 1,
  RR: 2,
  BATCH: 3,
  IDLE: 5,
  DEADLINE: 6,
  EXT: 7,
} as const;

/** Bit of the policy that sched_getscheduler(2) returns. */
export const SCHED_RESET_ON_FORK = 0x4000_0000;

/** Flags of struct sched_attr. */
export const SCHED_FLAG = {
  RESET_ON_FORK: 1,
  RECLAIM: 2,
  DL_OVERRUN: 4,
  KEEP_POLICY: 8,
  KEEP_PARAMS: 0x10,
  UTIL_CLAMP_MIN: 0x20,
  UTIL_CLAMP_MAX: 0x40,
} as const;

/** I/O priority classes, in bits 13 and up of a priority. */
export const IOPRIO_CLASS = {
  NONE: 0,
  RT: 1,
  BE: 2,
  IDLE: 3,
} as const;

export const IOPRIO_WHO = {
  PROCESS: 1,
  PGRP: 2,
  USER: 3,
} as const;
