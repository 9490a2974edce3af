import { dlopen, type FFIFunction, type Library } from "bun:ffi";
import { closeSync, writeSync } from "node:fs";
import { CrError } from "../error.ts";
import { embedded } from "./embedded.ts";
import { libraryDescriptors } from "./startup.ts";

const MFD_CLOEXEC = 1;
const MFD_NOEXEC_SEAL = 8;

/** An anonymous file with these bytes, close-on-exec, not for execve; `name` shows in /proc only. The caller closes it. */
export function memoryFile(name: string, bytes: Uint8Array): number {
  // libc is in every process that runs Bun: this opens nothing, whatever the root directory holds
  const libc = dlopen("libc.so.6", { memfd_create: { args: ["ptr", "u32"], returns: "int" } });
  const cName = Buffer.from(`${name}\0`);
  let fd = libc.symbols.memfd_create(cName, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  // kernels before 6.3 do not know the seal; where vm.memfd_noexec is 2 nothing goes without it
  if (fd < 0) fd = libc.symbols.memfd_create(cName, MFD_CLOEXEC);
  if (fd < 0) throw new CrError("cannot make an anonymous file", { subject: { name, bytes: bytes.length } });
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  return fd;
}

/**
 * Loads the C shim from memory and binds its functions, so no directory for temporary files is needed.
 * Call it once: each call loads another copy.
 */
export function openShim<const Symbols extends Record<string, FFIFunction>>(symbols: Symbols): Library<Symbols> {
  for (const library of libraryDescriptors) closeSync(library);
  const fd = memoryFile("tscriu-shim", embedded("shim"));
  try {
    // spelled unlike the names of the libraries in libraryDescriptors: the linker goes by the name first
    return dlopen(`/proc/self/./fd/${fd}`, symbols);
  } catch (cause) {
    throw new CrError("the shim does not load", { cause, remedy: "mount /proc" });
  } finally {
    closeSync(fd);
  }
}
