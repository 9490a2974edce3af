import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { m32 } from "../../zdtm/lib/compile.ts";
import { noI386 } from "../../zdtm/lib/needs.ts";
import { RemoteMemory } from "../kernel/memory.ts";
import { NR } from "../kernel/nr.ts";
import { readMaps } from "../kernel/proc/maps.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { parseStatus } from "../kernel/proc/status.ts";
import { detach, interrupt, seize, waitStop } from "../kernel/ptrace.ts";
import { check } from "../kernel/sys.ts";
import { PTRACE_O } from "../kernel/uapi/ptrace.ts";
import { arch } from "./arch/index.ts";
import { i386Program } from "./i386.ts";
import { Tracee, writeRegs } from "./tracee.ts";

test("the program of a 32-bit puppet is an executable of one page whose entry is a system call", () => {
  const bytes = i386Program();
  const view = new DataView(bytes.buffer);
  expect(Buffer.from(bytes.subarray(0, 5)).toString("latin1")).toBe("\x7fELF\x01");
  const entry = view.getUint32(24, true);
  const [offset, address, size] = [52 + 4, 52 + 8, 52 + 16].map((at) => view.getUint32(at, true));
  expect([offset, size]).toEqual([0, bytes.length]);
  const at = entry - (address ?? 0);
  expect([...bytes.subarray(at, at + 2)]).toEqual([0x0f, 0x05]);
});

const source = `
#include <signal.h>
#include <unistd.h>
int main(void) {
  char byte;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, 0);
  while (read(0, &byte, 1) == 1) { byte++; if (write(1, &byte, 1) != 1) return 2; }
  return 7;
}`;

const lack = noI386();

test.skipIf(lack !== undefined)(
  `32-bit code that nobody comes back for is led home by its last call${lack === undefined ? "" : ` (${lack})`}`,
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "tscriu-i386-"));
    const program = join(directory, "program");
    const words = ["cc", ...m32, "-O1", "-w", "-xc", "-", "-o", program];
    expect(Bun.spawnSync(words, { stdin: new TextEncoder().encode(source) }).success).toBe(true);
    const child = Bun.spawn([program], { stdin: "pipe", stdout: "pipe" });
    try {
      const { pid } = child;
      const answers = child.stdout.getReader();
      const ask = async (letter: string) => {
        child.stdin.write(letter);
        child.stdin.flush();
        return new TextDecoder().decode((await answers.read()).value);
      };
      expect(await ask("a")).toBe("b");
      using dir = new ProcDir(pid);
      using memory = new RemoteMemory(pid);
      for (const letter of "klmn") {
        check(seize(pid, PTRACE_O.TRACESYSGOOD), "cannot trace it");
        interrupt(pid);
        waitStop(pid);
        const thread = new Tracee(pid, pid);
        expect(arch.isI386(thread.regs)).toBe(true);
        const code = arch.lastCall(thread.regs, thread.mask) ?? new Uint8Array(0);
        const text = readMaps(dir).find(({ name, prot }) => name === program && (prot & 4) !== 0);
        const at = (text?.end ?? 0) - 256;
        memory.write(at, code);
        thread.block();
        writeRegs(pid, arch.callHere(thread.regs, at, NR.getpid, []));
        detach(pid);
        expect(await ask(letter)).toBe(String.fromCharCode(letter.charCodeAt(0) + 1));
        expect(parseStatus(dir.text("status")).sigBlocked).toBe(thread.mask);
        expect(thread.mask).toBe(1n << 11n);
      }
      child.stdin.end();
      expect(await child.exited).toBe(7);
    } finally {
      child.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
