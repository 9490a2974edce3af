/** Ptys with a number of one's choice. */
import { CrError, type Subject } from "../error.ts";
import type { TtyFileEntry } from "../image/schema.gen.ts";
import { check } from "../kernel/sys.ts";
import { openMaster, tryOpenSlave } from "../kernel/tty.ts";
import { O } from "../kernel/uapi/fcntl.ts";

/** What open(2) takes of a terminal's flags; the rest is set later. */
export const OPEN_FLAGS = O.ACCMODE | O.NONBLOCK;

/** Others may have the number for a moment: who wants a certain one takes all below it. */
const NUMBER_TRIES = 50;

/** @param open opens the multiplexer */
export function makeMaster(index: number, flags: number, subject: Subject, open: (flags: number) => number): number {
  for (let tries = 0; tries < NUMBER_TRIES; tries++) {
    const master = openMaster(index, flags, open);
    if (master !== undefined) return master;
    Bun.sleepSync(10);
  }
  throw taken(subject);
}

export function openSlave(master: number, entry: TtyFileEntry, subject: Subject): number {
  return check(
    tryOpenSlave(master, entry.flags & (OPEN_FLAGS | O.LARGEFILE | O.NOFOLLOW)),
    "cannot open the slave of a pty",
    subject,
  );
}

function taken(subject: Subject): CrError {
  return new CrError("the number of a terminal is in use", {
    code: "EADDRINUSE",
    subject,
    remedy: "close the terminal that has the number, then restore again",
  });
}
