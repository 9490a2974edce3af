import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCpuInfo as readImage, writeCpuInfo } from "../image/work.ts";
import { readCpuInfo, Word } from "../kernel/cpuinfo.ts";
import { checkCpuInfo, cpuinfoEntry } from "./cpuinfo.ts";

const here = readCpuInfo();
const all = { given: true, cpu: true, fpu: true, ins: true };
const usual = { given: false, cpu: false, fpu: true, ins: true };
const set = (words: readonly number[], word: number, bit: number, on: boolean) =>
  words.map((value, i) => (i === word ? (on ? value | (1 << bit) : value & ~(1 << bit)) >>> 0 : value));

test.skipIf(here === undefined)("the processor is read as the kernel tells of it", () => {
  if (here === undefined) return;
  const text = readFileSync("/proc/cpuinfo", "latin1");
  const field = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, "m").exec(text)?.[1];
  expect(`${here.family}`).toBe(field("cpu family") ?? "");
  expect(`${here.model}`).toBe(field("model") ?? "");
  expect(`${here.stepping}`).toBe(field("stepping") ?? "");
  // some virtual machines' kernels are told another name than programs are
  expect(here.name).not.toBe("");
  const flags = field("flags")?.split(" ") ?? [];
  for (const [name, word, bit] of [
    ["avx2", Word.structuredEbx, 5],
    ["avx512f", Word.structuredEbx, 16],
    ["sse4_2", Word.basicEcx, 20],
    ["rdtscp", Word.extendedEdx, 27],
  ] as const)
    expect([name, ((here.words[word] ?? 0) & (1 << bit)) !== 0]).toEqual([name, flags.includes(name)]);
});

test.skipIf(here === undefined)("a richer processor will do, a poorer one is told with what it lacks", () => {
  if (here === undefined) return;
  const dir = mkdtempSync(join(tmpdir(), "tscriu-cpu-"));
  try {
    const entry = (words: readonly number[], more = 0n) => {
      const made = cpuinfoEntry({ ...here, words });
      for (const x86 of made.x86_entry) x86.xfeatures_mask = BigInt(x86.xfeatures_mask ?? 0) | more;
      writeCpuInfo(dir, made);
      return readImage(dir);
    };
    checkCpuInfo(all, entry(here.words), true);
    checkCpuInfo(usual, entry(set(here.words, Word.structuredEbx, 5, false)), false);
    expect(() => checkCpuInfo(all, entry(set(here.words, Word.structuredEbx, 5, false)), true)).toThrow(
      "this is another processor",
    );
    // of a kind of its own: no machine has it
    const missing = set(set(here.words, Word.extendedEcx, 16, true), Word.extendedEcx, 21, true);
    if (here.vendor === "intel" || here.family > 0x15) {
      try {
        checkCpuInfo(usual, entry(missing), false);
        expect("it").toBe("refused");
      } catch (error) {
        expect(String(error)).toContain("lacks instructions");
        expect((error as { subject: { features: string } }).subject.features).toBe("fma4 tbm");
      }
    }
    expect(() => checkCpuInfo(usual, entry(here.words, 1n << 40n), false)).toThrow("extended state");
    checkCpuInfo({ given: true, cpu: false, fpu: false, ins: false }, entry(missing), true);
    checkCpuInfo(usual, undefined, false);
    expect(() => checkCpuInfo(all, undefined, true)).toThrow("no image of what the processor could");
  } finally {
    rmSync(dir, { recursive: true });
  }
});
