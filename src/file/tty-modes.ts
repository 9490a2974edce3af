/** Modes in which bytes pass through a terminal as we want them to, for a moment. */
import { CrError, type Subject } from "../error.ts";
import { check } from "../kernel/sys.ts";
import {
  DISABLED,
  NCCS,
  readLockedTermios,
  readTermios,
  TERMIOS,
  type Termios,
  trySetLockedTermios,
  trySetTermios,
  VEOF,
  VEOL,
  VEOL2,
  VLNEXT,
  VMIN,
} from "../kernel/tty.ts";

const INPUT =
  TERMIOS.ISTRIP |
  TERMIOS.INLCR |
  TERMIOS.IGNCR |
  TERMIOS.ICRNL |
  TERMIOS.IUCLC |
  TERMIOS.IXON |
  TERMIOS.IXOFF |
  TERMIOS.PARMRK;
const LOCAL = TERMIOS.ISIG | TERMIOS.ECHO | TERMIOS.IEXTEN;
const NEWLINE = 10;

/** Keys of the mode `keys`: control-D, control-V. */
export const END_OF_FILE = 4;
export const LITERAL = 22;

/** Bytes that end a line. */
export function delimiters({ cc }: Termios): ReadonlySet<number> {
  const more = [cc[VEOL], cc[VEOL2]].filter((byte) => byte !== undefined && byte !== DISABLED) as number[];
  return new Set([NEWLINE, ...more]);
}

/**
 * Modes in which bytes pass as they are.
 * - `bytes`: all of them at once;
 * - `lines`: where the terminal gives lines it still does, and no key means anything but the ends of lines;
 * - `keys`: as `lines`, with a key for an end of file and one that makes the next literal.
 */
export function verbatim(which: "bytes" | "lines" | "keys"): (now: Termios) => Termios {
  return (now) => {
    const lines = which !== "bytes" && (now.lflag & TERMIOS.ICANON) !== 0;
    const cc = Array.from({ length: NCCS }, (_, i) => {
      if (lines && (i === VEOL || i === VEOL2)) return now.cc[i] ?? DISABLED;
      if (lines && which === "keys" && i === VEOF) return END_OF_FILE;
      if (lines && which === "keys" && i === VLNEXT) return LITERAL;
      return DISABLED;
    });
    if (!lines) cc[VMIN] = 1;
    const lflag = now.lflag & ~(LOCAL | TERMIOS.ICANON);
    return {
      ...now,
      iflag: now.iflag & ~INPUT,
      oflag: now.oflag & ~TERMIOS.OPOST,
      lflag: lflag | (lines ? TERMIOS.ICANON | (which === "keys" ? TERMIOS.IEXTEN : 0) : 0),
      cc,
    };
  };
}

/** Nothing is locked. */
const UNLOCKED: Termios = {
  iflag: 0,
  oflag: 0,
  cflag: 0,
  lflag: 0,
  line: 0,
  cc: Array.from({ length: NCCS }, () => 0),
  ispeed: 0,
  ospeed: 0,
};

/** Runs `use` with a terminal in other modes, and tells it the old ones; those come back whatever happens. */
export function withModes<T>(
  fd: number,
  modes: (now: Termios) => Termios,
  subject: Subject,
  use: (now: Termios) => T,
): T {
  const now = readTermios(fd);
  if (now === undefined) throw new CrError("the modes of a terminal cannot be read", { code: "EIO", subject });
  const locks = readLockedTermios(fd);
  const isLocked =
    locks !== undefined && [locks.iflag, locks.oflag, locks.lflag, ...locks.cc].some((bits) => bits !== 0);
  if (isLocked) trySetLockedTermios(fd, UNLOCKED);
  try {
    check(trySetTermios(fd, modes(now)), "cannot change the modes of a terminal", subject);
    return use(now);
  } finally {
    trySetTermios(fd, now);
    if (isLocked) trySetLockedTermios(fd, locks);
  }
}
