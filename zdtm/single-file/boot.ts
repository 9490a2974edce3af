/** Boots a kernel in qemu with an initramfs that holds tscriu, the victim and init, and reads the serial console. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Machine } from "../../src/build/native.ts";
import { directory, type Entry, initramfs, program } from "./initramfs.ts";
import { kernelImage, Missing } from "./kernel.ts";
import { staticProgram, tscriu } from "./product.ts";

interface Emulator {
  command: string;
  words: string[];
  best: string;
  /** Words for the kernel. */
  kernel: string;
}

const emulator: Readonly<Record<Machine, Emulator>> = {
  // its timer is tried for ten ticks, which may all be late on a busy machine
  x86_64: { command: "qemu-system-x86_64", words: [], best: "max", kernel: "console=ttyS0 no_timer_check" },
  aarch64: {
    command: "qemu-system-aarch64",
    words: ["-machine", "virt"],
    best: "max,pauth-impdef=on",
    kernel: "console=ttyAMA0",
  },
};

/** A guard against a machine that hangs, milliseconds: it switches itself off after a minute or two. */
const guard = 1_200_000;

/** What booting needs. @throws Missing */
export function requireMachine(machine: Machine): void {
  const { command } = emulator[machine];
  if (spawnSync(command, ["--version"]).error) throw new Missing(`${command} is not there`);
  tscriu(machine);
  kernelImage(machine);
}

/**
 * @param cpu qemu's name of a CPU; else one that can do all that qemu knows
 * @returns all that the machine wrote to its console
 */
export function boot(machine: Machine, cpu = emulator[machine].best): string {
  const entries = [
    directory("proc"),
    directory("data"),
    program("init", readFileSync(staticProgram(machine, "init"))),
    program("victim", readFileSync(staticProgram(machine, "victim"))),
    program("tscriu", readFileSync(tscriu(machine))),
  ];
  return bootWith(machine, entries, { cpu });
}

/**
 * Boots with other files; `init` is the first process.
 * @param words more for the kernel's command line
 * @param disk file that is the machine's disk
 */
export function bootWith(
  machine: Machine,
  entries: readonly Entry[],
  { cpu = emulator[machine].best, words: more = "", disk = "" } = {},
): string {
  const { command, words, kernel } = emulator[machine];
  const dir = mkdtempSync(join(tmpdir(), "tscriu-boot-"));
  try {
    const archive = join(dir, "initramfs");
    writeFileSync(archive, initramfs(entries));
    const args = [...words, "-cpu", cpu, "-accel", "tcg", "-m", "1024", "-nographic", "-no-reboot", "-nic", "none"];
    if (disk !== "") args.push("-drive", `file=${disk},format=raw,if=virtio`);
    args.push("-kernel", kernelImage(machine), "-initrd", archive);
    args.push("-append", `${kernel} quiet panic=-1 ${more} rdinit=/init -- /data`);
    const done = spawnSync(command, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      timeout: guard,
      killSignal: "SIGKILL",
    });
    return done.stdout + done.stderr;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
