/** Restartable sequences: rseq(2), Documentation/userspace-api/rseq.rst, linux/rseq.h. */
import { arch } from "../agent/arch/index.ts";
import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { RseqEntry } from "../image/schema.gen.ts";
import type { RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { getRseq } from "../kernel/ptrace.ts";

/** Offsets in struct rseq. */
const RSEQ_CS = 8;
const RSEQ_FLAGS = 16;
/** Offsets in struct rseq_cs. */
const CS = { flags: 4, start: 8, length: 16, abort: 24, size: 32 } as const;
const NO_RESTART_ON_SIGNAL = 2;

/** A thread's restartable sequence when it was stopped. */
export interface RseqState {
  /** Absent where the thread registered none. */
  entry: RseqEntry | undefined;
  /** Where the thread goes on when it was in a critical section that must not go on: its abort handler. */
  abortIp: number | undefined;
  /**
   * To be put back as the very last thing before the thread runs: it stands in a section that signals do not abort, and
   * the kernel forgets the section when the thread runs anything else.
   */
  writeBack: { address: number; bytes: Uint8Array } | undefined;
}

/**
 * Reads the state of a stopped thread, before it runs anything of ours.
 * @param regs its registers
 */
export function readRseq(tid: number, memory: RemoteMemory, regs: BigUint64Array): RseqState {
  const config = getRseq(tid);
  if (!config || config.pointer === 0) return { entry: undefined, abortIp: undefined, writeBack: undefined };
  const entry: RseqEntry = {
    rseq_abi_pointer: config.pointer,
    rseq_abi_size: config.size,
    signature: config.signature,
  };
  const state: RseqState = { entry, abortIp: undefined, writeBack: undefined };
  const area = new Uint8Array(24);
  if (!memory.tryRead(config.pointer, area)) return state;
  const view = new DataView(area.buffer);
  const pointer = Number(view.getBigUint64(RSEQ_CS, true));
  const section = new Uint8Array(CS.size);
  if (pointer === 0 || !memory.tryRead(pointer, section)) return state;
  const cs = new DataView(section.buffer);
  const start = Number(cs.getBigUint64(CS.start, true));
  const ip = arch.ip(regs);
  if (ip < start || ip >= start + Number(cs.getBigUint64(CS.length, true))) return state;
  if ((cs.getUint32(CS.flags, true) | view.getUint32(RSEQ_FLAGS, true)) & NO_RESTART_ON_SIGNAL) {
    entry.rseq_cs_pointer = pointer;
    state.writeBack = { address: config.pointer + RSEQ_CS, bytes: area.slice(RSEQ_CS, RSEQ_CS + 8) };
  } else {
    state.abortIp = Number(cs.getBigUint64(CS.abort, true));
  }
  return state;
}

/**
 * Moves a thread out of its critical section, as any preemption would have done: it goes on in its abort handler. Do it
 * to the registers that the image gets and to those that the thread itself gets back.
 */
export function leaveSection(state: RseqState, regs: BigUint64Array): void {
  if (state.abortIp !== undefined) arch.setIp(regs, state.abortIp);
}

/** Registers the sequence for the thread that runs the program; the memory must be there. */
export function restoreRseq(program: Program, entry: RseqEntry | undefined): void {
  const address = Number(entry?.rseq_abi_pointer ?? 0);
  // CRIU writes an entry for threads that registered none, too
  if (!entry || address === 0) return;
  if (NR.rseq < 0) throw new CrError("no restartable sequences on this machine", { code: "ENOSYS" });
  program.call(NR.rseq, [address, entry.rseq_abi_size, 0, entry.signature], {
    what: "cannot register the restartable sequence",
    subject: { address },
  });
}

/** What to write into the thread's memory as the very last thing before it runs. */
export function rseqWriteBack(entry: RseqEntry | undefined): { address: number; bytes: Uint8Array } | undefined {
  if (!entry?.rseq_cs_pointer || !entry.rseq_abi_pointer) return undefined;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(entry.rseq_cs_pointer), true);
  return { address: Number(entry.rseq_abi_pointer) + RSEQ_CS, bytes };
}
