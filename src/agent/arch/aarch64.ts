import { type Arch, signed } from "./arch.ts";
import { isScalable, plainRegisters, scalableRegisters, stateLength, vectorLength } from "./sve.ts";

/** struct user_pt_regs: x0..x30, sp, pc, pstate (asm/ptrace.h). */
const SP = 31;
const PC = 32;
const PSTATE = 33;
const X8 = 8;
const X19 = 19;
/** The kind of the last branch: a landing pad that is not where we jump to would be missed. */
const BTYPE = 3n << 10n;

const NT_PRFPREG = 2;
const NT_ARM_SYSTEM_CALL = 0x404;
const NT_ARM_SVE = 0x405;

const SIGINFO_SIZE = 128;
/** struct sigcontext behind the 128-byte mask field, 16-byte aligned (asm/sigcontext.h, asm/ucontext.h). */
const UC_MASK = SIGINFO_SIZE + 40;
const CONTEXT = SIGINFO_SIZE + 176;
const RESERVED = CONTEXT + 288;
const RESERVED_SIZE = 4096;
/** Records of the reserved part: each begins with its magic number and its size, and one of zeros is the last. */
const FPSIMD_MAGIC = 0x46508001;
const FPSIMD_SIZE = 528;
const SVE_MAGIC = 0x53564501;
const EXTRA_MAGIC = 0x45585401;
const EXTRA_SIZE = 32;
const RECORD = 16;

const align = (size: number) => (size + 15) & ~15;

/** Size of the record of a scalable state. */
const sveSize = (fp: Uint8Array) => RECORD + align(scalableRegisters(fp).length);

/** Whatever the state is, its record is not larger than itself. */
const frameSize = (fpSize: number) =>
  RESERVED + Math.max(RESERVED_SIZE, FPSIMD_SIZE + EXTRA_SIZE + RECORD + align(fpSize) + RECORD);

function writePlain(view: DataView, bytes: Uint8Array, fp: Uint8Array): void {
  // user_fpsimd_state holds the vectors first, fpsimd_context the status words
  const plain = plainRegisters(fp);
  view.setUint32(RESERVED, FPSIMD_MAGIC, true);
  view.setUint32(RESERVED + 4, FPSIMD_SIZE, true);
  bytes.set(plain.subarray(512, 520), RESERVED + 8);
  bytes.set(plain.subarray(0, 512), RESERVED + 16);
}

/** The scalable registers, in place or, when they are too long, behind a record that says where the frame goes on. */
function writeScalable(view: DataView, bytes: Uint8Array, fp: Uint8Array, base: number): void {
  const size = sveSize(fp);
  let at = RESERVED + FPSIMD_SIZE;
  if (FPSIMD_SIZE + size + RECORD > RESERVED_SIZE) {
    view.setUint32(at, EXTRA_MAGIC, true);
    view.setUint32(at + 4, EXTRA_SIZE, true);
    const rest = at + EXTRA_SIZE + RECORD;
    view.setBigUint64(at + 8, BigInt(base + rest), true);
    view.setUint32(at + 16, size + RECORD, true);
    at = rest;
  }
  view.setUint32(at, SVE_MAGIC, true);
  view.setUint32(at + 4, size, true);
  view.setUint16(at + 8, vectorLength(fp), true);
  bytes.set(scalableRegisters(fp), at + RECORD);
}

