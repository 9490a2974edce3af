import { expect, test } from "bun:test";
import { CrError } from "../error.ts";
import { decode, encode } from "./codec.ts";
import type { MmEntry, VmaEntry } from "./schema.gen.ts";

const plain: VmaEntry = { start: 0x1000, end: 0x2000, pgoff: 0, shmid: 0, prot: 3, flags: 0x22, status: 0x201, fd: -1 };
const areas: VmaEntry[] = [
  plain,
  { ...plain, start: 0x7fff_ffff_e000, end: 0x7fff_ffff_f000, madv: 2 ** 40 },
  { ...plain, shmid: 7, fdflags: 0o2, pgoff: 2 ** 45 },
  { ...plain, madv: 3, fdflags: 0 },
  { ...plain, fd: 5 },
  { ...plain, fd: -(2 ** 40) },
  { ...plain, tscriu_name: "a name", tscriu_pkey: 3 },
  { ...plain, tscriu_lock_onfault: true },
  { ...plain, tscriu_sealed: true },
  { ...plain, tscriu_mempolicy: { mode: 2, nodes: new Uint8Array([1]) } },
  { ...plain, start: 0xffff_ffff_ff60_0000n, end: 0xffff_ffff_ff60_1000n },
  plain,
  plain,
];

function mm(vmas: readonly VmaEntry[]): MmEntry {
  const names = ["start_code", "end_code", "start_data", "end_data", "start_stack", "start_brk", "brk"];
  const more = ["arg_start", "arg_end", "env_start", "env_end"];
  const all = Object.fromEntries([...names, ...more].map((name, i) => [`mm_${name}`, i]));
  return { ...all, exe_file_id: 1, mm_saved_auxv: [], vmas: [...vmas], aios: [] } as unknown as MmEntry;
}

/** One area by itself is encoded by the schema; among those of an address space it may take the short way. */
test("areas are the same bytes, and the same areas again, whichever way they go", () => {
  const bytes = Buffer.from(encode("mm_entry", mm(areas)));
  for (const area of areas) {
    const alone = Buffer.from(encode("vma_entry", area));
    expect(bytes.includes(alone)).toBe(true);
    expect(decode("vma_entry", alone)).toEqual(area);
  }
  expect(decode("mm_entry", bytes).vmas).toEqual(areas);
});

test("an area that is cut short, lacks a field or has one twice", () => {
  const bytes = (...more: number[]) => {
    const area = [8, 1, 16, 2, 24, 0, 32, 0, 40, 3, 48, 34, 56, 1, 64, 1, ...more];
    const head = encode("mm_entry", mm([]));
    return Uint8Array.of(...head, 14 * 8 + 2, area.length, ...area);
  };
  const { vmas } = decode("mm_entry", bytes());
  expect(vmas).toEqual([{ ...plain, start: 1, end: 2, flags: 34, status: 1 }]);
  expect(decode("mm_entry", bytes(72, 4, 72, 5)).vmas[0]?.madv).toBe(5);
  expect(decode("mm_entry", bytes(0x80, 0x7d, 1)).vmas[0]?.tscriu_lock_onfault).toBe(true);
  expect(() => decode("mm_entry", bytes(72))).toThrow(CrError);
  expect(() => decode("mm_entry", bytes().subarray(0, -1))).toThrow(CrError);
  const lacks = encode("mm_entry", mm([]));
  expect(() => decode("mm_entry", Uint8Array.of(...lacks, 14 * 8 + 2, 4, 8, 1, 16, 2))).toThrow("pgoff");
});
