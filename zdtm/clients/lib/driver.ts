/** A C program that is linked against our libcriu, with tscriu standing in its PATH as `criu`. */
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { hostMachine, makeNative, tree } from "../../../src/build/native.ts";
import { binary } from "../../lib/binary.ts";
import type { Scratch } from "../../unharmed/lib/victim.ts";

export interface Driven {
  readonly words: string[];
  env: Record<string, string>;
}

/** Compiles `lib/NAME.c` into a directory, the library beside it and `criu` in a bin: gives its command line. */
export async function driver(scratch: Scratch, name: string): Promise<(...words: string[]) => Driven> {
  const library = makeNative(hostMachine(), "libcriu");
  if (!library) throw new Error("there is no libcriu");
  const program = scratch.file(name);
  const source = join(tree, `zdtm/clients/lib/${name}.c`);
  const cc = Bun.spawnSync(["cc", "-Wall", "-Wextra", "-Werror", "-o", program, source, library], { stderr: "pipe" });
  if (cc.exitCode !== 0) throw new Error(cc.stderr.toString());
  const bin = scratch.file("bin");
  mkdirSync(bin);
  const [criu = ""] = await binary();
  symlinkSync(criu, `${bin}/criu`);
  symlinkSync(library, scratch.file("libcriu.so.2"));
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, LD_LIBRARY_PATH: scratch.path };
  return (...words) => ({ words: [program, ...words], env: env as Record<string, string> });
}
