/**
 * The vector state of aarch64 as ptrace gives it: NT_PRFPREG, or NT_ARM_SVE where the CPU has scalable vectors. The latter
 * holds either the same 528 bytes behind a header, or the whole of the scalable registers (asm/ptrace.h).
 */

/** struct user_fpsimd_state: 32 vectors of 16 bytes, the status and the control word, two words for nothing. */
const FPSIMD = { size: 528, status: 512, control: 516, vectors: 32, vectorSize: 16 } as const;

/** struct user_sve_header. */
export const SVE = { size: 0, vectorLength: 8, maxVectorLength: 10, flags: 12, header: 16 } as const;
const FLAG_SCALABLE = 1;

const align = (size: number) => (size + 15) & ~15;

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether the state is that of NT_ARM_SVE. */
export function hasHeader(state: Uint8Array): boolean {
  return state.length !== FPSIMD.size;
}

/** Bytes of a scalable vector. */
export function vectorLength(header: Uint8Array): number {
  return view(header).getUint16(SVE.vectorLength, true);
}

/** The largest vector that the CPU and the kernel offer, bytes. */
export function maxVectorLength(header: Uint8Array): number {
  return view(header).getUint16(SVE.maxVectorLength, true);
}

/** How much of a register set that was read is state: the kernel gives the length of the largest there may be. */
export function stateLength(given: Uint8Array): number {
  return hasHeader(given) && given.length >= SVE.header
    ? Math.min(given.length, view(given).getUint32(SVE.size, true))
    : given.length;
}

/** Whether the scalable registers hold more than the plain ones: between system calls of a program that uses them. */
export function isScalable(state: Uint8Array): boolean {
  return hasHeader(state) && (view(state).getUint16(SVE.flags, true) & FLAG_SCALABLE) !== 0;
}

/** Vectors, predicates and the first-fault register, as they also stand in a signal frame. */
export function scalableRegisters(state: Uint8Array): Uint8Array {
  const length = vectorLength(state);
  return state.subarray(SVE.header, SVE.header + FPSIMD.vectors * length + (17 * length) / 8);
}

/** The plain registers of a state of any form: the low parts of the scalable ones. */
export function plainRegisters(state: Uint8Array): Uint8Array {
  if (!hasHeader(state)) return state;
  if (!isScalable(state)) return state.subarray(SVE.header, SVE.header + FPSIMD.size);
  const plain = new Uint8Array(FPSIMD.size);
  const length = vectorLength(state);
  for (let i = 0; i < FPSIMD.vectors; i++) {
    const at = SVE.header + i * length;
    plain.set(state.subarray(at, at + FPSIMD.vectorSize), i * FPSIMD.vectorSize);
  }
  const words = align(SVE.header + scalableRegisters(state).length);
  plain.set(state.subarray(words, words + 8), FPSIMD.status);
  return plain;
}

/** A state of plain registers, with the header's vector length and flags. */
export function withHeader(header: Uint8Array, plain: Uint8Array): Uint8Array {
  const state = new Uint8Array(SVE.header + FPSIMD.size);
  state.set(header.subarray(0, SVE.header));
  state.set(plain, SVE.header);
  const fields = view(state);
  fields.setUint32(SVE.size, state.length, true);
  fields.setUint16(SVE.flags, fields.getUint16(SVE.flags, true) & ~FLAG_SCALABLE, true);
  return state;
}
