/** What differs between the architectures when code is injected: registers, the signal frame, the trampoline. */
export interface Arch {
  readonly name: "x86_64" | "aarch64";
  /** Size of NT_PRSTATUS, bytes. */
  readonly regsSize: number;
  /** Register sets that hold all extended state: the first that the machine has is used. */
  readonly fpTypes: readonly number[];
  /**
   * The register set that tells which system call a thread is in: the kernel's way out of a stop looks at it besides the general
   * registers. Undefined where these say it themselves.
   */
  readonly callType: number | undefined;
  /** How much of an extended register set is state, bytes. */
  fpLength(given: Uint8Array): number;
  /**
   * Where injected calls run. It begins by taking the stack pointer from a register that is ours, so that the task's own stands as
   * long as a signal may still come; then a system call, then rt_sigreturn: a task that nobody stops after its call is home.
   * At most 32 bytes.
   */
  readonly trampoline: Uint8Array;
  /** Offsets in the trampoline. */
  readonly entries: {
    /** Takes the stack pointer and makes a call. */
    readonly call: number;
    /** As `call`, for mmap: a task that nobody stops afterwards unmaps what it got. */
    readonly map: number;
    /** The system call instruction itself. */
    readonly syscall: number;
  };
  /**
   * Code that makes a list of calls (`ERRAND` in errand.ts) and then goes home by rt_sigreturn; it needs no stack before. What
   * stands behind it is not touched.
   */
  readonly errand: Uint8Array;
  /** System calls leave the extended state alone; on other machines a part of it is lost by each. */
  readonly callsKeepState: boolean;
  /** Registers that enter `errand` at `ip`, for calls from `first` to `end`, home by the frame at `frame`. */
  runErrand(home: BigUint64Array, ip: number, frame: number, first: number, end: number): BigUint64Array;
  /** Registers as ptrace gave them, in the form that all others expect. */
  asFound(regs: BigUint64Array): BigUint64Array;
  /** Whether they are those of 32-bit code in an address space of 32 bits, or of a task that calls the kernel as such. */
  isI386(regs: BigUint64Array): boolean;
  /** Whether a segment register shows one of the program's own (modify_ldt(2)). */
  hasOwnSegment(regs: BigUint64Array): boolean;
  ip(regs: BigUint64Array): number;
  sp(regs: BigUint64Array): number;
  /** Result of a system call, signed. */
  result(regs: BigUint64Array): number;
  /** Registers that make a call at `ip` with stack `sp`; the others are as in `home`. Code of ours is never 32-bit code. */
  call(home: BigUint64Array, ip: number, sp: number, nr: number, args: readonly number[]): BigUint64Array;
  /**
   * Registers that make a call through an entry of the trampoline, home by the frame at `frame`. The stack pointer stays the
   * task's own until the trampoline runs.
   */
  callHome(home: BigUint64Array, ip: number, frame: number, nr: number, args: readonly number[]): BigUint64Array;
  /**
   * Code that makes the call which `callHere` enters, sets the signal mask and all general registers and goes where the task was,
   * without a frame; undefined where the architecture has no way to do so.
   */
  lastCall(regs: BigUint64Array, mask: bigint): Uint8Array | undefined;
  /** Registers that make a call at `ip`, everything else the task's own. */
  callHere(home: BigUint64Array, ip: number, nr: number, args: readonly number[]): BigUint64Array;
  /** Registers that enter a function of one argument. */
  enter(home: BigUint64Array, ip: number, sp: number, argument: number): BigUint64Array;
  /**
   * Registers as a signal frame must hold them: the restart of an interrupted system call is worked in, since only the kernel's own
   * way out of the stop would do it.
   */
  atRest(regs: BigUint64Array): BigUint64Array;
  /** The call that the task was interrupted in, or -1 outside of system calls; negative errno of the kernel's restart logic. */
  interrupted(regs: BigUint64Array): { nr: number; error: number } | undefined;
  /**
   * How much of an extended register set a frame holds, bytes: the kernel takes the whole of a frame for one without extended
   * state if it is larger than what the task may use.
   */
  framedState(fp: Uint8Array): number;
  /** Bytes that `frame` needs below its end for so many bytes of extended state. */
  frameSize(framed: number): number;
  /**
   * A complete rt_sigreturn frame, to be written at `end - bytes.length`.
   * @param end highest address, page aligned
   * @param room zeros that end there, as many as `frameSize` says or more, to write it into; without it there are new ones
   * @returns the bytes and the stack pointer with which rt_sigreturn finds it
   */
  frame(
    regs: BigUint64Array,
    fp: Uint8Array,
    mask: bigint,
    end: number,
    room?: Uint8Array,
  ): { bytes: Uint8Array; sp: number };
  /** So many bytes at the beginning of a frame are the same in all of them. */
  readonly frameHead: number;
  /** Moves the instruction pointer. */
  setIp(regs: BigUint64Array, ip: number): void;
}

export function signed(value: bigint | undefined): number {
  return Number(BigInt.asIntN(64, value ?? 0n));
}
