/**
 * The extended state of x86: XSAVE's standard layout (Intel SDM volume 1, chapter 13), as NT_X86_XSTATE shows it. Where a
 * component lies differs between CPUs; images keep each in a field of its own.
 */
import { CrError } from "../../error.ts";
import { keep } from "../../image/codec.ts";
import type { TscriuXstate, U64, UserX86FpregsEntry, UserX86XsaveEntry } from "../../image/schema.gen.ts";
import { cpuid } from "../../kernel/sys.ts";
import { putU64s, toU64, u64At } from "../../kernel/u64.ts";

/** Offsets in the 512 bytes that FXSAVE knows. */
const FX = { cwd: 0, swd: 2, twd: 4, fop: 6, rip: 8, rdp: 16, mxcsr: 24, mxcsrMask: 28, st: 32, xmm: 160 } as const;
/** Linux leaves XCR0's user part in the bytes that the CPU does not use. */
const ENABLED = 464;
const XSTATE_BV = 512;
const HEADER_END = 576;
const LEGACY = 3n;

/** Components that an image has a field for. */
const FIELDS = [
  { bit: 2, field: "ymmh_space", words: 64, wide: false },
  { bit: 3, field: "bndreg_state", words: 8, wide: true },
  { bit: 4, field: "bndcsr_state", words: 8, wide: true },
  { bit: 5, field: "opmask_reg", words: 8, wide: true },
  { bit: 6, field: "zmm_upper", words: 64, wide: true },
  { bit: 7, field: "hi16_zmm", words: 128, wide: true },
  { bit: 9, field: "pkru", words: 2, wide: false },
] as const;

/** Protection keys. */
const KEYS = 9;

/** Those, and the two that every CPU has. */
/** PKRU as the kernel gives it to programs (init_pkru_value): no key but 0. */
const NO_KEYS = 0x5555_5554;
let KNOWN = LEGACY;
for (const { bit } of FIELDS) KNOWN |= 1n << BigInt(bit);

/** Names for people, by bit. */
const NAMES: Readonly<Record<number, string>> = {
  2: "AVX",
  3: "MPX bound registers",
  4: "MPX bound registers",
  5: "AVX-512",
  6: "AVX-512",
  7: "AVX-512",
  9: "protection keys",
  17: "AMX",
  18: "AMX",
  19: "APX",
};

interface Place {
  offset: number;
  size: number;
}

const places = new Map<number, Place>();

/** Where this CPU keeps a component; size 0 when it has none such. */
function placeOf(bit: number): Place {
  let place = places.get(bit);
  if (!place) {
    const [size, offset] = cpuid(0xd, bit);
    place = { offset, size };
    places.set(bit, place);
  }
  return place;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function words32(halves: Uint32Array, count: number): number[] {
  const words = new Array<number>(count);
  for (let i = 0; i < count; i++) words[i] = halves[i] ?? 0;
  return words;
}

function words64(halves: Uint32Array, count: number): U64[] {
  const words = new Array<U64>(count);
  for (let i = 0; i < count; i++) words[i] = u64At(halves, i);
  return words;
}

const ZEROS = new Uint8Array(1024);
const zeroWords = new Map<string, number[]>();

/** A field of zeros: most threads do not use most components. */
function zeros(field: string, count: number): number[] {
  let words = zeroWords.get(field);
  if (!words) {
    words = keep(new Array<number>(count).fill(0));
    zeroWords.set(field, words);
  }
  return words;
}

/** What each field had last: threads begin with what their maker had. */
const seen = new Map<string, { given: Uint8Array; values: U64[] }>();

function isZero(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, ZEROS.subarray(0, bytes.length)) === 0;
}

/** Registers of 32-bit words, as FXSAVE has them. */
function legacy(xstate: Uint8Array, field: string, offset: number, count: number): number[] {
  const bytes = xstate.slice(offset, offset + count * 4);
  return isZero(bytes) ? zeros(field, count) : words32(new Uint32Array(bytes.buffer), count);
}

