/** The image tool's door to the terminal. */
import { readFileSync } from "node:fs";

export async function crit(args: readonly string[]): Promise<number> {
  const { runCrit } = await import("../crit/main.ts");
  const { print, printError } = await import("./print.ts");
  const { compatibleVersion } = await import("./version.ts");
  return runCrit(args, { stdin: () => readFileSync(0), stdout: print, stderr: printError }, compatibleVersion);
}
