/** Packed like tscriu; tells what it sees of itself. */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
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

/** The pages of the runtime's .bss that are there: it is the first anonymous mapping. */
function pagesOfBss(): number[] {
  const found = /^([0-9a-f]+)-([0-9a-f]+) rw-p 0+ 00:00 0 *$/m.exec(readFileSync("/proc/self/maps", "utf8"));
  const [begin, end] = [found?.[1], found?.[2]].map((address) => Number.parseInt(address ?? "0", 16) / 4096);
  const entries = new BigUint64Array((end ?? 0) - (begin ?? 0));
  const pagemap = openSync("/proc/self/pagemap", "r");
  readSync(pagemap, entries, 0, entries.byteLength, (begin ?? 0) * 8);
  closeSync(pagemap);
  return [...entries].flatMap((entry, index) => (entry >> 63n ? [((begin ?? 0) + index) * 4096] : []));
}

const report = {
  bss: pagesOfBss(),
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
