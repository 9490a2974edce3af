import { closeSync, openSync, readSync } from "node:fs";
import { CrError } from "../error.ts";

const AT_PAGESZ = 6;

function fromAuxv(): number {
  const auxv = Buffer.alloc(1024);
  const fd = openSync("/proc/self/auxv", "r");
  const length = readSync(fd, auxv);
  closeSync(fd);
  for (let at = 0; at + 16 <= length; at += 16) {
    if (auxv.readUInt32LE(at) === AT_PAGESZ) return auxv.readUInt32LE(at + 8);
  }
  throw new CrError("the kernel does not tell its page size", { code: "BAD_PROC" });
}

/** What the engine counts in: its agents and images know no other size. */
const SUPPORTED = 4096;

/** @throws CrError on a kernel with larger pages */
export function requirePageSize(): void {
  if (pageSize() === SUPPORTED) return;
  throw new CrError(`this kernel's pages are ${pageSize() / 1024} KiB: only 4 KiB are supported`, {
    code: "ENOTSUP",
    remedy: "boot a kernel with 4 KiB pages (CONFIG_ARM64_4K_PAGES)",
  });
}

let known = 0;

/** Bytes of the smallest page of this kernel (AT_PAGESZ): 4096, but 16 or 64 KiB on some aarch64 kernels. */
export function pageSize(): number {
  known ||= fromAuxv();
  return known;
}
