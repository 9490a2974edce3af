/** The processor that a tree ran on (cpuinfo.img), and whether another one will do (`--cpu-cap`). */
import { CrError, CrErrors } from "../error.ts";
import { type CpuinfoEntry, type CpuinfoX86Entry, CpuinfoX86EntryVendor } from "../image/schema.gen.ts";
import { type CpuInfo, readCpuInfo, WORDS, Word } from "../kernel/cpuinfo.ts";
import type { CpuCap } from "../options.ts";

/** Words of features in an image, by the version of its list. */
const WORDS_OF: ReadonlyMap<number, number> = new Map([
  [1, 12],
  [2, WORDS],
]);
const VERSION = 2;

/**
 * Components of XSAVE that images speak of: x87, AVX, AVX-512 and protection keys. SSE is in every 64-bit processor; criu takes
 * the bits of SSE and of bounds registers for others', and does not know tiles, whose instructions are told in a word.
 */
const TOLD_COMPONENTS = 0x2e5n;

/** What the floating point state needs: its own names stand for words and bits. */
const FPU: readonly Feature[] = [
  { name: "fpu", word: Word.basicEdx, bit: 0 },
  { name: "fxsr", word: Word.basicEdx, bit: 24 },
  { name: "osxsave", word: Word.basicEcx, bit: 27 },
];

interface Feature {
  readonly name: string;
  readonly word: number;
  readonly bit: number;
}

const named = (word: number, bits: Readonly<Record<string, number>>): Feature[] =>
  Object.entries(bits).map(([name, bit]) => ({ name, word, bit }));

/** Instructions that a program finds out about at its start and uses from then on. */
const INSTRUCTIONS: readonly Feature[] = [
  ...named(Word.basicEdx, {
    fpu: 0,
    tsc: 4,
    cx8: 8,
    sep: 11,
    cmov: 15,
    clflush: 19,
    mmx: 23,
    fxsr: 24,
    sse: 25,
    sse2: 26,
  }),
  ...named(Word.extendedEdx, { syscall: 11, mmxext: 22, rdtscp: 27, "3dnowext": 30, "3dnow": 31 }),
  ...named(Word.linux, { rep_good: 16, nopl: 20 }),
  ...named(Word.basicEcx, { pni: 0, pclmulqdq: 1, monitor: 3, ssse3: 9, fma: 12, cx16: 13, sse4_1: 19, sse4_2: 20 }),
  ...named(Word.basicEcx, { movbe: 22, popcnt: 23, aes: 25, xsave: 26, osxsave: 27, avx: 28, f16c: 29, rdrand: 30 }),
  ...named(Word.extendedEcx, { abm: 5, sse4a: 6, misalignsse: 7, "3dnowprefetch": 8, xop: 11, fma4: 16, tbm: 21 }),
  ...named(Word.structuredEbx, { fsgsbase: 0, bmi1: 3, hle: 4, avx2: 5, bmi2: 8, erms: 9, rtm: 11, mpx: 14 }),
  ...named(Word.structuredEbx, {
    avx512f: 16,
    avx512dq: 17,
    rdseed: 18,
    adx: 19,
    avx512ifma: 21,
    clflushopt: 23,
    clwb: 24,
  }),
  ...named(Word.structuredEbx, { avx512pf: 26, avx512er: 27, avx512cd: 28, sha_ni: 29, avx512bw: 30, avx512vl: 31 }),
  ...named(Word.xsave, { xsaveopt: 0, xsavec: 1, xgetbv1: 2, xsaves: 3 }),
  ...named(Word.extendedEbx, { clzero: 0 }),
  ...named(Word.structuredEcx, {
    avx512vbmi: 1,
    pku: 3,
    waitpkg: 5,
    avx512_vbmi2: 6,
    gfni: 8,
    vaes: 9,
    vpclmulqdq: 10,
  }),
  ...named(Word.structuredEcx, { avx512_vnni: 11, avx512_bitalg: 12, avx512_vpopcntdq: 14, rdpid: 22, movdiri: 27 }),
  ...named(Word.structuredEdx, {
    avx512_4vnniw: 2,
    avx512_4fmaps: 3,
    serialize: 14,
    amx_bf16: 22,
    amx_tile: 24,
    amx_int8: 25,
  }),
];

function ours(): CpuInfo {
  const found = readCpuInfo();
  if (found) return found;
  throw new CrError("what this kind of processor can is not kept in images", {
    code: "ENOTSUP",
    remedy: "leave --cpu-cap out; processors of one model are alike",
  });
}

