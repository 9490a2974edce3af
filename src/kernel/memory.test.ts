import { expect, test } from "bun:test";
import { closeFd } from "./fd.ts";
import { PAGE_SIZE, RemoteMemory } from "./memory.ts";
import { NR } from "./nr.ts";
import { addressOf, must, sys } from "./sys.ts";

function file(bytes: number): number {
  const name = Buffer.from("test\0");
  const fd = must(NR.memfd_create, [addressOf(name), 1]);
  must(NR.ftruncate, [fd, bytes]);
  return fd;
}

test("pieces of memory go to their place in a file", () => {
  using memory = new RemoteMemory(process.pid);
  const bytes = new Uint8Array(new ArrayBuffer(4 * PAGE_SIZE)).map((_, i) => i % 251);
  const at = addressOf(bytes);
  const fd = file(5 * PAGE_SIZE);
  const pieces = [
    { start: at + 10, length: PAGE_SIZE },
    { start: at + 2 * PAGE_SIZE, length: 2 * PAGE_SIZE },
  ];
  expect(memory.readIntoFile(pieces, fd, PAGE_SIZE)).toBe(true);
  const got = new Uint8Array(5 * PAGE_SIZE);
  expect(sys(NR.pread64, fd, addressOf(got), got.length, 0)).toBe(got.length);
  const wanted = new Uint8Array(5 * PAGE_SIZE);
  wanted.set(bytes.subarray(10, 10 + PAGE_SIZE), PAGE_SIZE);
  wanted.set(bytes.subarray(2 * PAGE_SIZE), 2 * PAGE_SIZE);
  expect(got).toEqual(wanted);
  closeFd(fd);
});

test("a file that is too short takes nothing, and nobody is hurt", () => {
  using memory = new RemoteMemory(process.pid);
  const bytes = new Uint8Array(new ArrayBuffer(2 * PAGE_SIZE));
  const fd = file(PAGE_SIZE);
  expect(memory.readIntoFile([{ start: addressOf(bytes), length: 2 * PAGE_SIZE }], fd, 0)).toBe(false);
  expect(memory.readIntoFile([{ start: 4096, length: PAGE_SIZE }], fd, 0)).toBe(false);
  closeFd(fd);
});
