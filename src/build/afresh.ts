/** What was just written lies in the page cache as it came: in small pages. Read from the disk anew it comes in huge ones. */
import { dlopen, FFIType } from "bun:ffi";
import { closeSync, fsyncSync, openSync } from "node:fs";

const POSIX_FADV_DONTNEED = 4;

/** Brings a file to the disk and out of the page cache, so that its first start reads it as all do after a boot. */
export function readAfresh(path: string): void {
  const fd = openSync(path, "r+");
  try {
    fsyncSync(fd);
    const { symbols } = dlopen("libc.so.6", {
      posix_fadvise: { args: [FFIType.i32, FFIType.i64_fast, FFIType.i64_fast, FFIType.i32], returns: FFIType.i32 },
    });
    symbols.posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  } catch {
    // a file system or a C library without: it is slower until then
  } finally {
    closeSync(fd);
  }
}
