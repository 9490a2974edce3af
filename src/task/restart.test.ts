import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { arch } from "../agent/arch/index.ts";
import { readRegs, writeRegs } from "../agent/tracee.ts";
import { NR } from "../kernel/nr.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { parseStatus } from "../kernel/proc/status.ts";
import { planRestart, type Restart } from "./restart.ts";
import { resumeCall } from "./resume.ts";
import { Held, isRoot, Victim } from "./testing.ts";
import { monotonic, readWait, waited } from "./wait.ts";

/** How long a call takes by its own account, in tenths of a second, and what it returned. */
const TIMED = (call: string) => `
  ready(); double t = now(); errno = 0; long r = ${call};
  int e = errno; printf("%.1f %ld %d\\n", now() - t, r, r < 0 ? e : 0); fflush(stdout); pause();
`;
const WAIT_MS = 500;

const said = (victim: Victim, file: string) => readFileSync(`/proc/${victim.pid}/${file}`, "latin1");
const waits = (victim: Victim) =>
  / S \d/.test(said(victim, "stat")) && !said(victim, "syscall").startsWith(`${NR.write} `);
const computes = (victim: Victim) => / R \d/.test(said(victim, "stat"));

/** Stops a victim in its call after a while and plans. */
async function interrupted(victim: Victim, isThere = waits): Promise<{ held: Held; plan: Restart }> {
  while (!isThere(victim)) await Bun.sleep(2);
  await Bun.sleep(WAIT_MS);
  using dir = new ProcDir(victim.pid);
  const wait = readWait(dir);
  const held = new Held(victim.pid);
  const status = parseStatus(held.dir.text("status"));
  const plan = planRestart(held.tracee.regs, held.memory, {
    wait,
    waited: waited(wait, status, monotonic()),
    signalled: false,
    sp: Number(held.tracee.regs[19]),
  });
  return { held, plan };
}

const x86 = isRoot && process.arch === "x64";
const syscall = (call: string) => `syscall(${call})`;
const LONG = "&(struct timespec){ 1000, 0 }";
/** Long enough for a busy machine to stop the call meanwhile. */
const PATIENCE_MS = 6000;
const PATIENCE = `&(struct timespec){ ${PATIENCE_MS / 1000} }`;

/** Calls that only the kernel's own memory of them can restart; 1000 seconds each. */
const blocks = {
  nanosleep: syscall(`SYS_nanosleep, ${LONG}, 0`),
  "nanosleep that tells the rest": syscall(`SYS_nanosleep, ${LONG}, &(struct timespec){ 0 }`),
  clock_nanosleep: syscall(`SYS_clock_nanosleep, CLOCK_BOOTTIME, 0, ${LONG}, 0`),
  futex: syscall(`SYS_futex, &(int){ 7 }, 0, 7, ${LONG}, 0, 0`),
  poll: syscall("SYS_poll, 0, 0, 1000000"),
};

for (const [name, call] of Object.entries(blocks)) {
  test
    .skipIf(!x86)
    .concurrent(
      `${name}: the image says EINTR, the time left stands beside it, and the call goes on with it`,
      async () => {
        await using victim = await Victim.start(TIMED(call));
        {
          const { held, plan } = await interrupted(victim);
          using _ = held;
          expect(Number(BigInt.asIntN(64, plan.image[10] ?? 0n))).toBe(-4);
          expect(plan.live).toBeUndefined();
          const left = Number(plan.entry?.remaining_ns) / 1e6;
          expect(left).toBeGreaterThan(0);
          expect(left).toBeLessThanOrEqual(1000_000 - WAIT_MS + 1);
          // as a restore: nothing is left of the kernel's own memory
          if (!plan.entry) throw new Error("no entry");
          const scratch = Math.floor((Number(plan.image[19]) - 1024) / 16) * 16;
          const regs = resumeCall(victim.pid, plan.image, { ...plan.entry, remaining_ns: 300e6 }, held.memory, scratch);
          held.memory.write(scratch, new Uint8Array(16));
          expect(Number(BigInt.asIntN(64, regs[10] ?? 0n))).toBe(-516);
          regs[14] = plan.image[14] ?? 0n;
          writeRegs(victim.pid, regs);
        }
        // not at once, not the whole time
        const [took, result, error] = (await victim.line()).split(" ");
        expect([result, error]).toEqual(name === "futex" ? ["-1", "110"] : ["0", "0"]);
        expect(Number(took)).toBeGreaterThanOrEqual(0.8);
      },
    );
}

for (const [name, call] of Object.entries(blocks)) {
  test.skipIf(!x86).concurrent(`${name}: interrupted a second time, it is still known by name`, async () => {
    await using victim = await Victim.start(TIMED(call));
    const { held: first, plan: before } = await interrupted(victim);
    first[Symbol.dispose](); // the kernel goes on with it in restart_syscall
    const { held, plan } = await interrupted(victim);
    using _ = held;
    expect(held.tracee.regs[15]).toBe(BigInt(NR.restart_syscall));
    expect(plan.entry?.nr).toBe(before.entry?.nr ?? -1);
    const left = Number(plan.entry?.remaining_ns);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(1000e9);
  });
}