/** A state that images have no field for yet, in use by the thread. */
function otherStates(xstate: Uint8Array, inUse: bigint): TscriuXstate[] {
  const found: TscriuXstate[] = [];
  if ((inUse & ~KNOWN) === 0n) return found;
  for (let bit = 2; bit < 63; bit++) {
    if (((inUse >> BigInt(bit)) & 1n) === 0n || FIELDS.some((f) => f.bit === bit)) continue;
    const { offset, size } = placeOf(bit);
    if (size > 0 && offset + size <= xstate.length)
      found.push({ component: bit, state: xstate.slice(offset, offset + size) });
  }
  return found;
}

/** The state that was last described: threads that wait often have all of it from their maker. */
let last: { xstate: Uint8Array; entry: UserX86FpregsEntry } | undefined;

export function dumpXstate(xstate: Uint8Array): UserX86FpregsEntry {
  if (last && Buffer.compare(last.xstate, xstate) === 0) return keep(last.entry);
  last = { xstate: xstate.slice(), entry: describe(xstate) };
  return last.entry;
}

function describe(xstate: Uint8Array): UserX86FpregsEntry {
  const fx = view(xstate);
  const entry: UserX86FpregsEntry = {
    cwd: fx.getUint16(FX.cwd, true),
    swd: fx.getUint16(FX.swd, true),
    twd: fx.getUint16(FX.twd, true),
    fop: fx.getUint16(FX.fop, true),
    rip: toU64(fx.getBigUint64(FX.rip, true)),
    rdp: toU64(fx.getBigUint64(FX.rdp, true)),
    mxcsr: fx.getUint32(FX.mxcsr, true),
    mxcsr_mask: fx.getUint32(FX.mxcsrMask, true),
    st_space: legacy(xstate, "st_space", FX.st, 32),
    xmm_space: legacy(xstate, "xmm_space", FX.xmm, 64),
    padding: [],
  };
  if (xstate.length >= HEADER_END) entry.xsave = dumpXsave(xstate, fx);
  return entry;
}

function dumpXsave(xstate: Uint8Array, fx: DataView): UserX86XsaveEntry {
  const enabled = fx.getUint32(ENABLED, true);
  const inUse = fx.getBigUint64(XSTATE_BV, true);
  const used = fx.getUint32(XSTATE_BV, true);
  const xsave: UserX86XsaveEntry = {
    xstate_bv: toU64(inUse),
    ymmh_space: [],
    bndreg_state: [],
    bndcsr_state: [],
    opmask_reg: [],
    zmm_upper: [],
    hi16_zmm: [],
    pkru: [],
    cet: { cet: 0, ssp: 0 },
    tscriu_xstates: otherStates(xstate, inUse),
  };
  for (const { bit, field, words, wide } of FIELDS) {
    if (((enabled >>> bit) & 1) === 0) continue;
    const { offset, size } = placeOf(bit);
    if (size === 0 || offset + size > xstate.length) continue;
    // the kernel keeps the protection keys elsewhere, and shows them in any case
    if (bit !== KEYS && ((used >>> bit) & 1) === 0) {
      xsave[field] = zeros(field, words);
      continue;
    }
    // a component may be smaller than its field: the rest is zero
    const length = words * (wide ? 8 : 4);
    const given = xstate.subarray(offset, offset + Math.min(size, length));
    if (isZero(given)) {
      xsave[field] = zeros(field, words);
      continue;
    }
    const last = seen.get(field);
    if (last && Buffer.compare(last.given, given) === 0) {
      xsave[field] = keep(last.values) as number[];
      continue;
    }
    const state = new Uint8Array(length);
    state.set(given);
    const halves = new Uint32Array(state.buffer);
    const values = wide ? words64(halves, words) : words32(halves, words);
    seen.set(field, { given: given.slice(), values });
    xsave[field] = values as number[];
  }
  return xsave;
}

function lacking(bit: number): CrError {
  const name = NAMES[bit] ?? `extended state ${bit}`;
  return new CrError(`the image holds ${name} registers, which this CPU or kernel does not offer`, {
    code: "ENOTSUP",
    subject: { component: bit },
    remedy: "restore on a machine whose CPU has the features of the one that dumped",
  });
}

/** What was built last: threads that are alike share their entry, and their process's template. */
let built: { entry: UserX86FpregsEntry; template: Uint8Array; xstate: Uint8Array } | undefined;

/**
 * The xstate for this CPU, not to be changed.
 * @param template the puppet's own: its size and its enabled components are this machine's
 */
