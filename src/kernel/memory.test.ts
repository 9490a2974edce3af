import { expect, test } from "bun:test";
import { PAGE_SIZE, RemoteMemory } from "./memory.ts";
import { NR } from "./nr.ts";
import { must, sys } from "./sys.ts";

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
