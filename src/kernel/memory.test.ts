import { expect, test } from "bun:test";
import { PAGE_SIZE, RemoteMemory } from "./memory.ts";
import { NR } from "./nr.ts";
import { addressOf, must, sys } from "./sys.ts";

test("a page that nobody may read is read too; where there is none, that is told", () => {
  using memory = new RemoteMemory(process.pid);
  const [PROT_NONE, PROT_RW, PRIVATE_ANONYMOUS] = [0, 3, 0x22];
  const at = must(NR.mmap, [0, 3 * PAGE_SIZE, PROT_RW, PRIVATE_ANONYMOUS, -1, 0]);
  memory.write(at, new Uint8Array(2 * PAGE_SIZE).fill(7));
  must(NR.mprotect, [at + PAGE_SIZE, PAGE_SIZE, PROT_NONE]);
  must(NR.munmap, [at + 2 * PAGE_SIZE, PAGE_SIZE]);
  const into = new Uint8Array(new ArrayBuffer(2 * PAGE_SIZE));
  expect(memory.tryRead(at, into)).toBe(true);
  expect(into.every((byte) => byte === 7)).toBe(true);
  expect(memory.tryRead(at + PAGE_SIZE, into)).toBe(false);
  sys(NR.munmap, at, 2 * PAGE_SIZE);
});

test("pieces are read one behind the other, over the borders of what there is room for", () => {
  using memory = new RemoteMemory(process.pid);
  const from = new Uint8Array(new ArrayBuffer(10_000)).map((_, i) => i % 251);
  const at = addressOf(from);
  const pieces = [at + 5, 1, at + 100, 3000, at, 7, at + 4000, 6000];
  const wanted = [
    [5, 1],
    [100, 3000],
    [0, 7],
    [4000, 6000],
  ].flatMap(([start = 0, length = 0]) => [...from.subarray(start, start + length)]);
  for (const room of [1, 7, 1000, 9008, 20_000]) {
    const found: number[] = [];
    const sizes = new Set<number>();
    const use = (bytes: Uint8Array) => {
      sizes.add(bytes.length);
      found.push(...bytes);
    };
    expect(memory.tryGather(pieces, new Uint8Array(new ArrayBuffer(room)), use)).toBeUndefined();
    expect(found).toEqual(wanted);
    expect(Math.max(...sizes)).toBe(Math.min(room, 9008));
  }
  expect(memory.tryGather([], new Uint8Array(new ArrayBuffer(8)), () => {})).toBeUndefined();
  expect(memory.tryGather([at, 8, 4096, 8], new Uint8Array(new ArrayBuffer(64)), () => {})).toBe(4096);
});
