/** What takes the place of a vDSO function's first instructions: a jump to the running kernel's vDSO, or the system call itself. */

/** What it looks like on one architecture. */
export interface Jumps {
  /** A near jump reaches so many bytes in both directions. */
  readonly reach: number;
  /** The functions that programs call, and the system calls that do the same with the same arguments. */
  readonly calls: Readonly<Record<string, number>>;
  /** Bytes of an instruction at a function's start which only says that an indirect branch may land there. */
  landing(code: Uint8Array, at: number): number;
  /** That instruction, for a function that begins with another one of which the processor takes it for granted. */
  readonly lander: Uint8Array;
  /** A jump at address `from` to `to`. */
  jump(from: number, to: number): Uint8Array;
  /** A function that makes a system call with the arguments that it got. */
  call(nr: number): Uint8Array;
  /** Where a jump that lies at address `from` leads to, as `code` has it at offset `at`; undefined where none is. */
  target(code: Uint8Array, at: number, from: number): number | undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Intel SDM volume 2: JMP rel32, MOV r64 imm64, JMP r/m64, SYSCALL. Numbers of calls: asm/unistd_64.h. */
export const x86_64: Jumps = {
  reach: 2 ** 31,
  calls: {
    __vdso_clock_gettime: 228,
    __vdso_gettimeofday: 96,
    __vdso_time: 201,
    __vdso_getcpu: 309,
    __vdso_clock_getres: 229,
    __vdso_getrandom: 318,
  },
  landing: (code, at) => (code.length >= at + 4 && viewOf(code).getUint32(at, false) === 0xf30f1efa ? 4 : 0),
  // Linux checks no landings of programs
  lander: new Uint8Array(0),
  jump(from, to) {
    const distance = to - (from + 5);
    if (Math.abs(distance) < x86_64.reach) {
      const near = new Uint8Array(5);
      near[0] = 0xe9;
      viewOf(near).setInt32(1, distance, true);
      return near;
    }
    // the result's register, which carries nothing at a function's start
    const far = Uint8Array.of(0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0);
    viewOf(far).setBigUint64(2, BigInt(to), true);
    return far;
  },
  call(nr) {
    // mov $nr, %eax; syscall; ret
    const code = Uint8Array.of(0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3);
    viewOf(code).setUint32(1, nr, true);
    return code;
  },
  target(code, at, from) {
    const view = viewOf(code);
    if (code.length >= at + 5 && view.getUint8(at) === 0xe9) return from + 5 + view.getInt32(at + 1, true);
    const isFar = code.length >= at + 12 && view.getUint16(at, false) === 0x48b8;
    if (isFar && view.getUint16(at + 10, false) === 0xffe0) return Number(view.getBigUint64(at + 2, true));
    return undefined;
  },
};

const B = 0x14000000;
const BTI_C = 0xd503245f;
const LDR_X16_8 = 0x58000050;
const BR_X16 = 0xd61f0200;
const MOVZ_X8 = 0xd2800008;
const SVC_0 = 0xd4000001;
const RET = 0xd65f03c0;

/** Arm ARM (DDI 0487) C6.2: B, LDR (literal), BR, MOVZ, SVC, RET; BTI and its operands. */
export const aarch64: Jumps = {
  reach: 2 ** 27,
  calls: {
    __kernel_clock_gettime: 113,
    __kernel_clock_getres: 114,
    __kernel_gettimeofday: 169,
    __kernel_getrandom: 278,
  },
  lander: new Uint8Array(Uint32Array.of(BTI_C).buffer),
  // HINT #32, #34, #36, #38
  landing: (code, at) =>
    code.length >= at + 4 && (viewOf(code).getUint32(at, true) & ~0xc0) >>> 0 === 0xd503241f ? 4 : 0,
  jump(from, to) {
    const distance = to - from;
    const code = new Uint8Array(Math.abs(distance) < aarch64.reach ? 4 : 16);
    const view = viewOf(code);
    if (code.length === 4) {
      view.setUint32(0, (B | ((distance >> 2) & 0x3ffffff)) >>> 0, true);
    } else {
      // x16, which linkers may use between a call and its function
      view.setUint32(0, LDR_X16_8, true);
      view.setUint32(4, BR_X16, true);
      view.setBigUint64(8, BigInt(to), true);
    }
    return code;
  },
  call(nr) {
    return new Uint8Array(Uint32Array.of(MOVZ_X8 + nr * 32, SVC_0, RET).buffer);
  },
  target(code, at, from) {
    const view = viewOf(code);
    if (code.length < at + 4) return undefined;
    const first = view.getUint32(at, true);
    if (first >>> 26 === 5) return from + (((first & 0x3ffffff) << 6) >> 4);
    if (first === LDR_X16_8 && code.length >= at + 16 && view.getUint32(at + 4, true) === BR_X16)
      return Number(view.getBigUint64(at + 8, true));
    return undefined;
  },
};

export const jumps: Jumps = process.arch === "arm64" ? aarch64 : x86_64;
