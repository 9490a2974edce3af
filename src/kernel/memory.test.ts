import { expect, test } from "bun:test";
import { PAGE_SIZE, RemoteMemory } from "./memory.ts";
import { NR } from "./nr.ts";
import { addressOf, must, sys } from "./sys.ts";

test("pieces of memory, one behind the other", () => {
  using memory = new RemoteMemory(process.pid);
  const bytes = new Uint8Array(new ArrayBuffer(4 * PAGE_SIZE)).map((_, i) => i % 251);
  const at = addressOf(bytes);
  const into = new Uint8Array(new ArrayBuffer(3 * PAGE_SIZE));
  const pieces = [at + 10, PAGE_SIZE, at + 2 * PAGE_SIZE, 2 * PAGE_SIZE];
  expect(memory.tryGather(pieces, into)).toBeUndefined();
  const wanted = [...bytes.subarray(10, 10 + PAGE_SIZE), ...bytes.subarray(2 * PAGE_SIZE)];
  expect([...into]).toEqual(wanted);
});

test("a page that nobody may read is read too; where there is none, its address is told", () => {
  using memory = new RemoteMemory(process.pid);
  const [PROT_NONE, PROT_RW, PRIVATE_ANONYMOUS] = [0, 3, 0x22];
  const at = must(NR.mmap, [0, 3 * PAGE_SIZE, PROT_RW, PRIVATE_ANONYMOUS, -1, 0]);
  memory.write(at, new Uint8Array(2 * PAGE_SIZE).fill(7));
  must(NR.mprotect, [at + PAGE_SIZE, PAGE_SIZE, PROT_NONE]);
  must(NR.munmap, [at + 2 * PAGE_SIZE, PAGE_SIZE]);
  const into = new Uint8Array(new ArrayBuffer(2 * PAGE_SIZE));
  expect(memory.tryGather([at, PAGE_SIZE, at + PAGE_SIZE, PAGE_SIZE], into)).toBeUndefined();
  expect(into.every((byte) => byte === 7)).toBe(true);
  expect(memory.tryGather([at, PAGE_SIZE, 4096, PAGE_SIZE], into)).toBe(4096);
  sys(NR.munmap, at, 2 * PAGE_SIZE);
});
