/** A thread's registers seen as a system call that it is in, was in, or shall make again. */
import { arch } from "../../agent/arch/index.ts";
import type { RemoteMemory } from "../../kernel/memory.ts";
import { NR } from "../../kernel/nr.ts";
import { I386 } from "../../kernel/nr-i386.ts";
import { whichTimespec } from "./i386.ts";

/** A system call that a stop interrupted. */
export interface InterruptedCall {
  nr: number;
  args: number[];
  /** What the call returned to the kernel's restart logic: -ERESTART…, or -EINTR. */
  error: number;
}

/** The call that a thread slept in before it was stopped, as /proc told. */
export interface KnownCall {
  nr: number;
  args: readonly number[];
  ip: number;
  /** The call that goes on, where `nr` only says that one does (restart_syscall). */
  restarted?: number;
}

export const ERESTARTSYS = -512;
export const ERESTARTNOINTR = -513;
export const ERESTARTNOHAND = -514;
export const ERESTART_RESTARTBLOCK = -516;
export const EINTR = -4;

export interface CallRegisters {
  /** The call that the stop interrupted, undefined when it was none. */
  interrupted(regs: BigUint64Array, memory: RemoteMemory, known: KnownCall | undefined): InterruptedCall | undefined;
  /** Registers that make the call once more, with one argument changed. */
  again(regs: BigUint64Array, call: InterruptedCall, change?: { arg: number; value: number }): BigUint64Array;
  /** Registers for the image of a call that only the kernel's own memory could restart: they say EINTR, or make it once more. */
  gaveUp(regs: BigUint64Array, call: InterruptedCall): BigUint64Array;
  /** Registers of `again` for a thread that is left running: the kernel must not think of a call of its own. */
  outside(regs: BigUint64Array): BigUint64Array;
  /** Registers with which the call has returned. */
  returned(regs: BigUint64Array, call: InterruptedCall, value: number): BigUint64Array;
  /**
   * Registers of a thread that is left running after it made calls of ours, with which the kernel goes on inside the call;
   * undefined when those that were found do.
   */
  goOn(regs: BigUint64Array): BigUint64Array | undefined;
  /** Registers with which the kernel goes on inside the call, by what it remembers of it (its restart block). */
  inside(regs: BigUint64Array, call: InterruptedCall): BigUint64Array;
  /** The call of which an image's registers say that it returned EINTR, or that it is to be made: number as given. */
  fromImage(regs: BigUint64Array, nr: number): InterruptedCall;
  /** Whether the instruction that `again` leads to is a system call. */
  isCall(regs: BigUint64Array, memory: RemoteMemory): boolean;
  /** What the kernel said when the call was interrupted or ended at once; `before` were the registers before the call. */
  outcome(regs: BigUint64Array, before: BigUint64Array): number;
}

const word = (value: number) => BigInt.asUintN(64, BigInt(value));
const number = (value: bigint | undefined) => Number(BigInt.asIntN(64, value ?? 0n));

/** struct user_regs_struct. */
const R10 = 7;
const R9 = 8;
const R8 = 9;
const AX = 10;
const DX = 12;
const SI = 13;
const DI = 14;
const ORIG_AX = 15;
const IP = 16;
const NOT_IN_SYSCALL = 0xffff_ffff_ffff_ffffn;
const BX = 5;
const CX = 11;
const BP = 4;
/** `mov $number, %eax` right before it. */
const MOV_EAX = 0xb8;

/** What differs between 64-bit and 32-bit code of x86. */
interface X86 {
  /** Registers of the arguments. */
  readonly args: readonly number[];
  /** The two bytes of the instruction. */
  readonly instruction: readonly [number, number];
  /** Number of restart_syscall(2). */
  readonly restart: number;
  /** The call that goes on, by what /proc told of it: see `KnownCall.restarted`. */
  restarted(known: number | undefined, args: readonly number[], memory: RemoteMemory): number | undefined;
}

function x86({ args, instruction, restart, restarted }: X86): CallRegisters {
  const argsOf = (regs: BigUint64Array) => args.map((register) => number(regs[register]));
  const calledAt = (memory: RemoteMemory, ip: number): number | undefined => {
    const code = new Uint8Array(7);
    if (!memory.tryRead(ip - 7, code) || code[0] !== MOV_EAX) return undefined;
    if (code[5] !== instruction[0] || code[6] !== instruction[1]) return undefined;
    return new DataView(code.buffer).getUint32(1, true);
  };
  return {
    goOn: () => undefined,
    interrupted(regs, memory, known) {
      let nr = number(regs[ORIG_AX]) | 0;
      const error = number(regs[AX]);
      if (nr < 0 || (error !== EINTR && (error < ERESTART_RESTARTBLOCK || error > ERESTARTSYS))) return undefined;
      // interrupted before and gone on: the call's own number is no more in the registers
      if (nr === restart)
        nr = calledAt(memory, Number(regs[IP])) ?? restarted(known?.restarted, argsOf(regs), memory) ?? nr;
      return { nr, args: argsOf(regs), error };
    },
    again(regs, call, change) {
      const out = regs.slice();
      out[AX] = word(call.nr);
      out[IP] = (regs[IP] ?? 0n) - 2n;
      if (change) out[args[change.arg] ?? DI] = word(change.value);
      return out;
    },
    gaveUp(regs) {
      const out = regs.slice();
      out[AX] = word(EINTR);
      return out;
    },
    outside(regs) {
      const out = regs.slice();
      out[ORIG_AX] = NOT_IN_SYSCALL;
      return out;
    },
    returned(regs, _call, value) {
      const out = regs.slice();
      out[AX] = word(value);
      out[ORIG_AX] = NOT_IN_SYSCALL;
      return out;
    },
    inside(regs, call) {
      const out = regs.slice();
      out[AX] = word(ERESTART_RESTARTBLOCK);
      out[ORIG_AX] = word(call.nr);
      return out;
    },
    fromImage: (regs, nr) => ({ nr, args: argsOf(regs), error: EINTR }),
    isCall(regs, memory) {
      const code = new Uint8Array(2);
      return memory.tryRead(Number(regs[IP]) - 2, code) && code[0] === instruction[0] && code[1] === instruction[1];
    },
    outcome: (regs) => number(regs[AX]),
  };
}

