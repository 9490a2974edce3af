/** What differs between the architectures when registers go to an image and come back. */
import type { Program } from "../../agent/program.ts";
import type { CoreEntry } from "../../image/schema.gen.ts";

/** The registers of a stopped thread, as ptrace gives them. */
export interface RawRegisters {
  /** NT_PRSTATUS. */
  general: BigUint64Array;
  /** All extended state: NT_X86_XSTATE (not compacted); NT_ARM_SVE on aarch64, NT_PRFPREG where the CPU has no SVE. */
  extended: Uint8Array;
}

/** Answers to requests of their own, as the kernel gave them: by register set on aarch64, by segment slot on x86. */
export type OtherRegisters = ReadonlyMap<number, Uint8Array>;

export interface SavedRegisters extends RawRegisters {
  others: OtherRegisters;
}

export interface RegisterKind {
  /**
   * What of the registers has a request of its own. Only a stopped thread answers, and later it may run the agent: to be read
   * at the stop.
   * @throws CrError when the thread uses what cannot be kept
   */
  readOthers(tid: number): OtherRegisters;
  /** The register part of a core entry: its machine type and its thread_info. */
  dump(tid: number, raw: SavedRegisters, clearTid: number): Pick<CoreEntry, "mtype" | "thread_info" | "ti_aarch64">;
  /** Before anything is made. @throws CrError when the image is of another architecture */
  requireOwn(core: CoreEntry): void;
  /** What the thread must ask the kernel for before it can be given its registers. */
  permit(program: Program, core: CoreEntry): void;
  /**
   * Registers for this CPU. `puppet` is what a thread of the restored process has before it is given its own: it tells how large
   * the state is here.
   * @throws CrError when the image is of another architecture or uses what this CPU lacks
   */
  build(core: CoreEntry, puppet: RawRegisters): RawRegisters;
  /** What of the registers has a request of its own and is not in `RawRegisters`; the thread is stopped. */
  restoreOthers(tid: number, core: CoreEntry): void;
  clearTid(core: CoreEntry): number | bigint;
}
