import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Case } from "./cases.ts";
import { m32 } from "./compile.ts";

const overcommit = "/proc/sys/vm/nr_overcommit_hugepages";
const enough = 64;

function cpuFlags(): Set<string> {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"));
  return new Set(line?.[1]?.trim().split(/\s+/));
}

/** The same as a program of 32-bit x86. */
export function asI386(it: Case): Case {
  return { ...it, header: { ...it.header, needs: [...(it.header.needs ?? []), "i386"] } };
}

/** What the two functions below have found out. */
const found: { compiler?: string | undefined; runs?: boolean } = {};

/** What is lacking to make 32-bit programs here, for another machine. */
export function noI386Compiler(): string | undefined {
  noI386();
  return found.compiler;
}

/** What 32-bit programs need here, of the kernel and of the compiler. */
export function noI386(): string | undefined {
  if (process.arch !== "x64") {
    found.compiler = "for x64 only";
  } else if (found.runs === undefined) {
    const dir = mkdtempSync(join(tmpdir(), "zdtm-i386-"));
    try {
      const [stdin, program] = [
        new TextEncoder().encode("#include <errno.h>\nint main(void) { return 0; }\n"),
        join(dir, "p"),
      ];
      const compiles = Bun.spawnSync(["cc", ...m32, "-static", "-xc", "-", "-o", program], { stdin }).success;
      if (!compiles) found.compiler = "there is no compiler for 32-bit programs (Debian: gcc-12-multilib)";
      // a kernel that knows them may have been told not to run them; a shell is not as surprised as we would be
      found.runs = compiles && Bun.spawnSync(["sh", "-c", '"$0" 2>/dev/null', program]).success;
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
  return found.compiler ?? (found.runs ? undefined : "this kernel runs no 32-bit programs");
}

/** What this machine lacks for a case; undefined when nothing. */
export function unmet(it: Case): string | undefined {
  for (const need of it.header.needs ?? []) {
    const [kind, what = ""] = need.split(":");
    if ((kind === "root" || kind === "net") && process.getuid?.() !== 0) return "needs root";
    if (kind === "cpu" && !cpuFlags().has(what)) return `this processor has no ${what}`;
    if (kind === "arch" && process.arch !== what) return `for ${what} only`;
    if (kind === "file" && !existsSync(what)) return `there is no ${what}`;
    if ((kind === "i386" || kind === "i386-mode") && noI386() !== undefined) return noI386();
    if (kind === "hugepages" && !(existsSync(overcommit) && process.getuid?.() === 0)) return "no huge pages here";
  }
  return undefined;
}

let users = 0;
let before = "0";

/** Lets the kernel make huge pages on demand while a case that needs them runs, and puts the limit back after. */
export function hugePages(it: Case): Disposable {
  if (!(it.header.needs ?? []).includes("hugepages")) return { [Symbol.dispose]() {} };
  if (users++ === 0) {
    before = readFileSync(overcommit, "utf8").trim();
    if (Number(before) < enough) writeFileSync(overcommit, String(enough));
  }
  return {
    [Symbol.dispose]() {
      if (--users === 0) writeFileSync(overcommit, before);
    },
  };
}
