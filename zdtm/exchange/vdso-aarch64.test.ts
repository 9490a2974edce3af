/** The vDSO of Debian's kernel for aarch64, as it lies in that kernel's image: its functions are found, and lead elsewhere. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { MmEntry } from "../../src/image/schema.gen.ts";
import { exportedFunctions } from "../../src/memory/vdso-elf.ts";
import { aarch64 } from "../../src/memory/vdso-jump.ts";
import { planVdso } from "../../src/memory/vdso-plan.ts";
import { kernelImage, Missing } from "../single-file/kernel.ts";

const PAGES = 8192;
const VDSO = 0xffff_9000_0000;

function image(): string | Error {
  try {
    return kernelImage("aarch64");
  } catch (error) {
    if (error instanceof Missing) return error;
    throw error;
  }
}

const path = image();
const reason = path instanceof Error ? path.message : undefined;

function findVdso(kernel: Uint8Array): Uint8Array | undefined {
  const buffer = Buffer.from(kernel.buffer, kernel.byteOffset, kernel.length);
  for (let at = buffer.indexOf("\x7fELF\x02\x01"); at >= 0; at = buffer.indexOf("\x7fELF\x02\x01", at + 1)) {
    const bytes = new Uint8Array(kernel.subarray(at, at + PAGES));
    if (exportedFunctions(bytes)?.has("__kernel_clock_gettime")) return bytes;
  }
  return undefined;
}

test.skipIf(reason !== undefined)(
  `a vDSO of aarch64 leads to another${reason === undefined ? "" : ` (${reason})`}`,
  () => {
    const old = findVdso(readFileSync(String(path)));
    if (!old) throw new Error("the kernel's image holds no vDSO");
    const functions = exportedFunctions(old) ?? new Map<string, number>();
    expect([...functions.keys()].sort()).toEqual([
      "__kernel_clock_getres",
      "__kernel_clock_gettime",
      "__kernel_gettimeofday",
      "__kernel_rt_sigreturn",
    ]);
    // another kernel's has them elsewhere
    const others = new Map([...functions].map(([name, at]) => [name, at + 64]));
    const runtime = {
      vdso: { start: 0x2000, end: 0x4000 },
      vvar: { start: 0, end: 0x2000 },
      size: 0x4000,
      bytes: old.slice(),
      functions: others,
    };
    const vmas = [
      { start: VDSO - 0x2000, end: VDSO, status: 0x1201, flags: 0x22 },
      { start: VDSO, end: VDSO + PAGES, status: 0x209, flags: 0x22 },
    ];
    const mm = { vmas, mm_start_brk: 0x500000, mm_brk: 0x600000 } as unknown as MmEntry;
    let bytes: Uint8Array = old.slice();
    // the second time over the jumps of the first
    for (let round = 0; round < 2; round++) {
      bytes[PAGES - 300] = (old[PAGES - 300] ?? 0) ^ (round + 1);
      const plan = planVdso({ pid: 7, mm, bytes, stopped: new Map() }, [], 2 ** 48, runtime, aarch64);
      if (plan.kind !== "beside") throw new Error(`the plan is ${plan.kind}`);
      for (const [name, at] of others) {
        const start = functions.get(name) ?? 0;
        const from = start + aarch64.landing(plan.code, start);
        const target = aarch64.target(plan.code, from, VDSO + from);
        // what returns from signal handlers is known by its instructions
        expect([name, target]).toEqual([name, name.endsWith("sigreturn") ? undefined : plan.to + 0x2000 + at]);
        if (target !== undefined) expect(from - start).toBe(4);
      }
      bytes = plan.code.slice();
    }
  },
);
