/** Modes in which bytes pass through a terminal as we want them to, for a moment. */
import {
  DISABLED,
  NCCS,
  TERMIOS,
  type Termios,
  VEOF,
  VEOL,
  VEOL2,
  VLNEXT,
  VMIN,
  VSTART,
  VSTOP,
} from "../kernel/tty.ts";

/** But for IXON: without it, output that a key has stopped goes on. */
const INPUT =
  TERMIOS.ISTRIP |
  TERMIOS.INLCR |
  TERMIOS.IGNCR |
  TERMIOS.ICRNL |
  TERMIOS.IUCLC |
  TERMIOS.IXANY |
  TERMIOS.IXOFF |
  TERMIOS.PARMRK;
const LOCAL = TERMIOS.ISIG | TERMIOS.ECHO | TERMIOS.IEXTEN;
const NEWLINE = 10;

/** Keys of the modes `keys` and `stopping`: control-D, control-V, control-S. */
export const END_OF_FILE = 4;
export const LITERAL = 22;
export const STOP = 19;
export const START = 17;

/** Bytes that end a line. */
export function delimiters({ cc }: Termios): ReadonlySet<number> {
  const more = [cc[VEOL], cc[VEOL2]].filter((byte) => byte !== undefined && byte !== DISABLED) as number[];
  return new Set([NEWLINE, ...more]);
}

export const givesLines = ({ lflag }: Termios) => (lflag & TERMIOS.ICANON) !== 0;

/**
 * Modes in which bytes pass as they are.
 * - `bytes`: all of them at once;
 * - `lines`: where the terminal gives lines it still does, and no key means anything but the ends of lines;
 * - `keys`: as `lines`, with a key for an end of file and one that makes the next literal.
 */
export function verbatim(now: Termios, which: "bytes" | "lines" | "keys"): Termios {
  const lines = which !== "bytes" && givesLines(now);
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
}

/** Modes in which one key stops the output. */
export function stopping(now: Termios): Termios {
  const modes = verbatim(now, "lines");
  const cc = modes.cc.map((byte, i) => (i === VSTART ? START : i === VSTOP ? STOP : byte));
  return { ...modes, iflag: modes.iflag | TERMIOS.IXON, cc };
}

/** Nothing is locked. */
export const UNLOCKED: Termios = {
  iflag: 0,
  oflag: 0,
  cflag: 0,
  lflag: 0,
  line: 0,
  cc: new Array<number>(NCCS).fill(0),
  ispeed: 0,
  ospeed: 0,
};
