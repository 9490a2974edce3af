/** A machine of its own whose kernel runs AppArmor: this one need not. */
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootWith, requireMachine } from "./boot.ts";
import { directory, program } from "./initramfs.ts";
import { Missing } from "./kernel.ts";
import { staticProgram, tscriu } from "./product.ts";
import { stepsOf } from "./story.ts";

/** What the parser takes for the kernel's abilities when it does not ask this kernel. */
const FEATURES = "/etc/apparmor.d/abi/3.0";
const machine = "x86_64";

const profile = (name: string) =>
  `profile ${name} { ${["file", "capability", "network", "unix", "signal", "ptrace", "mount"].join(", ")}, }\n`;

function unmet(): string | undefined {
  try {
    if (Bun.which("apparmor_parser") === null) return "there is no apparmor_parser";
    requireMachine(machine);
    return undefined;
  } catch (error) {
    if (error instanceof Missing) return error.message;
    throw error;
  }
}

/** Binary policy: `one` for /victim, `two` for nobody. */
function policy(): Uint8Array {
  const dir = mkdtempSync(join(tmpdir(), "tscriu-policy-"));
  try {
    const [source, compiled] = [join(dir, "source"), join(dir, "compiled")];
    writeFileSync(source, profile("one /victim") + profile("two"));
    const words = ["-K", "-Q", "-o", compiled, "--kernel-features", FEATURES, "--policy-features", FEATURES, source];
    const done = Bun.spawnSync(["apparmor_parser", ...words]);
    if (done.exitCode !== 0) throw new Error(`apparmor_parser: ${done.stderr}`);
    return readFileSync(compiled);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const reason = unmet();

test.skipIf(reason !== undefined)(
  `an AppArmor profile is kept, and replaced by --lsm-profile${reason === undefined ? "" : ` (${reason})`}`,
  () => {
    const init = readFileSync(staticProgram(machine, "labels"));
    const files = [program("init", init), program("victim", init), program("tscriu", readFileSync(tscriu(machine)))];
    const entries = [...["proc", "sys", "data"].map(directory), ...files, program("policy", policy())];
    const console = bootWith(machine, entries, { words: "apparmor=1 security=apparmor" });
    const steps = stepsOf(console);
    expect([...steps.values()], console.slice(-6000)).toEqual(Array(11).fill("ok (0)"));
  },
  1_500_000,
);
