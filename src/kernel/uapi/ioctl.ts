// asm-generic/ioctl.h, asm-generic/ioctls.h, linux/sockios.h, linux/nsfs.h, linux/userfaultfd.h, linux/fs.h

const NONE = 0;
const WRITE = 1;
const READ = 2;

function encode(direction: number, type: string, nr: number, size: number): number {
  return ((direction << 30) | (size << 16) | (type.charCodeAt(0) << 8) | nr) >>> 0;
}

/** The number of an ioctl without an argument. `type` is the one-character magic, sizes are bytes. */
function io(type: string, nr: number): number {
  return encode(NONE, type, nr, 0);
}

/** One whose argument the kernel fills. */
export function ior(type: string, nr: number, size: number): number {
  return encode(READ, type, nr, size);
}

/** One whose argument the kernel reads. */
export function iow(type: string, nr: number, size: number): number {
  return encode(WRITE, type, nr, size);
}

/** One whose argument goes both ways. */
export function iowr(type: string, nr: number, size: number): number {
  return encode(READ | WRITE, type, nr, size);
}

/** Terminals (ioctl_tty(2)). */
export const TIOC = {
  EXCL: 0x540c,
  NXCL: 0x540d,
  SCTTY: 0x540e,
  GPGRP: 0x540f,
  SPGRP: 0x5410,
  OUTQ: 0x5411,
  STI: 0x5412,
  GWINSZ: 0x5413,
  SWINSZ: 0x5414,
  MGET: 0x5415,
  MBIS: 0x5416,
  MBIC: 0x5417,
  MSET: 0x5418,
  GSOFTCAR: 0x5419,
  SSOFTCAR: 0x541a,
  INQ: 0x541b,
  LINUX: 0x541c,
  CONS: 0x541d,
  GSERIAL: 0x541e,
  SSERIAL: 0x541f,
  PKT: 0x5420,
  NOTTY: 0x5422,
  SETD: 0x5423,
  GETD: 0x5424,
  SBRK: 0x5427,
  CBRK: 0x5428,
  GSID: 0x5429,
  GPTN: 0x80045430,
  SPTLCK: 0x40045431,
  GDEV: 0x80045432,
  SIG: 0x40045436,
  VHANGUP: 0x5437,
  GPKT: 0x80045438,
  GPTLCK: 0x80045439,
  GEXCL: 0x80045440,
  GPTPEER: 0x5441,
  GLCKTRMIOS: 0x5456,
  SLCKTRMIOS: 0x5457,
} as const;
/** Terminal attributes and flow. */
export const TC = {
  GETS: 0x5401,
  SETS: 0x5402,
  SETSW: 0x5403,
  SETSF: 0x5404,
  SBRK: 0x5409,
  XONC: 0x540a,
  FLSH: 0x540b,
  SBRKP: 0x5425,
} as const;

/** Any descriptor. */
export const FIO = {
  NREAD: 0x541b,
  NBIO: 0x5421,
  NCLEX: 0x5450,
  CLEX: 0x5451,
  ASYNC: 0x5452,
  QSIZE: 0x5460,
  SETOWN: 0x8901,
  GETOWN: 0x8903,
} as const;

/** Bytes waiting in a queue: to be read, to be sent, not sent yet (tcp(7), unix(7)). */
export const SIOCINQ = 0x541b;
export const SIOCOUTQ = 0x5411;
export const SIOCOUTQNSD = 0x894b;

/** Sockets and network devices; GSKNS gives a descriptor of a socket's network namespace. */
export const SIOC = {
  ATMARK: 0x8905,
  GIFNAME: 0x8910,
  GIFCONF: 0x8912,
  GIFFLAGS: 0x8913,
  SIFFLAGS: 0x8914,
  GIFADDR: 0x8915,
  SIFADDR: 0x8916,
  GIFNETMASK: 0x891b,
  SIFNETMASK: 0x891c,
  GIFMTU: 0x8921,
  SIFMTU: 0x8922,
  GIFINDEX: 0x8933,
  GIFHWADDR: 0x8927,
  SIFHWADDR: 0x8924,
  GSKNS: 0x894c,
  SIFNAME: 0x8923,
} as const;

/** unix sockets: a descriptor of the bound file. */
export const SIOCUNIXFILE = 0x89e0;

/** Namespaces (ioctl_ns(2)). */
export const NS = {
  GET_USERNS: 0xb701,
  GET_PARENT: 0xb702,
  GET_NSTYPE: 0xb703,
  GET_OWNER_UID: 0xb704,
} as const;

/** What chattr(1) sets; projects and more, struct fsxattr. */
export const FS_IOC = {
  GETFLAGS: ior("f", 1, 8),
  SETFLAGS: iow("f", 2, 8),
  FSGETXATTR: ior("X", 31, 28),
  FSSETXATTR: iow("X", 32, 28),
} as const;

/** timerfd: sets the number of expirations that a read returns. */
export const TFD_IOC_SET_TICKS = iow("T", 0, 8);

/** epoll (linux/eventpoll.h): how it polls network devices, struct epoll_params. Linux 6.9 and later. */
export const EPIOC = { SPARAMS: iow("\x8a", 1, 8), GPARAMS: ior("\x8a", 2, 8) } as const;

/** inotify: chooses the number of the next watch. Takes an int by value. */
export const INOTIFY_IOC_SETNEXTWD = iow("I", 0, 4);

/** userfaultfd (ioctl_userfaultfd(2)). */
export const UFFDIO = {
  API: iowr("\xaa", 0x3f, 24),
  REGISTER: iowr("\xaa", 0, 32),
  UNREGISTER: ior("\xaa", 1, 16),
  WAKE: ior("\xaa", 2, 16),
  COPY: iowr("\xaa", 3, 40),
  ZEROPAGE: iowr("\xaa", 4, 32),
  MOVE: iowr("\xaa", 5, 40),
  WRITEPROTECT: iowr("\xaa", 6, 24),
  CONTINUE: iowr("\xaa", 7, 32),
  POISON: iowr("\xaa", 8, 32),
} as const;

/** TUN/TAP devices (linux/if_tun.h). */
export const TUN = {
  SETIFF: iow("T", 202, 4),
  SETPERSIST: iow("T", 203, 4),
  SETOWNER: iow("T", 204, 4),
  SETGROUP: iow("T", 206, 4),
  GETFEATURES: ior("T", 207, 4),
  SETOFFLOAD: iow("T", 208, 4),
  GETIFF: ior("T", 210, 4),
  ATTACHFILTER: iow("T", 213, 16),
  GETSNDBUF: ior("T", 211, 4),
  SETSNDBUF: iow("T", 212, 4),
  GETVNETHDRSZ: ior("T", 215, 4),
  SETVNETHDRSZ: iow("T", 216, 4),
  SETQUEUE: iow("T", 217, 4),
  SETIFINDEX: iow("T", 218, 4),
  GETFILTER: ior("T", 219, 16),
  SETVNETLE: iow("T", 220, 4),
  GETVNETLE: ior("T", 221, 4),
} as const;

/** What a master in packet mode is told (linux/tty ioctls, TIOCPKT_*). */
export const TIOCPKT = {
  FLUSHREAD: 1,
  FLUSHWRITE: 2,
  STOP: 4,
  START: 8,
  NOSTOP: 16,
  DOSTOP: 32,
  IOCTL: 64,
} as const;

/** linux/auto_fs.h */
export const AUTOFS = { SETTIMEOUT: iowr("\x93", 0x64, 8), CATATONIC: io("\x93", 0x62) } as const;
