/**
 * The program that a puppet executes to become a task of 32-bit code. The kernel gives such a task at its exec what nobody can
 * give it later: an address space of 4 GiB with places for mappings of its own, the 32-bit vDSO, no vsyscall page. Our agent
 * runs in it all the same, as 64-bit code: a tracer may set the code segment.
 */
const HEADER = 52;
const SEGMENT = 32;
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474e551;
const READ = 4;
const WRITE = 2;
const EXECUTE = 1;
const EM_386 = 3;
/** The lowest page that a program may have: below all that a puppet's agent lives in. */
const ADDRESS = 0x10000;
const PAGE = 4096;

/** A static executable (elf(5)). Its entry holds a `syscall` instruction for its tracer; without one it would loop. */
export function i386Program(): Uint8Array {
  const code = [0x0f, 0x05, 0xeb, 0xfe];
  const start = HEADER + 2 * SEGMENT;
  const bytes = new Uint8Array(start + code.length);
  const view = new DataView(bytes.buffer);
  // magic, 32 bits, little-endian, version
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const halves = (at: number, ...values: number[]) =>
    values.forEach((value, i) => {
      view.setUint16(at + i * 2, value, true);
    });
  const words = (at: number, ...values: number[]) =>
    values.forEach((value, i) => {
      view.setUint32(at + i * 4, value, true);
    });
  const ET_EXEC = 2;
  halves(16, ET_EXEC, EM_386);
  words(20, 1, ADDRESS + start, HEADER, 0, 0);
  halves(40, HEADER, SEGMENT, 2);
  words(HEADER, PT_LOAD, 0, ADDRESS, ADDRESS, bytes.length, bytes.length, READ | EXECUTE, PAGE);
  // without it every mapping that can be read could be executed
  words(HEADER + SEGMENT, PT_GNU_STACK, 0, 0, 0, 0, 0, READ | WRITE, 16);
  bytes.set(code, start);
  return bytes;
}
