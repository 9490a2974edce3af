import { closeFd, ioctlInt, openPath, tryIoctl } from "./fd.ts";
import { NR } from "./nr.ts";
import type { Call } from "./standby.ts";
import { sys } from "./sys.ts";
import { F, FD_CLOEXEC, O } from "./uapi/fcntl.ts";
import { ior, iow, TIOC } from "./uapi/ioctl.ts";

/** struct termios2: modes, line discipline, control characters, speeds in bits per second (termios(3)). */
export interface Termios {
  readonly iflag: number;
  readonly oflag: number;
  readonly cflag: number;
  readonly lflag: number;
  readonly line: number;
  /** 19 control characters. */
  readonly cc: readonly number[];
  readonly ispeed: number;
  readonly ospeed: number;
}

/** Control characters in struct termios of the kernel. */
export const NCCS = 19;
const SIZE = 44;
/** TCGETS2 and TCSETS2 (asm-generic/ioctls.h). */
const TCGETS2 = ior("T", 0x2a, SIZE);
const TCSETS2 = iow("T", 0x2b, SIZE);
/** Value of a control character that is switched off (_POSIX_VDISABLE). */
export const DISABLED = 0;

/** Bits of termios that this program changes (asm-generic/termbits.h). */
export const TERMIOS = {
  ISTRIP: 0x20,
  INLCR: 0x40,
  IGNCR: 0x80,
  ICRNL: 0x100,
  IUCLC: 0x200,
  IXON: 0x400,
  IXANY: 0x800,
  IXOFF: 0x1000,
  PARMRK: 0x8,
  OPOST: 0x1,
  ISIG: 0x1,
  ICANON: 0x2,
  ECHO: 0x8,
  IEXTEN: 0x8000,
  EXTPROC: 0x1_0000,
} as const;

/** Places of control characters in `cc`. */
export const VEOF = 4;
export const VMIN = 6;
export const VSTART = 8;
export const VSTOP = 9;
export const VEOL = 11;
export const VLNEXT = 15;
export const VEOL2 = 16;

function parse(view: DataView): Termios {
  const word = (at: number) => view.getUint32(at, true);
  return {
    iflag: word(0),
    oflag: word(4),
    cflag: word(8),
    lflag: word(12),
    line: view.getUint8(16),
    cc: Array.from({ length: NCCS }, (_, i) => view.getUint8(17 + i)),
    ispeed: word(36),
    ospeed: word(40),
  };
}

function format(termios: Termios): DataView {
  const view = new DataView(new ArrayBuffer(SIZE));
  [termios.iflag, termios.oflag, termios.cflag, termios.lflag].forEach((word, i) => {
    view.setUint32(i * 4, word, true);
  });
  view.setUint8(16, termios.line);
  for (let i = 0; i < NCCS; i++) view.setUint8(17 + i, termios.cc[i] ?? DISABLED);
  view.setUint32(36, termios.ispeed, true);
  view.setUint32(40, termios.ospeed, true);
  return view;
}

/** Modes of a terminal (of a pty's slave through its master too); undefined when the line is hung up. */
export function readTermios(fd: number): Termios | undefined {
  const view = new DataView(new ArrayBuffer(SIZE));
  return tryIoctl(fd, TCGETS2, view) < 0 ? undefined : parse(view);
}

/** As isatty(3). The runtime's own way would load all of its streams. */
export function isTerminal(fd: number): boolean {
  return tryIoctl(fd, TCGETS2, new DataView(new ArrayBuffer(SIZE))) >= 0;
}

/** Sets modes at once, without waiting for output: 0 or the negative errno. */
export function trySetTermios(fd: number, termios: Termios): number {
  return tryIoctl(fd, TCSETS2, format(termios));
}

/** The same as a call that is made later. */
export function setTermiosCall(fd: number, termios: Termios): Call {
  return { nr: NR.ioctl, args: [fd, TCSETS2, format(termios)] };
}

