/** Writing to standard output and error, complete before we end. */
import { writeSync } from "node:fs";

const pause = new Int32Array(new SharedArrayBuffer(4));

function write(fd: number, text: string | Uint8Array): void {
  let bytes: Uint8Array = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      // A full pipe that somebody made non-blocking: wait for its reader. Anything else: nobody reads.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

export function print(text: string | Uint8Array): void {
  write(1, text);
}

export function printError(text: string): void {
  write(2, text);
}