export const aarch64: Arch = {
  name: "aarch64",
  regsSize: 34 * 8,
  fpTypes: [NT_ARM_SVE, NT_PRFPREG],
  callType: NT_ARM_SYSTEM_CALL,
  callsKeepState: false,
  fpLength: stateLength,
  // mov sp, x19; svc #0; mov x8, #139; svc #0
  // mov sp, x19; svc #0; mov x8, #215; b to the first svc
  trampoline: Uint8Array.of(
    ...[0x7f, 0x02, 0x00, 0x91, 0x01, 0, 0, 0xd4, 0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4],
    ...[0x7f, 0x02, 0x00, 0x91, 0x01, 0, 0, 0xd4, 0xe8, 0x1a, 0x80, 0xd2, 0xfa, 0xff, 0xff, 0x17],
  ),
  entries: { call: 0, map: 16, syscall: 4 },
  // ldp x8, x0, [x20]; ldp x1, x2, [x20, #16]; ldp x3, x4, [x20, #32]; svc #0; str x0, [x20, #48]
  // add x20, x20, #56; cmp x20, x21; b.ne to the beginning; mov sp, x19; mov x8, #139; svc #0
  errand: Uint8Array.of(
    ...[0x88, 0x02, 0x40, 0xa9, 0x81, 0x0a, 0x41, 0xa9, 0x83, 0x12, 0x42, 0xa9, 0x01, 0, 0, 0xd4, 0x80, 0x1a, 0, 0xf9],
    ...[0x94, 0xe2, 0x00, 0x91, 0x9f, 0x02, 0x15, 0xeb, 0x21, 0xff, 0xff, 0x54],
    ...[0x7f, 0x02, 0x00, 0x91, 0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4],
  ),

  asFound: (regs) => regs,
  isI386: () => false,
  hasOwnSegment: () => false,
  ip: (regs) => Number(regs[PC]),
  sp: (regs) => Number(regs[SP]),
  result: (regs) => signed(regs[0]),

  call(home, ip, sp, nr, args) {
    const regs = home.slice();
    regs[PC] = BigInt(ip);
    regs[SP] = BigInt(sp);
    regs[X8] = BigInt(nr);
    regs[PSTATE] = (regs[PSTATE] ?? 0n) & ~BTYPE;
    for (let i = 0; i < 6; i++) regs[i] = BigInt.asUintN(64, BigInt(args[i] ?? 0));
    return regs;
  },

  callHome(home, ip, frame, nr, args) {
    const regs = aarch64.call(home, ip, Number(home[SP]), nr, args);
    regs[X19] = BigInt(frame);
    return regs;
  },

  runErrand(home, ip, frame, first, end) {
    const regs = home.slice();
    regs[PC] = BigInt(ip);
    regs[X19] = BigInt(frame);
    regs[X19 + 1] = BigInt(first);
    regs[X19 + 2] = BigInt(end);
    regs[PSTATE] = (regs[PSTATE] ?? 0n) & ~BTYPE;
    return regs;
  },

  // a branch needs a register, and all of them are the task's
  lastCall: () => undefined,
  callHere: (home, ip, nr, args) => aarch64.call(home, ip, Number(home[SP]), nr, args),

  enter(home, ip, sp, argument) {
    const regs = home.slice();
    regs[PC] = BigInt(ip);
    regs[SP] = BigInt(sp);
    regs[0] = BigInt(argument);
    regs[PSTATE] = 0n;
    return regs;
  },

  // at the stop the kernel has already stepped back to the call and put its first argument in place
  atRest: (regs) => regs.slice(),
  interrupted: () => undefined,

  frameHead: UC_MASK,
  framedState: (fp) => fp.length,
  frameSize,

  frame(regs, fp, mask, end, room) {
    const size = frameSize(fp.length);
    const sp = end - size;
    const bytes = room?.subarray(room.length - size) ?? new Uint8Array(size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    // no such alternate stack flags exist: the kernel refuses them, and the stack stays as it is
    view.setInt32(SIGINFO_SIZE + 24, 0x7fff, true);
    view.setBigUint64(UC_MASK, mask, true);
    for (let i = 0; i < 31; i++) view.setBigUint64(CONTEXT + 8 + i * 8, regs[i] ?? 0n, true);
    view.setBigUint64(CONTEXT + 8 + 31 * 8, regs[SP] ?? 0n, true);
    view.setBigUint64(CONTEXT + 8 + 32 * 8, regs[PC] ?? 0n, true);
    view.setBigUint64(CONTEXT + 8 + 33 * 8, regs[PSTATE] ?? 0n, true);
    writePlain(view, bytes, fp);
    if (isScalable(fp)) writeScalable(view, bytes, fp, sp);
    return { bytes, sp };
  },

  setIp(regs, ip) {
    regs[PC] = BigInt(ip);
  },
};
