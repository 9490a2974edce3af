import { expect, test } from "bun:test";
import { readFp, readRegs, writeFp, writeRegs } from "../agent/tracee.ts";
import { CoreEntryMarch } from "../image/schema.gen.ts";
import { registers } from "./registers.ts";
import { Held, isRoot, Victim } from "./testing.ts";

/** Every vector and x87 register full of a pattern, and a loop that changes none of it. */
const FULL = `
  static unsigned char pattern[64]; for (int i = 0; i < 64; i++) pattern[i] = i * 7 + 1;
  if (__builtin_cpu_supports("avx512f")) {
    __asm__ volatile("vmovdqu64 (%0), %%zmm0\\n vmovdqu64 (%0), %%zmm9\\n vmovdqu64 (%0), %%zmm17\\n vmovdqu64 (%0), %%zmm31\\n kmovw (%0), %%k3" :: "r"(pattern));
  } else if (__builtin_cpu_supports("avx")) __asm__ volatile("vmovdqu (%0), %%ymm0\\n vmovdqu (%0), %%ymm9" :: "r"(pattern));
  __asm__ volatile("fldpi\\n fldl2t");
  ready(); __asm__ volatile("mov $0x1122334455667788, %rbx\\n mov $0x99aabbccddeeff00, %r15\\n 1: jmp 1b");
`;

function snapshot(held: Held) {
  const raw = { general: readRegs(held.pid), extended: readFp(held.pid), others: registers.readOthers(held.pid) };
  return { raw, core: registers.dump(held.pid, raw, 0x1234) };
}

const x86 = isRoot && process.arch === "x64";

test.skipIf(!x86)("all registers go into an entry and come back in another process", async () => {
  await using from = await Victim.start(FULL, { globals: '#pragma GCC target("general-regs-only")' });
  await using to = await Victim.start("ready(); for (;;) ;");
  using source = new Held(from.pid);
  using target = new Held(to.pid);
  const { raw, core } = snapshot(source);
  expect(core.mtype).toBe(CoreEntryMarch.X86_64);
  expect(core.thread_info).toMatchObject({ clear_tid_addr: 0x1234, gpregs: { bx: 0x1122334455667788n, mode: 1 } });
  const before = { general: readRegs(to.pid), extended: readFp(to.pid) };
  const built = registers.build(core, before);
  writeFp(to.pid, built.extended);
  // another program's code and stack: only what does not lead it astray
  const general = before.general.slice();
  for (const i of [0, 5, 11, 12, 13, 14]) general[i] = built.general[i] ?? 0n;
  writeRegs(to.pid, general);
  registers.restoreOthers(to.pid, core);
  const again = snapshot(target);
  expect(again.core.thread_info?.fpregs).toEqual(core.thread_info?.fpregs);
  expect(again.core.thread_info?.tls).toEqual(core.thread_info?.tls);
  expect(readRegs(to.pid)).toEqual(general);
  // all that the CPU keeps, byte by byte
  expect(Buffer.compare(again.raw.extended, raw.extended)).toBe(0);
});

test.skipIf(!x86)("an image of a better CPU is refused, and names what is missing", async () => {
  await using victim = await Victim.start("ready(); for (;;) ;");
  using held = new Held(victim.pid);
  const { raw, core } = snapshot(held);
  const xsave = core.thread_info?.fpregs.xsave;
  if (!xsave) throw new Error("no xsave");
  xsave.xstate_bv = Number(xsave.xstate_bv) + 2 ** 19;
  expect(() => registers.build(core, raw)).toThrow(/APX registers, which this CPU/);
});

test.skipIf(!x86)("what a better CPU has in use and is as it was at first does not keep an image away", async () => {
  await using victim = await Victim.start("ready(); for (;;) ;");
  using held = new Held(victim.pid);
  const { raw, core } = snapshot(held);
  const xsave = core.thread_info?.fpregs.xsave;
  if (!xsave) throw new Error("no xsave");
  // bounds and protection keys, on a CPU that offers SSE and AVX alone
  xsave.xstate_bv = (Number(xsave.xstate_bv) & 7) + (1 << 4) + (1 << 9);
  xsave.bndcsr_state = Array.from({ length: 8 }, () => 0);
  xsave.pkru = [0x5555_5554, 0];
  const plain = { ...raw, extended: raw.extended.slice() };
  new DataView(plain.extended.buffer).setBigUint64(464, 7n, true);
  const built = registers.build(core, plain).extended;
  expect(new DataView(built.buffer, built.byteOffset).getBigUint64(512, true) & ~7n).toBe(0n);
  // what was built of an entry is kept by the entry
  const keys = structuredClone(core);
  Object.assign(keys.thread_info?.fpregs.xsave ?? {}, { pkru: [0x5555_5550, 0] });
  expect(() => registers.build(keys, plain)).toThrow(/protection keys registers, which this CPU/);
  const bounds = structuredClone(core);
  Object.assign(bounds.thread_info?.fpregs.xsave ?? {}, { bndcsr_state: [1, 0, 0, 0, 0, 0, 0, 0] });
  expect(() => registers.build(bounds, plain)).toThrow(/MPX bound registers/);
});

test("an image of another architecture is refused", () => {
  const raw = { general: new BigUint64Array(34), extended: new Uint8Array(528) };
  expect(() => registers.build({ mtype: CoreEntryMarch.S390 }, raw)).toThrow(/another architecture/);
});

test.skipIf(!x86)("segments of a thread", async () => {
  await using victim = await Victim.start(`
    struct { unsigned n, base, limit, bits; } d = { -1, 0x12345000, 0xfff, 1 | 1 << 4 | 1 << 6 };
    if (syscall(SYS_set_thread_area, &d) && 0) exit(1); ready(); for (;;) ;
  `);
  await using to = await Victim.start("ready(); for (;;) ;");
  using held = new Held(victim.pid);
  using target = new Held(to.pid);
  const { core } = snapshot(held);
  registers.restoreOthers(to.pid, core);
  expect(snapshot(target).core.thread_info?.tls).toEqual(core.thread_info?.tls);
  // a kernel without 32-bit programs has no such segments
  if (core.thread_info?.tls.some(({ usable }) => usable)) {
    expect(core.thread_info.tls[0]).toMatchObject({ entry_number: 12, base_addr: 0x12345000, limit_in_pages: true });
  }
});
