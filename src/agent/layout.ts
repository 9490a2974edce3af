/**
 * The area that the coordinator shares with one agent, and the records in it. blobs/agent.c declares the same; the numbers
 * must agree. All offsets are bytes from the area's start.
 *
 * What a short program touches lies side by side from the start on: we have it brought in by one call, and the agent's first
 * fault finds it there and maps all of it.
 */
export const AREA = {
  code: 0,
  codeSize: 0x1000,
  /** Where a puppet keeps its trampoline, behind the agent's code. */
  trampoline: 0xf00,
  /** In one page with the stack, which grows towards it. */
  control: 0x1000,
  stackEnd: 0x2000,
  /** Data of short programs. */
  near: 0x2000,
  nearEnd: 0x3000,
  ops: 0x3000,
  /** Records that fit between `ops` and `untouched`. */
  maxOps: 1600,
  /** A page that nobody ever touches. */
  untouched: 0x23000,
  /** Data that has no room in `near`. */
  data: 0x24000,
  size: 0x84000,
} as const;

/** Where what is touched of the area ends: by the questions of a dump, which are some 40 records, and by a restore. */
export const TOUCHED = { asked: 0x4000, restored: 0x5000 } as const;

/** `struct control`, from AREA.control. */
export const CONTROL = {
  /** u32: STATE_*. */
  state: 0,
  /** u32: 1 when it makes a socket and listens there, 0 when it waits on `state`. */
  socket: 4,
  /** u32: how many records to run. */
  ops: 8,
  /** u32: index of the record that failed, or `ops` when none did. */
  stopped: 12,
  /** u32: 1 for an init that passes no signals on. */
  quiet: 16,
  /** u32: 1 when only rt_sigreturn may be called at the end (seccomp). */
  filtered: 20,
  /** u64: where to jump to leave: address of the nine bytes, stack pointer for them, area address and size. */
  leaveIp: 24,
  leaveSp: 32,
  base: 40,
  size: 48,
  /** u64: address of its first record. */
  areaOps: 56,
  /** Two s32: the ends of the socket, the agent's own first. */
  pair: 64,
} as const;

/** Where threads on an errand wait for us: u32, `closed` as long as we live. */
export const GATE = { at: 0x1048, closed: 0x7a3c_91e5 } as const;

/** Threads whose affinity the agent puts back when the coordinator dies: u32 count, then {u32 tid, u32 length, mask}. */
export const PINS = { count: 0x1200, at: 0x1208, size: 136, mask: 8, max: 4 } as const;

export const STATE_IDLE = 0;
export const STATE_RUN = 1;
/** For an agent that is entered anew: go home. */
export const STATE_LEAVE = 2;
/** For one that becomes an init: `ops` is the pid of its child that the tree begins with. */
export const STATE_KEEP = 3;

/** `struct op`: one system call of a program. `after`: index + 1 of the record whose result must be `expect`, or it is not made. */
export const OP = { nr: 0, policy: 4, after: 6, kinds: 8, args: 16, result: 64, expect: 72, size: 80 } as const;

/** What to do with a result of -4095 .. -1. */
export const POLICY_STOP = 0;
export const POLICY_IGNORE = 1;
/** The result must equal `expect`. */
export const POLICY_EXPECT = 2;

/** How to read an argument; four bits each in `kinds`, the first argument lowest. */
export const ARG_LITERAL = 0;
/** Offset in the area. */
export const ARG_AREA = 1;
/** Result of the record with this index. */
export const ARG_RESULT = 2;
/** The signed 32-bit number at this offset of the area. */
export const ARG_LOAD32 = 3;

/** What the agent does besides system calls; numbers above all of the kernel's. */
export const PSEUDO = {
  /** (fd, iovec array, count, offset): pwritev until all is written. */
  writevAll: 0x10000,
  /** (address, value): a 32-bit store. */
  store32: 0x10001,
  /** (address, value): a 64-bit store. */
  store64: 0x10002,
  /** (destination, source, length): copies bytes. */
  copy: 0x10003,
  /** (address, value): stores a 32-bit value and wakes all that wait for it. */
  wake: 0x10004,
  /**
   * (LDTILECFG's operand): uses the tiles of AMX, so that the kernel gives the thread room for them. -ENOSYS elsewhere than on
   * x86.
   */
  useTiles: 0x10005,
  /** (struct clone_args of 88 bytes, control block): clone3 whose child runs the agent with that control block. */
  startThread: 0x10006,
  /** (destination): what rt_sigaction(2) says of each signal, from 1 to 64, 32 bytes each. */
  sigactions: 0x10007,
  /** Plus the number that 32-bit programs of x86 know a system call by: that call, made as they do; five arguments. */
  i386: 0x20000,
} as const;
