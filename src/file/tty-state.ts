import type { TermiosEntry, TtyInfoEntry, WinsizeEntry } from "../image/schema.gen.ts";
import { TtyType } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { sys } from "../kernel/sys.ts";
import {
  readLockedTermios,
  readTermios,
  readWindowSize,
  type Termios,
  trySetLockedTermios,
  trySetTermios,
  trySetTtyNumber,
  trySetWindowSize,
  ttyFlag,
  type WindowSize,
} from "../kernel/tty.ts";
import { TIOC } from "../kernel/uapi/ioctl.ts";

/** Which terminal a descriptor is, by its device (Documentation/admin-guide/devices.txt of the kernel). */
export interface TtyIdentity {
  readonly type: number;
  /** Number that ids in the images are made of: a pty's own, else one for the kind. */
  readonly index: number;
  readonly isMaster: boolean;
}

/** Indices of terminals that are no ptys. */
const CONSOLE_INDEX = 1002;
const VT_INDEX = 1004;
const CTTY_INDEX = 1006;
const SERIAL_INDEX = 1010;
/** All slaves have this major number, however many there are (UNIX98_PTY_SLAVE_MAJOR, linux/major.h). */
const PTY_MAJOR = 136;
/** Lines of USB modems, USB adapters, boards with few ports, and hypervisors; ttyS is 4:64 and up. */
const SERIAL_MAJORS: ReadonlySet<number> = new Set([166, 188, 204, 229]);
/** Numbers from here on mean other terminals. */
export const MAX_PTYS = 1000;

/**
 * @param rdev kernel encoding
 * @param master number of the pty, for its master
 */
export function identify(rdev: number, master: number | undefined): TtyIdentity | undefined {
  const major = Math.floor(rdev / 0x100000);
  const minor = rdev % 0x100000;
  if (major === PTY_MAJOR) {
    return minor < MAX_PTYS ? { type: TtyType.PTY, index: minor, isMaster: false } : undefined;
  }
  if (major === 5 && minor === 2 && master !== undefined && master < MAX_PTYS) {
    return { type: TtyType.PTY, index: master, isMaster: true };
  }
  if (major === 5 && minor === 0) return { type: TtyType.CTTY, index: CTTY_INDEX, isMaster: false };
  if (major === 5 && minor === 1) return { type: TtyType.CONSOLE, index: CONSOLE_INDEX, isMaster: false };
  if (major === 4 && minor < 64) return { type: TtyType.VT, index: VT_INDEX, isMaster: false };
  if (major === 4 || SERIAL_MAJORS.has(major)) return { type: TtyType.SERIAL, index: SERIAL_INDEX, isMaster: false };
  return undefined;
}

/** The pty whose slave has this device number (kernel encoding). */
export function slaveIndex(rdev: number): number | undefined {
  const tty = identify(rdev, undefined);
  return tty?.type === TtyType.PTY ? tty.index : undefined;
}

/** The slave's device number, kernel encoding. */
export function slaveDevice(index: number): number {
  return PTY_MAJOR * 0x100000 + index;
}

export const infoId = ({ index, isMaster }: TtyIdentity) => (index << 1) + (isMaster ? 1 : 0);

/** How `--external` and `--inherit-fd` name a terminal. */
export function ttyName(rdev: number, dev: number): string {
  return `tty[${rdev.toString(16)}:${dev.toString(16)}]`;
}

/** Control characters of a terminal (NCCS of the kernel). */
const CHARACTERS = 19;

/** As CRIU has them in its images: as many words as characters, the first of which hold four characters each. */
function packed(characters: readonly number[]): number[] {
  const view = new DataView(new ArrayBuffer(4 * CHARACTERS));
  for (const [i, character] of characters.entries()) view.setUint8(i, character);
  return Array.from({ length: CHARACTERS }, (_, i) => view.getUint32(4 * i, true));
}

const unpacked = (words: readonly number[]) =>
  Array.from({ length: CHARACTERS }, (_, i) => ((words[i >> 2] ?? 0) >>> (8 * (i & 3))) & 0xff);

function toEntry(termios: Termios): TermiosEntry {
  const { iflag, oflag, cflag, lflag, line, cc, ispeed, ospeed } = termios;
  return {
    c_iflag: iflag,
    c_oflag: oflag,
    c_cflag: cflag,
    c_lflag: lflag,
    c_line: line,
    c_ispeed: ispeed,
    c_ospeed: ospeed,
    c_cc: packed(cc),
  };
}

function fromEntry(entry: TermiosEntry, now: Termios | undefined): Termios {
  return {
    iflag: entry.c_iflag,
    oflag: entry.c_oflag,
    cflag: entry.c_cflag,
    lflag: entry.c_lflag,
    line: entry.c_line,
    cc: unpacked(entry.c_cc),
    // Others do not write them: the code in c_cflag tells the usual ones.
    ispeed: entry.c_ispeed || (now?.ispeed ?? 0),
    ospeed: entry.c_ospeed || (now?.ospeed ?? 0),
  };
}

function sizeEntry([ws_row, ws_col, ws_xpixel, ws_ypixel]: WindowSize): WinsizeEntry {
  return { ws_row, ws_col, ws_xpixel, ws_ypixel };
}

/** Everything about a terminal that its modes and ioctls tell; what is hung up has no modes. */
export function readState(
  fd: number,
): Pick<TtyInfoEntry, "locked" | "exclusive" | "packet_mode" | "termios" | "termios_locked" | "winsize"> {
  const flags = {
    locked: ttyFlag(fd, TIOC.GPTLCK),
    exclusive: ttyFlag(fd, TIOC.GEXCL),
    packet_mode: ttyFlag(fd, TIOC.GPKT),
  };
  const [termios, locked, size] = [readTermios(fd), readLockedTermios(fd), readWindowSize(fd)];
  if (termios === undefined) return flags;
  return {
    ...flags,
    termios: toEntry(termios),
    ...(locked && { termios_locked: toEntry(locked) }),
    ...(size && { winsize: sizeEntry(size) }),
  };
}

/** Modes and locks; returns the first negative errno, or 0. */
export function applyModes(fd: number, info: TtyInfoEntry): number {
  if (info.termios === undefined) return 0;
  const result = trySetTermios(fd, fromEntry(info.termios, readTermios(fd)));
  if (result < 0 || info.termios_locked === undefined) return result;
  return trySetLockedTermios(fd, fromEntry(info.termios_locked, undefined));
}

export function applySize(fd: number, info: TtyInfoEntry): number {
  const { winsize: size } = info;
  return size ? trySetWindowSize(fd, [size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel]) : 0;
}

/** Flags that would be in the way before everything is open. */
export function applyFlags(fd: number, info: TtyInfoEntry): void {
  if (info.packet_mode) trySetTtyNumber(fd, TIOC.PKT, 1);
  if (info.locked) trySetTtyNumber(fd, TIOC.SPTLCK, 1);
  if (info.exclusive) sys(NR.ioctl, fd, TIOC.EXCL, 0);
}
