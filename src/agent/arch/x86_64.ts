import { NR } from "../../kernel/nr.ts";
import { I386 } from "../../kernel/nr-i386.ts";
import { cpuid } from "../../kernel/sys.ts";
import { type Arch, signed } from "./arch.ts";

/** Indexes of struct user_regs_struct (sys/user.h). */
const R15 = 0;
const R14 = 1;
const R13 = 2;
const R12 = 3;
const RBP = 4;
const RBX = 5;
const R11 = 6;
const R10 = 7;
const R9 = 8;
const R8 = 9;
const RAX = 10;
const RCX = 11;
const RDX = 12;
const RSI = 13;
const RDI = 14;
const ORIG_RAX = 15;
const RIP = 16;
const CS = 17;
const EFLAGS = 18;
const RSP = 19;
const SS = 20;
/** ss, ds, es, fs and gs; a bit of theirs chooses the program's own table. */
const SEGMENTS = [SS, 23, 24, 25, 26];
const LOCAL = 4n;

const ERESTARTSYS = -512;
const ERESTARTNOINTR = -513;
const ERESTARTNOHAND = -514;
const ERESTART_RESTARTBLOCK = -516;
const EINTR = -4;
/** Code segments of 64-bit and of 32-bit user code (asm/segment.h). */
const USER_CS = 0x33n;
const USER32_CS = 0x23n;
const NOT_IN_SYSCALL = 0xffff_ffff_ffff_ffffn;
const SYSCALL_LENGTH = 2n;

/** Registers in the order of struct sigcontext_64 (asm/sigcontext.h), before the segments. */
const SIGCONTEXT = [R8, R9, R10, R11, R12, R13, R14, R15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RIP, EFLAGS];
/** More than struct rt_sigframe: return address, ucontext, siginfo. */
const CONTEXT_SIZE = 512;
const UC_FP_XSTATE = 1;
const UC_SIGCONTEXT_SS = 2;
const UC_STRICT_RESTORE_SS = 4;
const FP_XSTATE_MAGIC1 = 0x46505853;
const FP_XSTATE_MAGIC2 = 0x46505845;
/** Offset of the software-reserved bytes in the FXSAVE area. */
const SW_RESERVED = 464;
/** The header of the XSAVE area, which begins with the components in use. */
const XSTATE_BV = 512;
const XSAVE_HEADER_END = 576;
/** Components that a task has only if it asked for them (XFEATURE_MASK_USER_DYNAMIC): the tiles of AMX. */
const DYNAMIC = 1n << 18n;

/** Registers of a system call's arguments. */
const ARGUMENTS = [RDI, RSI, RDX, R10, R8, R9];
/** What `lastCall` uses up, and the first two bytes of a move of eight bytes into it. */
const LITERALS = [
  [RDI, 0x48, 0xbf],
  [RSI, 0x48, 0xbe],
  [RDX, 0x48, 0xba],
  [R10, 0x49, 0xba],
  [RAX, 0x48, 0xb8],
  [RCX, 0x48, 0xb9],
  [R11, 0x49, 0xbb],
] as const;

const bytesOf = (value: bigint) => new Uint8Array(new BigUint64Array([value]).buffer);

const align = (size: number) => (size + 63) & ~63;

/** Ends of the components in XSAVE's standard layout (Intel SDM volume 1, 13.4.3), by bit. */
const ends = new Map<number, number>();

function endOf(component: number): number {
  let end = ends.get(component);
  if (end === undefined) {
    const [size, offset] = cpuid(0xd, component);
    end = size + offset;
    ends.set(component, end);
  }
  return end;
}

/** Sizes of states by their components. */
const sizes = new Map<bigint, number>();

/** The regset always has room for all components of the CPU; a frame may only have those that the task may use. */
function framedState(fp: Uint8Array): number {
  if (fp.length <= XSAVE_HEADER_END) return fp.length;
  const view = new DataView(fp.buffer, fp.byteOffset, fp.byteLength);
  const enabled = view.getBigUint64(SW_RESERVED, true);
  const framed = (enabled & ~DYNAMIC) | view.getBigUint64(XSTATE_BV, true);
  if ((enabled & DYNAMIC) === 0n) return fp.length;
  let size = sizes.get(framed);
  if (size === undefined) {
    size = XSAVE_HEADER_END;
    for (let bit = 2; bit < 63; bit++) if ((framed >> BigInt(bit)) & 1n) size = Math.max(size, endOf(bit));
    sizes.set(framed, size);
  }
  return Math.min(size, fp.length);
}

function isI386(regs: BigUint64Array): boolean {
  return regs[CS] === USER32_CS;
}

/** Of restart_syscall(2): what was interrupted twice has lost its own number. */
const restartNumber = (regs: BigUint64Array) => (isI386(regs) ? I386.restart_syscall : NR.restart_syscall);

