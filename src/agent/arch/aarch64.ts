import { type Arch, signed } from "./arch.ts";

/** struct user_pt_regs: x0..x30, sp, pc, pstate (asm/ptrace.h). */
const SP = 31;
const PC = 32;
const PSTATE = 33;
const X8 = 8;

const SIGINFO_SIZE = 128;
/** struct sigcontext behind the 128-byte mask field, 16-byte aligned (asm/sigcontext.h, asm/ucontext.h). */
const UC_MASK = SIGINFO_SIZE + 40;
const CONTEXT = SIGINFO_SIZE + 176;
const RESERVED = CONTEXT + 288;
const FRAME_SIZE = RESERVED + 4096;
const FPSIMD_MAGIC = 0x46508001;
const FPSIMD_SIZE = 528;

export const aarch64: Arch = {
  name: "aarch64",
  regsSize: 34 * 8,
  fpType: 2,
  // svc #0; mov x8, #139; svc #0
  trampoline: Uint8Array.of(0x01, 0, 0, 0xd4, 0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4),

  ip: (regs) => Number(regs[PC]),
  sp: (regs) => Number(regs[SP]),
  result: (regs) => signed(regs[0]),

  call(home, ip, sp, nr, args) {
    const regs = home.slice();
    regs[PC] = BigInt(ip);
    regs[SP] = BigInt(sp);
    regs[X8] = BigInt(nr);
    for (let i = 0; i < 6; i++) regs[i] = BigInt.asUintN(64, BigInt(args[i] ?? 0));
    return regs;
  },

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

  frameSize: () => FRAME_SIZE,

  frame(regs, fp, mask, end) {
    const sp = end - FRAME_SIZE;
    const bytes = new Uint8Array(FRAME_SIZE);
    const view = new DataView(bytes.buffer);
    // no such alternate stack flags exist: the kernel refuses them, and the stack stays as it is
    view.setInt32(SIGINFO_SIZE + 24, 0x7fff, true);
    view.setBigUint64(UC_MASK, mask, true);
    for (let i = 0; i < 31; i++) view.setBigUint64(CONTEXT + 8 + i * 8, regs[i] ?? 0n, true);
    view.setBigUint64(CONTEXT + 8 + 31 * 8, regs[SP] ?? 0n, true);
    view.setBigUint64(CONTEXT + 8 + 32 * 8, regs[PC] ?? 0n, true);
    view.setBigUint64(CONTEXT + 8 + 33 * 8, regs[PSTATE] ?? 0n, true);
    // user_fpsimd_state holds the vectors first, fpsimd_context the status words
    view.setUint32(RESERVED, FPSIMD_MAGIC, true);
    view.setUint32(RESERVED + 4, FPSIMD_SIZE, true);
    bytes.set(fp.subarray(512, 520), RESERVED + 8);
    bytes.set(fp.subarray(0, 512), RESERVED + 16);
    return { bytes, sp };
  },

  setIp(regs, ip) {
    regs[PC] = BigInt(ip);
  },
};
