/** One of two numbers, by the architecture that we run on. Images keep these native numbers. */
export function byArch(x86_64: number, aarch64: number): number {
  return process.arch === "arm64" ? aarch64 : x86_64;
}