const x86_64: CallRegisters = x86({
  args: [DI, SI, DX, R10, R8, R9],
  instruction: [0x0f, 0x05],
  restart: NR.restart_syscall,
  restarted: (known) => known,
});

/**
 * 32-bit code of x86: `int $0x80`, which also stands where the kernel says that other ways into it return (in the vDSO).
 */
export const i386: CallRegisters = x86({
  args: [BX, CX, DX, SI, DI, BP],
  instruction: [0xcd, 0x80],
  restart: I386.restart_syscall,
  restarted: whichTimespec,
});

/** struct user_pt_regs. */
const X8 = 8;
const PC = 32;
/** restart_syscall(2) of aarch64. */
const RESTART_SYSCALL = 128;
const SVC = 0xd4000001;
/** `mov x8, #number` and `mov w8, #number`, without the number. */
const MOV_X8 = [0xd2800008, 0x52800008];
const MOV_NUMBER = 0xffff << 5;
/** How far before the call its number may be set, instructions. */
const LOOK_BACK = 16;

function isSvc(memory: RemoteMemory, address: number): boolean {
  const code = new Uint8Array(4);
  return memory.tryRead(address, code) && new DataView(code.buffer).getUint32(0, true) === SVC;
}

/** The number of the call at an instruction, by the code before it. */
function numberBefore(memory: RemoteMemory, address: number): number | undefined {
  const code = new Uint8Array(LOOK_BACK * 4);
  if (!memory.tryRead(address - code.length, code)) return undefined;
  const view = new DataView(code.buffer);
  for (let at = code.length - 4; at >= 0; at -= 4) {
    const instruction = view.getUint32(at, true);
    if (MOV_X8.includes((instruction & ~MOV_NUMBER) >>> 0)) return (instruction & MOV_NUMBER) >>> 5;
  }
  return undefined;
}

/**
 * Here the kernel itself steps back to the instruction before it stops a thread for us, and puts the first argument in
 * place again: why it did so can only be told from what the thread was in before.
 */
export const aarch64: CallRegisters = {
  // at the end of a stop the kernel does so itself, but not at the end of a call
  goOn(regs) {
    const out = regs.slice();
    out[X8] = word(RESTART_SYSCALL);
    return out;
  },
  interrupted(regs, memory, known) {
    const pc = Number(regs[PC]);
    let nr = Number(regs[X8]);
    if (!known || (known.nr !== nr && known.nr !== RESTART_SYSCALL)) return undefined;
    const args = [0, 1, 2, 3, 4, 5].map((i) => number(regs[i]));
    if (known.ip === pc + 4 && isSvc(memory, pc)) {
      // interrupted before and gone on: the call's own number is no more in the registers
      if (nr === RESTART_SYSCALL) nr = numberBefore(memory, pc) ?? known.restarted ?? nr;
      return { nr, args, error: ERESTART_RESTARTBLOCK };
    }
    if (known.ip === pc && args[0] === EINTR && isSvc(memory, pc - 4)) {
      return { nr, args: [known.args[0] ?? 0, ...args.slice(1)], error: EINTR };
    }
    return undefined;
  },
  again(regs, call, change) {
    const out = regs.slice();
    if (call.error === EINTR) {
      out[PC] = (regs[PC] ?? 0n) - 4n;
      out[0] = word(call.args[0] ?? 0);
    }
    if (change) out[change.arg] = word(change.value);
    out[X8] = word(call.nr);
    return out;
  },
  // here the call is simply made again, with its full time
  gaveUp(regs, call) {
    const out = regs.slice();
    out[X8] = word(call.nr);
    return out;
  },
  outside: (regs) => regs.slice(),
  returned(regs, call, value) {
    const out = regs.slice();
    if (call.error !== EINTR) out[PC] = (regs[PC] ?? 0n) + 4n;
    out[0] = word(value);
    return out;
  },
  inside(regs, call) {
    const out = regs.slice();
    out[X8] = word(call.nr);
    return out;
  },
  fromImage: (regs, nr) => ({ nr, args: [0, 1, 2, 3, 4, 5].map((i) => number(regs[i])), error: ERESTART_RESTARTBLOCK }),
  isCall: (regs, memory) => isSvc(memory, Number(regs[PC])),
  // stepped back to the instruction: it shall go on
  outcome: (regs, before) => (regs[PC] === before[PC] ? ERESTART_RESTARTBLOCK : number(regs[0])),
};

/** For the architecture that we run on, and for what it runs besides. */
export function callRegisters(regs: BigUint64Array): CallRegisters {
  if (arch.isI386(regs)) return i386;
  return process.arch === "arm64" ? aarch64 : x86_64;
}
