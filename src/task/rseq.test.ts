import { expect, test } from "bun:test";
import { writeRegs } from "../agent/tracee.ts";
import { RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { getRseq } from "../kernel/ptrace.ts";
import { leaveSection, readRseq, restoreRseq, rseqWriteBack } from "./rseq.ts";
import { Held, isRoot, Victim } from "./testing.ts";

const x86 = isRoot && process.arch === "x64";
/** glibc registers none of its own. */
const command = ["env", "GLIBC_TUNABLES=glibc.pthread.rseq=0"];

const GLOBALS = `
struct area { unsigned start, cpu; unsigned long cs; unsigned flags, node, mm, pad; } __attribute__((aligned(32)));
struct area area;
struct section { unsigned version, flags; unsigned long start, length, abort; } __attribute__((aligned(32)));
struct section section;
volatile long aborts;
extern char section_in[], section_out[], section_abort[];
`;

/** Registers a sequence and stands in its critical section for ever; its abort handler counts and goes back. */
const STANDS = `
  if (syscall(SYS_rseq, &area, 32, 0, 0x53053053)) { perror("rseq"); return 1; }
  section = (struct section){ 0, 0, (long)section_in, section_out - section_in, (long)section_abort };
  char line[99]; ready(); write(1, line, sprintf(line, "%lu %lu %lu\\n", (long)&area, (long)section_abort, (long)&aborts));
  __asm__ volatile("2: lea section(%%rip), %%rax\\n mov %%rax, area+8(%%rip)\\n section_in: jmp section_in\\n section_out: ud2\\n"
    ".long 0x53053053\\n section_abort: lock incq aborts(%%rip)\\n jmp 2b" ::: "rax", "memory");
`;

const options = { globals: GLOBALS, command };

test.skipIf(!x86)("a thread in a critical section goes on in its abort handler, in the image and in life", async () => {
  await using victim = await Victim.start(STANDS, options);
  const [area = 0, abort = 0, aborts = 0] = (await victim.line()).split(" ").map(Number);
  using memory = new RemoteMemory(victim.pid);
  const count = () => memory.read(aborts, 1)[0];
  let before: number | undefined;
  // the stop may come when the kernel has just moved it out of the section by itself: then it has to come again
  for (let inside = false; !inside; ) {
    using held = new Held(victim.pid);
    const state = readRseq(victim.pid, held.memory, held.tracee.regs);
    inside = state.abortIp !== undefined;
    if (!inside) continue;
    expect(state.entry).toEqual({ rseq_abi_pointer: area, rseq_abi_size: 32, signature: 0x53053053 });
    expect(state.abortIp).toBe(abort);
    const regs = held.tracee.regs.slice();
    leaveSection(state, regs);
    expect(Number(regs[16])).toBe(abort);
    before = count();
    // our own call makes the kernel forget the section
    held.program.call(NR.getpid, []);
    held.program.run();
    held.cure();
    writeRegs(victim.pid, regs);
  }
  // for ever if it stood in the loop of its section
  while (count() === before) await Bun.sleep(1);
});

test.skipIf(!x86)("a registration comes back", async () => {
  await using victim = await Victim.start(
    'char l[99]; ready(); write(1, l, sprintf(l, "%lu\\n", (long)&area)); for (;;) pause();',
    options,
  );
  const area = Number(await victim.line());
  using held = new Held(victim.pid);
  expect(getRseq(victim.pid)?.pointer ?? 0).toBe(0);
  expect(readRseq(victim.pid, held.memory, held.tracee.regs).entry).toBeUndefined();
  const entry = { rseq_abi_pointer: area, rseq_abi_size: 32, signature: 0x1234 };
  restoreRseq(held.program, entry);
  held.program.run();
  held.cure();
  expect(readRseq(victim.pid, held.memory, held.tracee.regs).entry).toEqual(entry);
});

test("a section that signals do not abort is written back at the end", () => {
  const entry = { rseq_abi_pointer: 0x1000, rseq_abi_size: 32, signature: 1 };
  expect(rseqWriteBack(entry)).toBeUndefined();
  expect(rseqWriteBack({ ...entry, rseq_cs_pointer: 0x2000 })).toEqual({
    address: 0x1008,
    bytes: Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0),
  });
});
