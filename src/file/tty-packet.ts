/**
 * What a master in packet mode has not been told yet of its slave (TIOCPKT): a byte of bits that comes before the next data.
 * Nothing sets them but what they tell of, done at the slave while the mode is on; whoever turns the mode on clears them.
 */
import { POLL, pollNow, tryRead } from "../kernel/fd.ts";
import { lookInside } from "../kernel/inside.ts";
import { NR } from "../kernel/nr.ts";
import type { Call } from "../kernel/standby.ts";
import { setTermiosCall, TERMIOS, type Termios, ttyFlag, ttyNumberCall, VSTART, VSTOP } from "../kernel/tty.ts";
import { TC, TIOC, TIOCPKT } from "../kernel/uapi/ioctl.ts";
import { START, STOP } from "./tty-modes.ts";

/** tcflush(3). */
const TCIFLUSH = 0;
const TCOFLUSH = 1;
/** tcflow(3). */
export const TCOOFF = 0;
export const TCOON = 1;

/**
 * The bits of a master; 0 for one that is not in that mode. Where nobody can look into the kernel they are read, and are gone
 * until `afterwards` sets them again.
 */
export function packetStatus(master: number): number {
  if (!ttyFlag(master, TIOC.GPKT) || (pollNow(master, POLL.PRI) & POLL.PRI) === 0) return 0;
  const seen = lookInside((inside) => {
    const tty = inside.file(master).to("private_data", "tty_file_private")?.to("tty", "tty_struct");
    return tty?.to("link", "tty_struct")?.in("ctrl.pktstatus", "tty_struct").bytes(1)[0];
  });
  if (seen !== undefined) return seen;
  const byte = new Uint8Array(1);
  return tryRead(master, byte) === 1 ? (byte[0] ?? 0) : 0;
}

interface Ends {
  readonly master: number;
  readonly slave: number;
  readonly modes: Termios;
}

/** Packet mode on, and bits of queues that were flushed: both queues are empty then. */
export function whileEmpty({ master, slave }: Ends, status: number): Call[] {
  if (status === 0) return [];
  const flush = (queue: number): Call => ({ nr: NR.ioctl, args: [slave, TC.FLSH, queue] });
  return [
    ttyNumberCall(master, TIOC.PKT, 1),
    ...(status & TIOCPKT.FLUSHREAD ? [flush(TCIFLUSH)] : []),
    ...(status & TIOCPKT.FLUSHWRITE ? [flush(TCOFLUSH)] : []),
  ];
}

const flows = ({ iflag, cc }: Termios) => (iflag & TERMIOS.IXON) !== 0 && cc[VSTART] === START && cc[VSTOP] === STOP;

/** The other way round: whether the usual keys stop the output. */
function flipped(modes: Termios): Termios {
  if (flows(modes)) return { ...modes, iflag: modes.iflag & ~TERMIOS.IXON };
  const cc = modes.cc.map((byte, i) => (i === VSTART ? START : i === VSTOP ? STOP : byte));
  return { ...modes, iflag: modes.iflag | TERMIOS.IXON, cc };
}

/** The other bits; packet mode is on, the terminal has its modes, and none of them is locked. */
export function afterwards({ master, slave, modes }: Ends, status: number, isStopped: boolean): Call[] {
  const flow = (how: number): Call => ({ nr: NR.ioctl, args: [slave, TC.XONC, how] });
  const forth = (other: Termios) => [setTermiosCall(master, other), setTermiosCall(master, modes)];
  return [
    ...(status & TIOCPKT.START && !isStopped ? [flow(TCOOFF), flow(TCOON)] : []),
    ...(status & (TIOCPKT.NOSTOP | TIOCPKT.DOSTOP) ? forth(flipped(modes)) : []),
    ...(status & TIOCPKT.IOCTL ? forth({ ...modes, lflag: modes.lflag ^ TERMIOS.EXTPROC }) : []),
  ];
}