/** A copy for code of ours, which is 64-bit code in every task. */
function ours(regs: BigUint64Array): BigUint64Array {
  const copy = regs.slice();
  copy[CS] = USER_CS;
  return copy;
}

export const x86_64: Arch = {
  name: "x86_64",
  regsSize: 27 * 8,
  fpTypes: [0x202],
  callType: undefined,
  callsKeepState: true,
  fpLength: (given) => given.length,
  // mov %rbx, %rsp; syscall; mov $15, %eax; syscall
  // mov %rbx, %rsp; syscall; xchg %rax, %rdi; mov $11, %eax; jmp to the first syscall
  trampoline: Uint8Array.of(
    ...[0x48, 0x89, 0xdc, 0x0f, 0x05, 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05],
    ...[0x48, 0x89, 0xdc, 0x0f, 0x05, 0x48, 0x97, 0xb8, 0x0b, 0, 0, 0, 0xeb, 0xe9],
  ),
  entries: { call: 0, map: 12, syscall: 3 },
  // mov (%r12), %rax, then 8 to 40(%r12) to %rdi, %rsi, %rdx, %r10 and %r8; syscall; mov %rax, 48(%r12)
  // add $56, %r12; cmp %r13, %r12; jne to the beginning; mov %rbx, %rsp; mov $15, %eax; syscall
  errand: Uint8Array.of(
    ...[0x49, 0x8b, 0x04, 0x24, 0x49, 0x8b, 0x7c, 0x24, 0x08, 0x49, 0x8b, 0x74, 0x24, 0x10, 0x49, 0x8b, 0x54, 0x24],
    ...[0x18, 0x4d, 0x8b, 0x54, 0x24, 0x20, 0x4d, 0x8b, 0x44, 0x24, 0x28, 0x0f, 0x05, 0x49, 0x89, 0x44, 0x24, 0x30],
    ...[0x49, 0x83, 0xc4, 0x38, 0x4d, 0x39, 0xec, 0x75, 0xd3, 0x48, 0x89, 0xdc, 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05],
  ),

  asFound(regs) {
    // 32-bit code has a result in half a register, but the kernel looks at all of it when it makes a call again
    if (isI386(regs) && signed(regs[ORIG_RAX]) >= 0) regs[RAX] = BigInt.asUintN(64, BigInt.asIntN(32, regs[RAX] ?? 0n));
    return regs;
  },
  isI386,
  hasOwnSegment: (regs) =>
    (regs[CS] !== USER_CS && regs[CS] !== USER32_CS) || SEGMENTS.some((at) => ((regs[at] ?? 0n) & LOCAL) !== 0n),
  ip: (regs) => Number(regs[RIP]),
  sp: (regs) => Number(regs[RSP]),
  result: (regs) => signed(regs[RAX]),

  call(home, ip, sp, nr, args) {
    const regs = ours(home);
    regs[RIP] = BigInt(ip);
    regs[RSP] = BigInt(sp);
    regs[RAX] = BigInt(nr);
    regs[ORIG_RAX] = NOT_IN_SYSCALL;
    [RDI, RSI, RDX, R10, R8, R9].forEach((register, i) => {
      regs[register] = BigInt.asUintN(64, BigInt(args[i] ?? 0));
    });
    return regs;
  },

  callHome(home, ip, frame, nr, args) {
    const regs = x86_64.call(home, ip, Number(home[RSP]), nr, args);
    regs[RBX] = BigInt(frame);
    return regs;
  },

  runErrand(home, ip, frame, first, end) {
    const regs = ours(home);
    regs[RIP] = BigInt(ip);
    regs[RBX] = BigInt(frame);
    regs[R12] = BigInt(first);
    regs[R13] = BigInt(end);
    regs[ORIG_RAX] = NOT_IN_SYSCALL;
    return regs;
  },

  callHere: (home, ip, nr, args) => {
    const regs = ours(home);
    regs[RIP] = BigInt(ip);
    regs[RAX] = BigInt(nr);
    regs[ORIG_RAX] = NOT_IN_SYSCALL;
    args.forEach((arg, i) => {
      regs[ARGUMENTS[i] ?? RDI] = BigInt.asUintN(64, BigInt(arg));
    });
    return regs;
  },

  lastCall(regs, mask) {
    const rest = x86_64.atRest(regs);
    // syscall; mov $14, %eax; mov $2, %edi; lea mask(%rip), %rsi; mov $0, %edx; mov $8, %r10d; syscall
    const code = [0x0f, 0x05, 0xb8, 14, 0, 0, 0, 0xbf, 2, 0, 0, 0, 0x48, 0x8d, 0x35, 0, 0, 0, 0];
    const behindLea = code.length;
    code.push(0xba, 0, 0, 0, 0, 0x41, 0xba, 8, 0, 0, 0, 0x0f, 0x05);
    for (const [register, rex, op] of LITERALS) code.push(rex, op, ...bytesOf(rest[register] ?? 0n));
    // jmp *0(%rip) or ljmp *0(%rip), to the address that follows: of 64 bits, or of 32 bits and 16 of its segment
    const target = bytesOf((rest[RIP] ?? 0n) | (isI386(rest) ? USER32_CS << 32n : 0n));
    code.push(0xff, isI386(rest) ? 0x2d : 0x25, 0, 0, 0, 0, ...target);
    code[behindLea - 4] = code.length - behindLea;
    return Uint8Array.of(...code, ...bytesOf(mask));
  },

  enter(home, ip, sp, argument) {
    const regs = ours(home);
    regs[RIP] = BigInt(ip);
    // as after a call instruction
    regs[RSP] = BigInt(sp - 8);
    regs[RDI] = BigInt(argument);
    regs[ORIG_RAX] = NOT_IN_SYSCALL;
    // the direction flag and friends belong to the victim
    regs[EFLAGS] = 0x202n;
    return regs;
  },

  atRest(regs) {
    const rest = regs.slice();
    const error = signed(regs[RAX]);
    const nr = signed(regs[ORIG_RAX]);
    const restarts = error === ERESTARTSYS || error === ERESTARTNOINTR || error === ERESTARTNOHAND;
    // rt_sigreturn makes the kernel forget the time that was left: rather the whole of it once more than an EINTR that nobody expects
    if (nr >= 0 && (restarts || (error === ERESTART_RESTARTBLOCK && nr !== restartNumber(regs)))) {
      rest[RAX] = regs[ORIG_RAX] ?? 0n;
      rest[RIP] = (regs[RIP] ?? 0n) - SYSCALL_LENGTH;
    } else if (nr >= 0 && error === ERESTART_RESTARTBLOCK) {
      rest[RAX] = BigInt.asUintN(64, BigInt(EINTR));
    }
    rest[ORIG_RAX] = NOT_IN_SYSCALL;
    return rest;
  },

  interrupted(regs) {
    const nr = signed(regs[ORIG_RAX]);
    return nr >= 0 ? { nr, error: signed(regs[RAX]) } : undefined;
  },

  frameHead: 48,
  framedState,
  frameSize: (framed) => align(framed + 4) + 64 + CONTEXT_SIZE,

  frame(regs, state, mask, end, room) {
    const fp = state.subarray(0, framedState(state));
    const fpAt = end - align(fp.length + 4);
    // rt_sigreturn looks 8 bytes below the stack pointer that the call sees
    const contextAt = Math.floor((fpAt - CONTEXT_SIZE) / 16) * 16 - 8;
    const bytes = room?.subarray(room.length - (end - contextAt)) ?? new Uint8Array(end - contextAt);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const uc = 8;
    view.setBigUint64(uc, BigInt(UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS), true);
    // no such alternate stack flags exist: the kernel refuses them, and the stack stays as it is
    view.setInt32(uc + 24, 0x7fff, true);
    const context = uc + 40;
    // as words of 32 bits: no bigints are made
    const from = new Uint32Array(regs.buffer, regs.byteOffset, regs.length * 2);
    const to = new Uint32Array(bytes.buffer, bytes.byteOffset + context, SIGCONTEXT.length * 2);
    for (let i = 0; i < SIGCONTEXT.length; i++) {
      const register = SIGCONTEXT[i] ?? 0;
      to[i * 2] = from[register * 2] ?? 0;
      to[i * 2 + 1] = from[register * 2 + 1] ?? 0;
    }
    view.setBigUint64(context + 18 * 8, (regs[CS] ?? 0n) | ((regs[SS] ?? 0n) << 48n), true);
    view.setBigUint64(context + 23 * 8, BigInt(fpAt), true);
    view.setBigUint64(context + 32 * 8, mask, true);
    const at = fpAt - contextAt;
    bytes.set(fp, at);
    // the regset keeps the enabled features where the frame wants its own description
    const features = view.getBigUint64(at + SW_RESERVED, true);
    view.setUint32(at + SW_RESERVED, FP_XSTATE_MAGIC1, true);
    view.setUint32(at + SW_RESERVED + 4, fp.length + 4, true);
    view.setBigUint64(at + SW_RESERVED + 8, features, true);
    view.setUint32(at + SW_RESERVED + 16, fp.length, true);
    bytes.fill(0, at + SW_RESERVED + 20, at + 512);
    view.setUint32(at + fp.length, FP_XSTATE_MAGIC2, true);
    return { bytes, sp: contextAt + 8 };
  },

  setIp(regs, ip) {
    regs[RIP] = BigInt(ip);
  },
};
