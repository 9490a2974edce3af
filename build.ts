/** Builds tscriu: `bun build.ts [--target linux-x64|linux-arm64]...`; `--agents` makes the native parts only. */

import { hostMachine, makeNative, type NativeName, native } from "./src/build/native.ts";
import { errorLines } from "./src/error.ts";

function agents(): void {
  for (const name of Object.keys(native) as NativeName[]) {
    const path = makeNative(hostMachine(), name);
    console.log(path ? `${name}: ${path}` : `${name}: no sources yet`);
  }
}

try {
  if (process.argv.includes("--agents")) agents();
} catch (error) {
  console.error(errorLines(error).join("\n"));
  process.exit(1);
}
