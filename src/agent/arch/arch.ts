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
   * A system call followed by rt_sigreturn: injected calls run from here, and a task that nobody stops after its call falls
   * into rt_sigreturn and is home.
   */
  readonly trampoline: Uint8Array;
  ip(regs: BigUint64Array): number;
  sp(regs: BigUint64Array): number;
  /** Result of a system call, signed. */
  result(regs: BigUint64Array): number;
  /** Registers that make a call at `ip` with stack `sp`; the others are as in `home`. */
  call(home: BigUint64Array, ip: number, sp: number, nr: number, args: readonly number[]): BigUint64Array;
  /** Registers that enter a function of one argument. */
  enter(home: BigUint64Array, ip: number, sp: number, argument: number): BigUint64Array;
  /**
   * Registers as a signal frame must hold them: the restart of an interrupted system call is worked in, since only the kernel's own
   * way out of the stop would do it.
   */
  atRest(regs: BigUint64Array): BigUint64Array;
  /** The call that the task was interrupted in, or -1 outside of system calls; negative errno of the kernel's restart logic. */
  interrupted(regs: BigUint64Array): { nr: number; error: number } | undefined;
  /** Bytes that `frame` needs below its end. */
  frameSize(fpSize: number): number;
  /**
   * A complete rt_sigreturn frame, to be written at `end - bytes.length`.
   * @param end highest address, page aligned
   * @returns the bytes and the stack pointer with which rt_sigreturn finds it
   */
  frame(regs: BigUint64Array, fp: Uint8Array, mask: bigint, end: number): { bytes: Uint8Array; sp: number };
  /** Moves the instruction pointer. */
  setIp(regs: BigUint64Array, ip: number): void;
}

export function signed(value: bigint | undefined): number {
  return Number(BigInt.asIntN(64, value ?? 0n));
}
