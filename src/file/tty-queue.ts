import type { Subject } from "../error.ts";
import { CrError } from "../error.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, POLL, pollNow, tryIoctl, tryRead, tryWrite } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { check, sys } from "../kernel/sys.ts";
import {
  DISABLED,
  NCCS,
  readTermios,
  TERMIOS,
  type Termios,
  tryOpenSlave,
  trySetTermios,
  trySetTtyNumber,
  ttyFlag,
  VEOL,
  VEOL2,
  VMIN,
} from "../kernel/tty.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { FIO, TIOC } from "../kernel/uapi/ioctl.ts";

const EAGAIN = -(ERRNO.EAGAIN ?? 11);
const EIO = -(ERRNO.EIO ?? 5);
/** What an image keeps of one queue. */
const MOST = 16384;

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

/** Modes in which bytes pass as they are. Lines still end where they do, so that what is put back is cut as it was. */
function verbatim(termios: Termios, lines: boolean): Termios {
  const cc = Array.from({ length: NCCS }, (_, i) =>
    lines && (i === VEOL || i === VEOL2) ? (termios.cc[i] ?? DISABLED) : DISABLED,
  );
  cc[VMIN] = lines ? (termios.cc[VMIN] ?? 0) : 1;
  return {
    ...termios,
    iflag: termios.iflag & ~INPUT,
    oflag: termios.oflag & ~TERMIOS.OPOST,
    lflag: termios.lflag & ~(lines ? LOCAL : LOCAL | TERMIOS.ICANON),
    cc,
  };
}

/** Runs `use` with the pty in other modes; the old ones come back whatever happens. */
function withModes<T>(fd: number, modes: (now: Termios) => Termios, subject: Subject, use: () => T): T {
  const now = readTermios(fd);
  if (now === undefined) throw new CrError("the modes of a terminal cannot be read", { code: "EIO", subject });
  check(trySetTermios(fd, modes(now)), "cannot change the modes of a terminal", subject);
  try {
    return use();
  } finally {
    trySetTermios(fd, now);
  }
}

function drain(fd: number): Uint8Array {
  const bytes = new Uint8Array(MOST);
  let used = 0;
  while (used < MOST) {
    const got = tryRead(fd, bytes.subarray(used));
    if (got === EAGAIN || got === EIO || got === 0) break;
    used += check(got, "cannot read what is queued in a terminal", { fd });
  }
  return bytes.slice(0, used);
}

/** n_tty keeps this much; what is more waits in front of it. */
const LINE_BUFFER = 4095;

/**
 * Puts bytes where the next read of `fd` finds them. TIOCSTI does so at once; what is written at the other end arrives when
 * a worker of the kernel comes round to it.
 * @param other the other end of the pty
 */
function putBefore(fd: number, bytes: Uint8Array, other: number, subject: Subject): void {
  const one = new Uint8Array(1);
  let at = 0;
  for (; at < Math.min(bytes.length, LINE_BUFFER); at++) {
    one[0] = bytes[at] ?? 0;
    if (tryIoctl(fd, TIOC.STI, one) < 0) break;
  }
  while (at < bytes.length) {
    const done = tryWrite(other, bytes.subarray(at));
    if (done === EAGAIN) throw new CrError("a terminal does not take all of its bytes", { code: "EAGAIN", subject });
    at += check(done, "cannot put bytes into a terminal", subject);
  }
}

/** What the ends of a pty have not read yet. */
export interface PtyQueues {
  /** Written by the slave, for the master. */
  readonly toMaster: Uint8Array;
  /** Typed at the master, for the slave. */
  readonly toSlave: Uint8Array;
}

/** Makes a master's description not wait for a while, and answer without packet mode's bytes. */
function plainly<T>(master: number, use: () => T): T {
  const blocks = (sys(NR.fcntl, master, F.GETFL, 0) & O.NONBLOCK) === 0;
  const packets = ttyFlag(master, TIOC.GPKT);
  if (blocks) trySetTtyNumber(master, FIO.NBIO, 1);
  if (packets) trySetTtyNumber(master, TIOC.PKT, 0);
  try {
    return use();
  } finally {
    if (packets) trySetTtyNumber(master, TIOC.PKT, 1);
    if (blocks) trySetTtyNumber(master, FIO.NBIO, 0);
  }
}

/**
 * Copies what is queued in a pty. The kernel cannot show it, so it is read and put back at once.
 * @param hasSlave whether somebody holds the slave. Where nobody does we must not open it: the master would see that.
 */
export function readQueues(master: number, hasSlave: boolean, subject: Subject): PtyQueues {
  const none: PtyQueues = { toMaster: new Uint8Array(0), toSlave: new Uint8Array(0) };
  const slave = hasSlave ? tryOpenSlave(master, O.RDWR | O.NONBLOCK) : -1;
  try {
    return plainly(master, () => {
      // Asking waits for what is on its way through the kernel.
      const toMaster = (pollNow(master, POLL.IN) & POLL.IN) !== 0 ? drain(master) : none.toMaster;
      const toSlave =
        slave < 0
          ? none.toSlave
          : withModes(
              master,
              (now) => verbatim(now, false),
              subject,
              () => drain(slave),
            );
      fill(master, slave, { toMaster, toSlave }, subject);
      return { toMaster, toSlave };
    });
  } finally {
    if (slave >= 0) closeFd(slave);
  }
}

function fill(master: number, slave: number, { toMaster, toSlave }: PtyQueues, subject: Subject): void {
  if (toMaster.length === 0 && toSlave.length === 0) return;
  withModes(
    master,
    (now) => verbatim(now, true),
    subject,
    () => {
      putBefore(master, toMaster, slave, subject);
      putBefore(slave, toSlave, master, subject);
    },
  );
}

/** Puts the bytes into a pty that was just made and has its modes. `slave` is any description of its slave. */
export function writeQueues(master: number, slave: number, queues: PtyQueues, subject: Subject): void {
  plainly(master, () => fill(master, slave, queues, subject));
}