export function buildXstate(entry: UserX86FpregsEntry, template: Uint8Array): Uint8Array {
  if (built?.entry !== entry || built.template !== template)
    built = { entry, template, xstate: build(entry, template) };
  return built.xstate;
}

function build(entry: UserX86FpregsEntry, template: Uint8Array): Uint8Array {
  const out = new Uint8Array(template.length);
  const fx = view(out);
  const here = view(template);
  const maskHere = here.getUint32(FX.mxcsrMask, true) || 0xffbf;
  if ((entry.mxcsr & ~maskHere) !== 0) {
    throw new CrError("the image's SSE control word has bits that this CPU does not know", {
      code: "ENOTSUP",
      subject: { mxcsr: `0x${entry.mxcsr.toString(16)}` },
    });
  }
  fx.setUint16(FX.cwd, entry.cwd, true);
  fx.setUint16(FX.swd, entry.swd, true);
  fx.setUint16(FX.twd, entry.twd, true);
  fx.setUint16(FX.fop, entry.fop, true);
  fx.setBigUint64(FX.rip, BigInt(entry.rip), true);
  fx.setBigUint64(FX.rdp, BigInt(entry.rdp), true);
  fx.setUint32(FX.mxcsr, entry.mxcsr, true);
  fx.setUint32(FX.mxcsrMask, maskHere, true);
  put32(out, FX.st, 32, entry.st_space);
  put32(out, FX.xmm, 64, entry.xmm_space);
  if (template.length < HEADER_END) {
    const beyond = entry.xsave ? heldBy(entry.xsave) & ~LEGACY : 0n;
    if (beyond !== 0n) throw lacking(lowestBit(beyond));
    return out;
  }
  out.set(template.subarray(ENABLED, 512), ENABLED);
  buildXsave(entry.xsave, out, fx, here.getBigUint64(ENABLED, true));
  return out;
}

function lowestBit(bits: bigint): number {
  let bit = 0;
  while (((bits >> BigInt(bit)) & 1n) === 0n) bit++;
  return bit;
}

function buildXsave(xsave: UserX86XsaveEntry | undefined, out: Uint8Array, fx: DataView, enabled: bigint): void {
  if (!xsave) {
    fx.setBigUint64(XSTATE_BV, LEGACY, true);
    return;
  }
  const missing = heldBy(xsave) & ~enabled & ~LEGACY;
  if (missing !== 0n) throw lacking(lowestBit(missing));
  const inUse = BigInt(xsave.xstate_bv) & (enabled | LEGACY);
  fx.setBigUint64(XSTATE_BV, inUse, true);
  for (const { bit, field, words, wide } of FIELDS) {
    const values: readonly U64[] = xsave[field];
    if (((inUse >> BigInt(bit)) & 1n) === 0n || values.length === 0) continue;
    const state = new Uint8Array(words * (wide ? 8 : 4));
    if (wide) putU64s(state, words, values);
    else put32(state, 0, words, values as readonly number[]);
    put(bit, state, out);
  }
  for (const { component, state } of xsave.tscriu_xstates)
    if ((inUse >> BigInt(component)) & 1n) put(component, state, out);
}

/**
 * Components that hold something. All zeros are how each begins, though some processors have it in use all the same; of protection
 * keys, that none may be used, which goes without saying where there are none.
 */
function heldBy(xsave: UserX86XsaveEntry): bigint {
  let held = BigInt(xsave.xstate_bv);
  const drop = (bit: number) => {
    held &= ~(1n << BigInt(bit));
  };
  for (const { bit, field } of FIELDS) {
    const values: readonly U64[] = xsave[field];
    const first = bit === KEYS ? [0, NO_KEYS] : [0];
    if (values.length > 0 && values.every((value) => first.includes(Number(value)))) drop(bit);
  }
  for (const { component, state } of xsave.tscriu_xstates) if (isZero(state)) drop(component);
  return held;
}

/** At most `count` words at `offset`, which is a multiple of four. */
function put32(out: Uint8Array, offset: number, count: number, values: readonly number[]): void {
  new Uint32Array(out.buffer, offset, count).set(values.length > count ? values.slice(0, count) : values);
}

function put(bit: number, state: Uint8Array, out: Uint8Array): void {
  const { offset, size } = placeOf(bit);
  if (size === 0 || offset + size > out.length) throw lacking(bit);
  out.set(state.subarray(0, size), offset);
}
