import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Case } from "./cases.ts";
import { Gate } from "./pool.ts";

const lib = import.meta.dir;
const out = join(lib, "..", "..", "build", "zdtm");
const common = [
  "-std=gnu11",
  "-O1",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Wno-unused-function",
  "-Wno-infinite-recursion",
  "-pthread",
  `-I${lib}`,
];
/**
 * Words that make a program of 32-bit x86. The kernel's headers are those of 64 bits: Debian's gcc-multilib, which brings them,
 * conflicts with cross compilers.
 */
export const m32 = ["-m32", "-idirafter", "/usr/include/x86_64-linux-gnu"];
/** What a compiler asks its C library for comes in few and large pieces: a third of its time goes into faults of small ones. */
const roomy = ["hugetlb=1", ...["top_pad", "mmap_threshold", "trim_threshold"].map((name) => `${name}=${32 << 20}`)];
const environment = { ...process.env, GLIBC_TUNABLES: roomy.map((one) => `glibc.malloc.${one}`).join(":") };
/** The quicker of binutils' linkers, where it is: it has half of the other one's page faults. Static programs are left to that. */
const quick = Bun.which("ld.gold") === null ? [] : ["-fuse-ld=gold"];
const running = new Map<string, Promise<string>>();
const gate = new Gate(availableParallelism());

/** Compiles sources into build/zdtm, named by the hash of all that goes in, so that a program is built once. */
async function compile(name: string, sources: string[], read: string[], flags: string[]): Promise<string> {
  const linker = flags.includes("-static") || flags.includes("-c") ? [] : quick;
  const words = [...common, ...linker, ...flags];
  const hash = new Bun.CryptoHasher("sha256").update(words.join("\0"));
  for (const path of read) hash.update(readFileSync(path));
  const target = join(out, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(target)) return target;
  const before = running.get(target);
  if (before !== undefined) return before;
  const job = (async () => {
    mkdirSync(out, { recursive: true });
    const fresh = `${target}.${process.pid}`;
    // Libraries stand behind the sources, other words before them.
    const libraries = flags.filter((f) => f.startsWith("-l"));
    const command = ["cc", ...words.filter((w) => !w.startsWith("-l")), "-o", fresh, ...sources, ...libraries];
    const { said, status } = await gate.through(async () => {
      const cc = Bun.spawn(command, { env: environment, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
      return { said: await new Response(cc.stderr).text(), status: await cc.exited };
    });
    if (status !== 0) throw new Error(`${name} does not compile:\n${said}`);
    renameSync(fresh, target);
    return target;
  })();
  running.set(target, job);
  return job;
}

/** The program of a C case; path. What all have in common is compiled once for all with the same flags. */
export async function compileCase(it: Case): Promise<string> {
  const library = join(lib, "tst.c");
  const headers = readdirSync(lib).filter((name) => name.endsWith(".h"));
  // a case may be another one with other definitions
  const others = [...readFileSync(it.path, "utf8").matchAll(/^#include "([^"]+\.c)"$/gm)];
  const read = [it.path, library, ...headers.map((name) => join(lib, name))];
  read.push(...others.map((match) => join(it.path, "..", match[1] ?? "")));
  const { cc = [], needs = [] } = it.header;
  const flags = needs.includes("i386") ? [...cc, ...m32] : cc;
  const own = ["tst.h", "tst.c"].map((name) => join(lib, name));
  const object = await compile("tst", [library], own, [...flags.filter((f) => !f.startsWith("-l")), "-c"]);
  return compile(it.name, [it.path, object], read, flags);
}

/** The keeper's program (static: it has to run in any root); path. */
export function compileKeeper(): Promise<string> {
  const source = join(lib, "keeper.c");
  return compile("keeper", [source], [source], ["-static"]);
}
