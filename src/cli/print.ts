/** Writing to standard output and error, complete before we end. */
import { writeSync } from "node:fs";
import { fileError } from "./file-error.ts";

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Would a file lack what it was to hold? Where there is no reader any more nobody misses it. */
function isLost(code: string | undefined): boolean {
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG" || code === "EIO";
}

function write(fd: number, text: string | Uint8Array): void {
  let bytes: Uint8Array = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A full pipe that somebody made non-blocking: wait for its reader.
      if (code === "EAGAIN") Atomics.wait(pause, 0, 0, 1);
      // Standard output that ends early has to be told of; nobody hears what standard error has no room for.
      else if (fd === 1 && isLost(code)) throw fileError("cannot write it all", "standard output", error);
      else return;
    }
  }
}

export function print(text: string | Uint8Array): void {
  write(1, text);
}

export function printError(text: string): void {
  write(2, text);
}
