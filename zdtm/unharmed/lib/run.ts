/** tscriu run to its end below a keeper, and what it said. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { binary } from "../../lib/binary.ts";
import type { Keeper } from "../../lib/keeper.ts";
import { patience, type Scratch } from "./victim.ts";

export interface Said {
  /** Exit status, or 1000 and the signal that ended it. */
  status: number;
  /** Standard output and standard error. */
  text: string;
}

export async function tscriu(
  keeper: Keeper,
  scratch: Scratch,
  words: readonly string[],
  name = "said",
  prefix: string[] = [],
): Promise<Said> {
  const output = scratch.file(name);
  rmSync(output, { force: true });
  const pid = await keeper.run({ argv: [...prefix, ...(await binary()), ...words], directory: "/", output });
  let hung = "";
  const timer = setTimeout(() => {
    hung = `it hangs in call ${readFileSync(`/proc/${pid}/syscall`, "latin1")}`;
    process.kill(pid, "SIGKILL");
  }, patience);
  const status = await keeper.ended(pid);
  clearTimeout(timer);
  const text = hung + (existsSync(output) ? readFileSync(output, "latin1") : "");
  return { status: (status & 0x7f) === 0 ? status >> 8 : 1000 + (status & 0x7f), text };
}

const fault = /internal error|TypeError|RangeError|ReferenceError|SyntaxError|Bun v|^\s+at /m;

/** Why this is not one clear error, or undefined. */
export function unclear({ status, text }: Said): string | undefined {
  if (status === 0) return "it ended with 0";
  if (status >= 1000) return `it was ended by signal ${status - 1000}: ${text}`;
  if (fault.test(text)) return `it failed inside: ${text}`;
  const errors = text.split("\n").filter((line) => line.startsWith("tscriu: "));
  if (errors.length !== 1) return `it tells ${errors.length} errors: ${text}`;
  return undefined;
}
