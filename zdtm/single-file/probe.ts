/** Packed like tscriu; tells what it sees of itself. */
import { readdirSync, readlinkSync } from "node:fs";
import { openShim } from "../../src/kernel/loader.ts";
import { NR } from "../../src/kernel/nr.ts";
import { callersEnvironment, currentDirectoryIsGone } from "../../src/kernel/startup.ts";

const long = "i64" as const;
const shim = openShim({ ts_syscall: { args: [long, long, long, long, long, long, long], returns: long } });
const descriptors: Record<string, string> = {};
for (const fd of readdirSync("/proc/self/fd")) {
  try {
    descriptors[fd] = readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // the one that lists the directory
  }
}
const report = {
  name: process.argv0,
  words: process.argv.slice(2),
  environment: callersEnvironment(),
  own: { ...process.env },
  descriptors,
  pidByShim: Number(shim.symbols.ts_syscall(NR.getpid, 0, 0, 0, 0, 0, 0)),
  pid: process.pid,
  isGone: currentDirectoryIsGone(),
};
process.stdout.write(`${JSON.stringify(report)}\n`);
