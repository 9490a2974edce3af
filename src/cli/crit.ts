/** The image tool's door to the terminal. */

export async function crit(args: readonly string[]): Promise<number> {
  const { runCrit } = await import("../crit/main.ts");
  const { print, printError } = await import("./print.ts");
  return await runCrit(args, { out: print, err: printError });
}