export function setLockedTermiosCall(fd: number, termios: Termios): Call {
  return { nr: NR.ioctl, args: [fd, TIOC.SLCKTRMIOS, format(termios)] };
}

/** Sets what an ioctl takes from an int in memory, later. */
export function ttyNumberCall(fd: number, request: number, value: number): Call {
  return { nr: NR.ioctl, args: [fd, request, new Int32Array([value])] };
}

/** Which bits of the modes are locked; speeds are not kept. */
export function readLockedTermios(fd: number): Termios | undefined {
  const view = new DataView(new ArrayBuffer(SIZE));
  return tryIoctl(fd, TIOC.GLCKTRMIOS, view) < 0 ? undefined : parse(view);
}

export function trySetLockedTermios(fd: number, termios: Termios): number {
  return tryIoctl(fd, TIOC.SLCKTRMIOS, format(termios));
}

/** Rows, columns, and size in pixels. */
export type WindowSize = readonly [rows: number, columns: number, x: number, y: number];

export function readWindowSize(fd: number): WindowSize | undefined {
  const size = new Uint16Array(4);
  if (tryIoctl(fd, TIOC.GWINSZ, size) < 0) return undefined;
  const [rows = 0, columns = 0, x = 0, y = 0] = size;
  return [rows, columns, x, y];
}

export function trySetWindowSize(fd: number, size: WindowSize): number {
  return tryIoctl(fd, TIOC.SWINSZ, new Uint16Array(size));
}

/** A flag that an ioctl tells; false where this terminal has no such thing. */
export function ttyFlag(fd: number, request: number): boolean {
  return ioctlInt(fd, request) > 0;
}

/** Sets what an ioctl takes from an int in memory (TIOCSPTLCK, TIOCPKT, TIOCSPGRP). */
export function trySetTtyNumber(fd: number, request: number, value: number): number {
  return tryIoctl(fd, request, new Int32Array([value]));
}

/** Which terminal a description is of, whatever name it was opened by; undefined when the line is hung up. */
export function realDevice(fd: number): number | undefined {
  const dev = new Uint32Array(1);
  if (tryIoctl(fd, TIOC.GDEV, dev) < 0) return undefined;
  const [encoded = 0] = dev;
  // new_encode_dev of linux/kdev_t.h
  const minor = (encoded & 0xff) | ((encoded >>> 12) & 0xfff00);
  return ((encoded >>> 8) & 0xfff) * 0x100000 + minor;
}

/** Number of a pty, asked of its master; negative errno for anything else. */
export function ptyIndex(master: number): number {
  return ioctlInt(master, TIOC.GPTN);
}

/** A description of the slave of a master of ours, or the negative errno. It does not become anybody's controlling terminal. */
export function tryOpenSlave(master: number, flags: number): number {
  // unlike open(2) this keeps close-on-exec in the description, where it would show for ever, and does not add O_LARGEFILE
  const fd = sys(NR.ioctl, master, TIOC.GPTPEER, flags | O.NOCTTY);
  if (fd >= 0) sys(NR.fcntl, fd, F.SETFD, FD_CLOEXEC);
  return fd;
}

/**
 * Makes a pty with a number of one's choice, or returns undefined when that is taken. The kernel gives the lowest free one,
 * so those below are taken meanwhile. The caller closes the master.
 * @param open opens the multiplexer
 */
export function openMaster(
  index: number,
  flags: number,
  open = (how: number) => openPath("/dev/ptmx", how, "cannot make a terminal"),
): number | undefined {
  const spare: number[] = [];
  try {
    for (;;) {
      const fd = open((flags & (O.ACCMODE | O.NONBLOCK)) | O.NOCTTY);
      const got = ptyIndex(fd);
      if (got === index) return fd;
      spare.push(fd);
      if (got > index || got < 0) return undefined;
    }
  } finally {
    for (const fd of spare) closeFd(fd);
  }
}
