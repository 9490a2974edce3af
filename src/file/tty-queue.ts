/** Looking into a pty, and filling one. */
import type { Subject } from "../error.ts";
import { CrError } from "../error.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, ioctlInt, POLL, pollNow, tryRead } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { type Call, makeCalls } from "../kernel/standby.ts";
import { check, sys } from "../kernel/sys.ts";
import {
  readLockedTermios,
  readTermios,
  type Termios,
  tryOpenSlave,
  trySetLockedTermios,
  trySetTermios,
  trySetTtyNumber,
  ttyFlag,
  ttyNumberCall,
} from "../kernel/tty.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { FIO, TIOC } from "../kernel/uapi/ioctl.ts";
import { Emptied } from "./tty-emptied.ts";
import { filling, mayType, nothing, type OpenPty, type PtyInside } from "./tty-inside.ts";
import { givesLines, UNLOCKED, verbatim } from "./tty-modes.ts";
import { packetStatus } from "./tty-packet.ts";
import { PATIENCE, SMALL, writeAll } from "./tty-pour.ts";

const EAGAIN = -(ERRNO.EAGAIN ?? 11);
/** What a fresh pty takes in front of its line buffer. Small pieces that it has used once it takes beyond that. */
const ENOUGH = 9984;
const USED_ONCE = 32;

/** Makes a pty that is empty, and gives bytes as they are, one that has been used: it takes more. */
function useOnce(from: number, to: number, subject: Subject): void {
  const bytes = new Uint8Array(SMALL);
  for (let i = 0; i < USED_ONCE; i++) writeAll({ fd: from, bytes }, subject);
  const into = new Uint8Array(USED_ONCE * SMALL);
  let patience = PATIENCE;
  for (let left = into.length; left > 0; ) {
    const got = tryRead(to, into);
    if (got !== EAGAIN) left -= check(got, "cannot empty a new terminal", subject);
    else if (patience-- > 0) Bun.sleepSync(1);
    else throw new CrError("a new terminal does not give what it took", { code: "EAGAIN", subject });
  }
}

/** A master that does not wait, answers without packet mode's bytes, and whose slave opens; and the calls that undo it. */
function plainly(master: number): { change: Call[]; undo: Call[] } {
  const switches = [
    { request: FIO.NBIO, is: (sys(NR.fcntl, master, F.GETFL, 0) & O.NONBLOCK) !== 0, wanted: true },
    { request: TIOC.PKT, is: ttyFlag(master, TIOC.GPKT), wanted: false },
    { request: TIOC.SPTLCK, is: ttyFlag(master, TIOC.GPTLCK), wanted: false },
  ].filter(({ is, wanted }) => is !== wanted);
  const set = (on: boolean, request: number) => ttyNumberCall(master, request, on ? 1 : 0);
  return {
    change: switches.map(({ request, wanted }) => set(wanted, request)),
    undo: switches.map(({ request, is }) => set(is, request)),
  };
}

/** Has a slave been open, and is it closed by now? */
export function slaveClosed(master: number): boolean {
  return (pollNow(master, POLL.IN) & POLL.HUP) !== 0;
}

const has = (fd: number, event: number) => (pollNow(fd, event) & event) !== 0;

/** Nothing waits at either end, and output flows: seen without a touch. A line that still grows does not show. */
function isQuiet(master: number, slave: number, modes: Termios): boolean {
  if (has(master, POLL.IN)) return false;
  return (
    slave < 0 ||
    (!givesLines(modes) && !has(slave, POLL.IN) && ioctlInt(slave, FIO.NREAD) === 0 && has(slave, POLL.OUT))
  );
}

function modesOf(master: number, subject: Subject): Pick<OpenPty, "modes" | "locks"> {
  const [modes, locks] = [readTermios(master), readLockedTermios(master)];
  if (modes && locks) return { modes, locks };
  throw new CrError("the modes of a terminal cannot be read", { code: "EIO", subject });
}

/**
 * @param hasSlave whether somebody holds the slave. Where nobody ever did we must not open it: the master would see that.
 */
export function lookInside(master: number, hasSlave: boolean, subject: Subject): PtyInside {
  const { modes, locks } = modesOf(master, subject);
  const locked = ttyFlag(master, TIOC.GPTLCK);
  if (locked) trySetTtyNumber(master, TIOC.SPTLCK, 0);
  const opens = hasSlave || slaveClosed(master);
  const slave = opens ? tryOpenSlave(master, O.RDWR | O.NONBLOCK) : -1;
  if (locked) trySetTtyNumber(master, TIOC.SPTLCK, 1);
  if (opens) check(slave, "cannot open the slave of a pty", subject);
  const status = packetStatus(master);
  if (status === 0 && isQuiet(master, slave, modes)) {
    if (slave >= 0) closeFd(slave);
    return nothing;
  }
  // a master without a slave gets its bytes back by a slave too, which was closed before
  const emptied = new Emptied({ master, slave, modes, locks }, subject, plainly(master), status);
  try {
    return emptied.look();
  } finally {
    if (slave >= 0) closeFd(slave);
  }
}

/** Puts the bytes into a pty that was just made and has its modes. `slave` is any description of its slave. */
export function writeInside(master: number, slave: number, inside: PtyInside, subject: Subject): void {
  const { toMaster, toSlave, stopped, status } = inside;
  if (toMaster.length + toSlave.data.length + toSlave.lines.length + status === 0 && !stopped) return;
  const { change, undo } = plainly(master);
  makeCalls(change);
  const pty = { master, slave, ...modesOf(master, subject) };
  const { calls, rest, last } = filling(pty, inside, mayType(slave));
  const large = rest.filter(({ bytes }) => bytes.length > ENOUGH);
  if (large.length > 0) trySetLockedTermios(master, UNLOCKED);
  if (large.length > 0) trySetTermios(master, verbatim(pty.modes, "bytes"));
  for (const { fd } of large) useOnce(fd, fd === master ? slave : master, subject);
  makeCalls(calls);
  for (const one of rest) writeAll(one, subject);
  makeCalls([...last, ...undo]);
}
