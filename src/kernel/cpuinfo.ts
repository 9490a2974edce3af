/** What the processor can, as CPUID tells (Intel SDM volume 2, AMD APM volume 3): in the order of criu's words of features. */
import { cpuid } from "./sys.ts";

export const WORDS = 19;
/** Index of each word that comes from CPUID, and of one that is Linux' own invention (arch/x86/include/asm/cpufeatures.h). */
export const Word = {
  basicEdx: 0,
  extendedEdx: 1,
  linux: 3,
  basicEcx: 4,
  extendedEcx: 6,
  structuredEbx: 9,
  xsave: 10,
  structuredEcx: 11,
  qosMonitorEdx: 12,
  extendedEbx: 13,
  thermal: 14,
  virtual: 15,
  qosEdx: 16,
  reliability: 17,
  structuredEdx: 18,
} as const;

/** Bits of the kernel's own word: string instructions are fast, there is a long NOP, there is CPUID. */
const OWN = { REP_GOOD: 16, NOPL: 20, CPUID: 25 } as const;
const CQM_LLC = 1;

export interface CpuInfo {
  readonly vendor: "intel" | "amd" | "unknown";
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  readonly words: readonly number[];
  readonly name: string;
  /** Components of XSAVE by bit; bytes that those that are on, and all that there are, take. */
  readonly components: bigint;
  readonly size: number;
  readonly sizeOfAll: number;
}

function text(...numbers: readonly number[]): string {
  return Buffer.from(Uint32Array.from(numbers).buffer).toString("latin1").replaceAll("\0", "").trim();
}

/** The first of AMD's 64-bit processors whose string instructions are fast: by the version of leaf 1. */
const isLateK8 = (version: number) =>
  ((version >> 8) & 0xf) === 0xf && ((version >= 0x0f48 && version < 0x0f50) || version >= 0x0f58);

/** Undefined where there is no such instruction. */
export function readCpuInfo(): CpuInfo | undefined {
  const [highest, b, c, d] = cpuid(0, 0);
  if (highest === 0) return undefined;
  const maker = text(b, d, c);
  const vendor = maker === "GenuineIntel" ? "intel" : /^(AuthenticAMD|HygonGenuine)$/.test(maker) ? "amd" : "unknown";
  const words = new Uint32Array(WORDS);
  const set = (word: number, bit: number) => (words[word] = ((words[word] ?? 0) | (1 << bit)) >>> 0);
  const [version, , basicEcx, basicEdx] = cpuid(1, 0);
  words[Word.basicEdx] = basicEdx;
  words[Word.basicEcx] = basicEcx;
  if (highest >= 6) words[Word.thermal] = cpuid(6, 0)[0];
  if (highest >= 7) {
    const [, ebx, ecx, edx] = cpuid(7, 0);
    words[Word.structuredEbx] = ebx;
    words[Word.structuredEcx] = ecx;
    words[Word.structuredEdx] = edx;
  }
  if (highest >= 0xd) words[Word.xsave] = cpuid(0xd, 1)[0];
  if (highest >= 0xf) {
    words[Word.qosEdx] = cpuid(0xf, 0)[3];
    if ((words[Word.qosEdx] ?? 0) & (1 << CQM_LLC)) words[Word.qosMonitorEdx] = cpuid(0xf, 1)[3];
  }
  const extended = cpuid(0x80000000, 0)[0];
  if (extended >= 0x80000001) {
    const [, , ecx, edx] = cpuid(0x80000001, 0);
    words[Word.extendedEcx] = ecx;
    words[Word.extendedEdx] = edx;
  }
  if (extended >= 0x80000007) words[Word.reliability] = cpuid(0x80000007, 0)[1];
  if (extended >= 0x80000008) words[Word.extendedEbx] = cpuid(0x80000008, 0)[1];
  if (extended >= 0x8000000a) words[Word.virtual] = cpuid(0x8000000a, 0)[3];
  const baseFamily = (version >> 8) & 0xf;
  const family = baseFamily === 0xf ? baseFamily + ((version >> 20) & 0xff) : baseFamily;
  const model = ((version >> 4) & 0xf) + (family >= 6 ? ((version >> 16) & 0xf) << 4 : 0);
  // every 64-bit processor has them
  set(Word.linux, OWN.CPUID);
  set(Word.linux, OWN.NOPL);
  if (vendor === "amd" ? family >= 0x10 || isLateK8(version) : family === 6) set(Word.linux, OWN.REP_GOOD);
  // of AMD's the bit says something else
  if (vendor === "amd") words[Word.basicEdx] = basicEdx & 0x7fffffff;
  const [low, size, sizeOfAll, high] = highest >= 0xd ? cpuid(0xd, 0) : [0, 0, 0, 0];
  return {
    vendor,
    family,
    model,
    stepping: version & 0xf,
    words: [...words],
    name: extended >= 0x80000004 ? text(...[2, 3, 4].flatMap((leaf) => [...cpuid(0x80000000 + leaf, 0)])) : "",
    components: (BigInt(high) << 32n) | BigInt(low),
    size,
    sizeOfAll,
  };
}