const VENDORS = {
  intel: CpuinfoX86EntryVendor.INTEL,
  amd: CpuinfoX86EntryVendor.AMD,
  unknown: CpuinfoX86EntryVendor.UNKNOWN,
} as const;

export function cpuinfoEntry(info: CpuInfo): CpuinfoEntry {
  const x86: CpuinfoX86Entry = {
    vendor_id: VENDORS[info.vendor],
    cpu_family: info.family,
    model: info.model,
    stepping: info.stepping,
    capability_ver: VERSION,
    capability: [...info.words],
    xfeatures_mask: info.components & TOLD_COMPONENTS,
    xsave_size: info.size,
    xsave_size_max: info.sizeOfAll,
  };
  if (info.name !== "") x86.model_id = info.name;
  return { x86_entry: [x86], ppc64_entry: [], s390_entry: [] };
}

/** What this processor can. Errors: CrError ENOTSUP for other kinds than x86. */
export const ownCpuInfo = (): CpuinfoEntry => cpuinfoEntry(ours());

/** Is it written at a dump? */
export const isSaved = ({ given, cpu, fpu, ins }: CpuCap): boolean => given && (cpu || fpu || ins);

/** What a command or request compares that is for nothing else. */
export const askedOf = (given: CpuCap): CpuCap =>
  isSaved(given) ? given : { given: true, cpu: true, fpu: true, ins: true };

/**
 * Compares the processor of a set with this one.
 * @param saved what its cpuinfo.img says
 * @param isAsked a set without it will not do
 * @throws CrErrors everything that this one lacks
 */
export function checkCpuInfo(cap: CpuCap, saved: CpuinfoEntry | undefined, isAsked: boolean): void {
  if (!cap.cpu && !cap.fpu && !cap.ins) return;
  if (saved === undefined) {
    if (!isAsked) return;
    throw new CrError("there is no image of what the processor could", {
      code: "ENOENT",
      subject: { image: "cpuinfo.img" },
      remedy: "dump with --cpu-cap, or write it with tscriu cpuinfo dump where the set was made",
    });
  }
  const [x86] = saved.x86_entry;
  if (x86 === undefined || saved.x86_entry.length > 1 || WORDS_OF.get(x86.capability_ver) !== x86.capability.length)
    throw new CrError("the image of the processor is not one of this kind", {
      code: "BAD_IMAGE",
      subject: { image: "cpuinfo.img" },
      remedy: "restore with --cpu-cap=none",
    });
  const problems = differences(x86, ours(), cap);
  const [first] = problems;
  if (first)
    throw problems.length === 1 ? first : new CrErrors("this processor is not like that of the images", problems);
}

/** What keeps programs of one processor from running on another. */
function differences(saved: CpuinfoX86Entry, here: CpuInfo, cap: CpuCap): CrError[] {
  const has = (words: readonly number[], { word, bit }: Feature) => ((words[word] ?? 0) & (1 << bit)) !== 0;
  const lacking = (features: readonly Feature[]) =>
    features
      // a word that the image does not have says nothing
      .filter((one) => one.word < saved.capability.length && has(saved.capability, one) && !has(here.words, one))
      .map(({ name }) => name);
  const remedy =
    "restore on a machine whose processor has them, or with --cpu-cap=none if the programs do not use what is missing";
  const from = saved.model_id === undefined ? {} : { dumped_on: saved.model_id };
  const fail = (what: string, subject: Record<string, string>) =>
    new CrError(what, { code: "CPU", subject: { ...subject, ...from }, remedy });
  const found: CrError[] = [];
  const add = (what: string, names: readonly string[]) => {
    if (names.length > 0) found.push(fail(what, { features: names.join(" ") }));
  };
  if (cap.fpu) {
    add("this processor lacks features of floating point state", lacking(FPU));
    const missing = BigInt(saved.xfeatures_mask ?? 0) & ~here.components;
    if (missing !== 0n)
      found.push(
        fail("this processor lacks components of extended state", { components: `0x${missing.toString(16)}` }),
      );
  }
  if (cap.ins) add("this processor lacks instructions", lacking(INSTRUCTIONS));
  const differs = saved.capability.findIndex((word, i) => word !== here.words[i]);
  if (cap.cpu && differs >= 0) found.push(fail("this is another processor", { word: `${differs}` }));
  return found;
}
