import { dlopen, type FFIFunction, type Library } from "bun:ffi";
import { closeSync, writeSync } from "node:fs";
import { CrError } from "../error.ts";
import { embeddedPath } from "./embedded-files.ts";
import { libraryDescriptors } from "./startup.ts";

const MFD_CLOEXEC = 1;
/** What the file is for; kernels before 6.3 know neither flag, and have no need of them. */
const purposes = { execute: 0x10, map: 8 } as const;

let libc: Library<{ memfd_create: { args: ["ptr", "u32"]; returns: "int" } }> | undefined;

/**
 * An anonymous file with these bytes, close-on-exec; `name` shows in /proc only. The caller closes it.
 * @param purpose `map`: it is never executed as a program, which some systems do not allow (sysctl vm.memfd_noexec)
 */
export function memoryFile(name: string, bytes: Uint8Array, purpose: keyof typeof purposes = "execute"): number {
  // libc is in every process that runs Bun: this opens nothing, whatever the root directory holds
  libc ??= dlopen("libc.so.6", { memfd_create: { args: ["ptr", "u32"], returns: "int" } });
  const cName = Buffer.from(`${name}\0`);
  let fd = libc.symbols.memfd_create(cName, MFD_CLOEXEC | purposes[purpose]);
  if (fd < 0) fd = libc.symbols.memfd_create(cName, MFD_CLOEXEC);
  if (fd < 0) {
    const remedy = purpose === "execute" ? "sysctl vm.memfd_noexec must not be 2" : undefined;
    throw new CrError("cannot make an anonymous file", { subject: { name, bytes: bytes.length }, remedy });
  }
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  return fd;
}

/** Binds functions of the C shim. Call it once: what the linker needed descriptors for is closed. */
export function openShim<const Symbols extends Record<string, FFIFunction>>(symbols: Symbols): Library<Symbols> {
  for (const library of libraryDescriptors) closeSync(library);
  const [first] = libraryDescriptors;
  // it is loaded already in the finished executable, and the linker goes by the name first
  const path = first === undefined ? embeddedPath("shim") : `/proc/self/fd/${first}`;
  try {
    return dlopen(path ?? "", symbols);
  } catch (cause) {
    throw new CrError("the shim does not load", { cause });
  }
}