for (const [name, call] of Object.entries(blocks)) {
  test
    .skipIf(!x86)
    .concurrent(`${name}: a thread that nobody comes back for is led home to the call, not to EINTR`, async () => {
      await using victim = await Victim.start(TIMED(call));
      const within = () => readFileSync(`/proc/${victim.pid}/syscall`, "latin1").trim().split(" ")[0];
      let before: string | undefined;
      {
        const { held } = await interrupted(victim);
        using _ = held;
        before = String(held.tracee.regs[15]);
        writeRegs(victim.pid, arch.atRest(held.tracee.regs));
      }
      // -1: it waits, but not in a call yet
      while (within() === "running" || within() === "-1") await Bun.sleep(5);
      expect(within()).toBe(before);
    });
}

test.skipIf(!x86)("a call whose time is over ends at once with what the kernel says", async () => {
  await using victim = await Victim.start(TIMED(blocks.futex));
  {
    const { held, plan } = await interrupted(victim);
    using _ = held;
    if (!plan.entry) throw new Error("no entry");
    const scratch = Math.floor((Number(plan.image[19]) - 1024) / 16) * 16;
    // the word has another value by now
    const word = Number(plan.image[14]);
    held.memory.write(word, Uint8Array.of(8, 0, 0, 0));
    const regs = resumeCall(victim.pid, plan.image, plan.entry, held.memory, scratch);
    expect(Number(BigInt.asIntN(64, regs[10] ?? 0n))).toBe(-11);
    writeRegs(victim.pid, regs);
  }
  expect((await victim.line()).split(" ").slice(1)).toEqual(["-1", "11"]);
});

/** Calls that end with EINTR at any disturbance. */
const disturbed = {
  epoll_wait: syscall(`SYS_epoll_wait, epoll_create1(0), &(struct epoll_event){ 0 }, 1, ${PATIENCE_MS}`),
  epoll_pwait2: syscall(`441, epoll_create1(0), &(struct epoll_event){ 0 }, 1, ${PATIENCE}, 0, 8`),
  sigtimedwait: syscall(`SYS_rt_sigtimedwait, &(long){ 0 }, 0, ${PATIENCE}, 8`),
};

/** Milliseconds that the call is given when it is made again. */
function leftOf(name: string, plan: Restart): number {
  if (name === "epoll_wait") return Number(plan.image[7]);
  const [patch] = plan.patches;
  if (!patch) throw new Error("no timeout");
  expect(plan.image[name === "sigtimedwait" ? 12 : 7]).toBe(BigInt(patch.address));
  const time = new BigInt64Array(patch.bytes.buffer);
  return Number(time[0]) * 1e3 + Number(time[1]) / 1e6;
}

for (const [name, call] of Object.entries(disturbed)) {
  test.skipIf(!x86).concurrent(
    `${name}: a thread that is left running does not see that it was stopped`,
    async () => {
      await using victim = await Victim.start(TIMED(call));
      {
        const { held, plan } = await interrupted(victim);
        using _ = held;
        expect(Number(BigInt.asIntN(64, readRegs(victim.pid)[10] ?? 0n))).toBe(-4);
        for (const { address, bytes } of plan.patches) held.memory.write(address, bytes);
        if (!plan.live) throw new Error("nothing to do?");
        expect(leftOf(name, plan)).toBeGreaterThan(0);
        expect(leftOf(name, plan)).toBeLessThanOrEqual(PATIENCE_MS - WAIT_MS + 1);
        writeRegs(victim.pid, plan.live);
      }
      const [took, result, error] = (await victim.line()).split(" ");
      expect([result, error]).toEqual(name === "sigtimedwait" ? ["-1", "11"] : ["0", "0"]);
      expect(Number(took)).toBeGreaterThanOrEqual(PATIENCE_MS / 1000);
    },
    10 * PATIENCE_MS,
  );
}

test.skipIf(!x86)("calls that the kernel makes again by itself are made again by the image", async () => {
  for (const call of ["pause()", syscall("SYS_poll, 0, 0, -1"), syscall("SYS_futex, &(int){ 7 }, 9, 7, 0, 0, -1")]) {
    await using victim = await Victim.start(TIMED(call));
    const { held, plan } = await interrupted(victim);
    using _ = held;
    expect(plan.entry).toBeUndefined();
    expect(plan.image[16]).toBe((held.tracee.regs[16] ?? 0n) - 2n);
    expect(plan.image[10]).toBe(held.tracee.regs[15] ?? -1n);
  }
});

test.skipIf(!x86)("a thread outside of system calls stays as it is", async () => {
  await using victim = await Victim.start("ready(); for (;;) ;");
  const { held, plan } = await interrupted(victim, computes);
  using _ = held;
  expect(plan).toEqual({ image: held.tracee.regs, live: undefined, entry: undefined, patches: [] });
});
