/** The words that start this program again. */
export function ownCommand(): string[] {
  // the finished executable is what the kernel runs, wherever its file is now
  return Bun.isStandaloneExecutable ? ["/proc/self/exe"] : [process.execPath, Bun.main];
}
