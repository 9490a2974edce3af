/** Output that was stopped, from the keyboard or by a program: nobody tells, but a slave with empty queues takes nothing. */
import type { Subject } from "../error.ts";
import { POLL, pollNow, tryIoctl } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { check, sys } from "../kernel/sys.ts";
import { TERMIOS, VSTART, VSTOP } from "../kernel/tty.ts";
import { TC, TIOC } from "../kernel/uapi/ioctl.ts";
import { verbatim, withModes } from "./tty-modes.ts";

/** tcflow(3). */
const TCOOFF = 0;
const TCOON = 1;
/** control-Q, control-S. */
const START = 17;
const STOP = 19;

/** Who may let it go on: any key that starts output, or tcflow(3) alone. Numbers as images keep them. */
export const STOPPED = { key: 1, call: 2 } as const;
export type Stopped = (typeof STOPPED)[keyof typeof STOPPED];

export function stoppedOf(number: number | undefined): Stopped | undefined {
  return Object.values(STOPPED).find((how) => how === number);
}

const takes = (slave: number) => (pollNow(slave, POLL.OUT) & POLL.OUT) !== 0;

function press(master: number, slave: number, key: number, subject: Subject): void {
  const modes = verbatim("bytes");
  withModes(
    master,
    (now) => {
      const plain = modes(now);
      const cc = plain.cc.map((byte, i) => (i === VSTART ? START : i === VSTOP ? STOP : byte));
      return { ...plain, iflag: plain.iflag | TERMIOS.IXON, cc };
    },
    subject,
    () => check(tryIoctl(slave, TIOC.STI, Uint8Array.of(key)), "cannot press a key of a terminal", subject),
  );
}

/** How the output of a slave was stopped, whose master has nothing to read. It goes on, until `holdFlow`. */
export function whatStopped(master: number, slave: number, subject: Subject): Stopped | undefined {
  if (takes(slave)) return undefined;
  press(master, slave, START, subject);
  if (takes(slave)) return STOPPED.key;
  sys(NR.ioctl, slave, TC.XONC, TCOON);
  return takes(slave) ? STOPPED.call : undefined;
}

export function holdFlow(master: number, slave: number, how: Stopped, subject: Subject): void {
  if (how === STOPPED.call) sys(NR.ioctl, slave, TC.XONC, TCOOFF);
  else press(master, slave, STOP, subject);
}
