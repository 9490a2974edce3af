import { CrError, type Subject } from "../error.ts";
import type { SkOptsEntry, U64 } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { NR } from "../kernel/nr.ts";
import { getNumber, tryGetOption, trySetNumber, trySetOption } from "../kernel/socket.ts";
import { statFd } from "../kernel/stat.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { AF, SO, SOL } from "../kernel/uapi/socket.ts";
import { applyMoreOptions, readSocketOptions } from "./more-options.ts";
import type { SocketKind } from "./socket-kind.ts";

/** Permissions of a new socket. */
const USUAL_MODE = 0o777;
const EACCES = -(ERRNO.EACCES ?? 13);
const EPERM = -(ERRNO.EPERM ?? 1);

type NumberField = "so_priority" | "so_rcvlowat" | "so_mark" | "so_oobinline";
type FlagField =
  | "reuseaddr"
  | "so_passcred"
  | "so_passsec"
  | "so_dontroute"
  | "so_no_check"
  | "so_reuseport"
  | "so_broadcast"
  | "so_keepalive";

const NUMBERS: readonly (readonly [NumberField, number])[] = [
  ["so_priority", SO.PRIORITY],
  ["so_rcvlowat", SO.RCVLOWAT],
  ["so_mark", SO.MARK],
  ["so_oobinline", SO.OOBINLINE],
];

const FLAGS: readonly (readonly [FlagField, number])[] = [
  ["reuseaddr", SO.REUSEADDR],
  ["so_passcred", SO.PASSCRED],
  ["so_passsec", SO.PASSSEC],
  ["so_dontroute", SO.DONTROUTE],
  ["so_no_check", SO.NO_CHECK],
  ["so_reuseport", SO.REUSEPORT],
  ["so_broadcast", SO.BROADCAST],
  ["so_keepalive", SO.KEEPALIVE],
];

/** Options that sockets of the Internet do not have; old kernels answer for them all the same. */
const LOCAL_ONLY = new Set<string>(["so_passcred", "so_passsec"]);

function timeOf(fd: number, name: number): [U64, U64] {
  const value = tryGetOption(fd, SOL.SOCKET, name, 16);
  if (typeof value === "number") return [0, 0];
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return [Number(view.getBigInt64(0, true)), Number(view.getBigInt64(8, true))];
}

/** Why a socket's filter cannot be kept; undefined when it can, or there is none. */
export function filterProblem(fd: number, subject: Subject): CrError | undefined {
  const count = new Uint32Array([0]);
  const result = sys(NR.getsockopt, fd, SOL.SOCKET, SO.GET_FILTER, 0, addressOf(count));
  return result === EACCES ? unreadableFilter(subject) : undefined;
}

function unreadableFilter(subject: Subject): CrError {
  return new CrError("a socket has a filter that was made from an eBPF program", {
    code: "UNSUPPORTED",
    subject,
    remedy: "let the program take the filter off (SO_DETACH_BPF) before the dump",
  });
}

/** The classic filter's instructions: code << 48 | jt << 40 | jf << 32 | k. The kernel counts instructions, not bytes. */
function filterOf(fd: number, subject: Subject): U64[] {
  const count = new Uint32Array([0]);
  const first = sys(NR.getsockopt, fd, SOL.SOCKET, SO.GET_FILTER, 0, addressOf(count));
  if (first === EACCES) throw unreadableFilter(subject);
  const length = count[0] ?? 0;
  if (first < 0 || length === 0) return [];
  const program = new DataView(new ArrayBuffer(length * 8));
  check(
    sys(NR.getsockopt, fd, SOL.SOCKET, SO.GET_FILTER, addressOf(program), addressOf(count)),
    "cannot read a socket's filter",
    subject,
  );
  return instructionsOf(program);
}

/** Instructions of a classic program (struct sock_filter) as images have them. */
export function instructionsOf(program: DataView): U64[] {
  return Array.from({ length: program.byteLength >> 3 }, (_, i) => {
    const high =
      program.getUint16(i * 8, true) * 0x1_0000 + program.getUint8(i * 8 + 2) * 0x100 + program.getUint8(i * 8 + 3);
    return (BigInt(high) << 32n) | BigInt(program.getUint32(i * 8 + 4, true));
  });
}

/** Reads all options of level SOL_SOCKET that images keep. */
export function readOptions(fd: number, family: number, subject: Subject, kind?: SocketKind): SkOptsEntry {
  const [sndSec, sndUsec] = timeOf(fd, SO.SNDTIMEO);
  const [rcvSec, rcvUsec] = timeOf(fd, SO.RCVTIMEO);
  const entry: SkOptsEntry = {
    so_sndbuf: getNumber(fd, SOL.SOCKET, SO.SNDBUF) ?? 0,
    so_rcvbuf: getNumber(fd, SOL.SOCKET, SO.RCVBUF) ?? 0,
    so_snd_tmo_sec: sndSec,
    so_snd_tmo_usec: sndUsec,
    so_rcv_tmo_sec: rcvSec,
    so_rcv_tmo_usec: rcvUsec,
    so_filter: filterOf(fd, subject),
    tscriu_options: readSocketOptions(fd, kind),
  };
  const isLocal = family === AF.UNIX || family === AF.NETLINK;
  for (const [field, name] of NUMBERS) {
    const value = getNumber(fd, SOL.SOCKET, name);
    if (value !== undefined && (field !== "so_mark" || value !== 0)) entry[field] = value >>> 0;
  }
  for (const [field, name] of FLAGS) {
    if (LOCAL_ONLY.has(field) && !isLocal) continue;
    const value = getNumber(fd, SOL.SOCKET, name);
    if (value !== undefined) entry[field] = value !== 0;
  }
  const device = tryGetOption(fd, SOL.SOCKET, SO.BINDTODEVICE, 16);
  if (typeof device !== "number" && device.length > 1) entry.so_bound_dev = textOf(device);
  const linger = tryGetOption(fd, SOL.SOCKET, SO.LINGER, 8);
  if (typeof linger !== "number") {
    const view = new DataView(linger.buffer, linger.byteOffset, linger.byteLength);
    if (view.getInt32(0, true) !== 0) entry.so_linger = view.getUint32(4, true);
  }
  const lock = getNumber(fd, SOL.SOCKET, SO.BUF_LOCK);
  if (lock !== undefined) entry.so_buf_lock = lock;
  if (family !== AF.UNIX) Object.assign(entry, ownerOf(fd));
  return entry;
}

/** Who made it: firewalls may ask; and what its permissions are. */
function ownerOf(fd: number): Pick<SkOptsEntry, "tscriu_uid" | "tscriu_gid" | "tscriu_mode"> {
  const { uid, gid, mode } = statFd(fd);
  return { ...(uid === 0 && gid === 0 ? {} : { tscriu_uid: uid, tscriu_gid: gid }), ...permissions(mode) };
}

/** Permissions of a socket where they are not those of a new one: programs set them so that a file which they bind to gets these. */
export function permissions(mode: number): Pick<SkOptsEntry, "tscriu_mode"> {
  return (mode & 0o7777) === USUAL_MODE ? {} : { tscriu_mode: mode & 0o7777 };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString().replace(/\0.*$/s, "");
}

function setNumber(fd: number, name: number, value: number, what: string, subject: Subject): void {
  if (getNumber(fd, SOL.SOCKET, name) === (value | 0)) return;
  check(trySetNumber(fd, SOL.SOCKET, name, value | 0), `cannot set ${what} of a socket`, subject);
}

/** Ties the socket to its network interface; before bind(2). */
export function bindToDevice(fd: number, entry: SkOptsEntry, subject: Subject): void {
  const name = entry.so_bound_dev;
  if (name === undefined || name === "") return;
  const remedy = `make the network interface ${name} first`;
  check(
    trySetOption(fd, SOL.SOCKET, SO.BINDTODEVICE, Buffer.from(`${name}\0`)),
    `cannot bind a socket to ${name}`,
    subject,
    remedy,
  );
}

/** Sets a buffer so that SO_SNDBUF or SO_RCVBUF then reads `size` (the kernel doubles what it is told). */
function setBuffer(fd: number, name: number, force: number, size: number, subject: Subject): void {
  if (getNumber(fd, SOL.SOCKET, name) === size) return;
  const half = Math.min(size >>> 1, 0x3fff_ffff);
  if (trySetNumber(fd, SOL.SOCKET, force, half) === EPERM) {
    check(trySetNumber(fd, SOL.SOCKET, name, half), "cannot set the size of a socket's buffer", subject);
  }
}

/** Makes room for `bytes` in a socket's send buffer; `applyOptions` puts the size back. */
export function widenSendBuffer(fd: number, bytes: number): void {
  if (trySetNumber(fd, SOL.SOCKET, SO.SNDBUFFORCE, bytes) === EPERM) trySetNumber(fd, SOL.SOCKET, SO.SNDBUF, bytes);
}

/** Makes room for `bytes` in a socket's receive buffer, too. */
export function widenReceiveBuffer(fd: number, bytes: number): void {
  const wanted = Math.min(bytes, 0x3fff_ffff);
  if ((getNumber(fd, SOL.SOCKET, SO.RCVBUF) ?? 0) >= wanted) return;
  if (trySetNumber(fd, SOL.SOCKET, SO.RCVBUFFORCE, wanted) === EPERM) trySetNumber(fd, SOL.SOCKET, SO.RCVBUF, wanted);
}

function setTime(fd: number, name: number, sec: U64, usec: U64, subject: Subject): void {
  const value = new BigInt64Array([BigInt(sec), BigInt(usec)]);
  const now = timeOf(fd, name);
  if (BigInt(now[0]) === value[0] && BigInt(now[1]) === value[1]) return;
  check(
    trySetOption(fd, SOL.SOCKET, name, new Uint8Array(value.buffer)),
    "cannot set the timeout of a socket",
    subject,
  );
}

/** Attaches the classic filter; before bind(2) where packets come to whoever has a socket. */
export function attachFilter(fd: number, filter: readonly U64[], subject: Subject): void {
  if (filter.length > 0) attachProgram(fd, SO.ATTACH_FILTER, filter, subject);
}

/** The same for any option that takes a classic program. */
export function attachProgram(fd: number, name: number, filter: readonly U64[], subject: Subject): void {
  const program = new DataView(new ArrayBuffer(filter.length * 8));
  filter.forEach((instruction, i) => {
    const value = BigInt(instruction);
    program.setUint16(i * 8, Number((value >> 48n) & 0xffffn), true);
    program.setUint8(i * 8 + 2, Number((value >> 40n) & 0xffn));
    program.setUint8(i * 8 + 3, Number((value >> 32n) & 0xffn));
    program.setUint32(i * 8 + 4, Number(value & 0xffff_ffffn), true);
  });
  const fprog = new DataView(new ArrayBuffer(16));
  fprog.setUint16(0, filter.length, true);
  fprog.setBigUint64(8, BigInt(addressOf(program)), true);
  const result = trySetOption(fd, SOL.SOCKET, name, new Uint8Array(fprog.buffer));
  check(result, "cannot put the filter on a socket", { ...subject, instructions: program.byteLength / 8 });
}

/** Sets all options but the device; to be called when the socket is bound, connected and has its queue. */
export function applyOptions(fd: number, entry: SkOptsEntry, subject: Subject): void {
  for (const [field, name] of NUMBERS) {
    const value = entry[field];
    if (value !== undefined) setNumber(fd, name, value, field, subject);
  }
  for (const [field, name] of FLAGS) {
    const value = entry[field];
    if (value !== undefined) setNumber(fd, name, value ? 1 : 0, field, subject);
  }
  setTime(fd, SO.SNDTIMEO, entry.so_snd_tmo_sec, entry.so_snd_tmo_usec, subject);
  setTime(fd, SO.RCVTIMEO, entry.so_rcv_tmo_sec, entry.so_rcv_tmo_usec, subject);
  if (entry.so_linger !== undefined) {
    const linger = new Uint8Array(new Int32Array([1, entry.so_linger]).buffer);
    check(trySetOption(fd, SOL.SOCKET, SO.LINGER, linger), "cannot set so_linger of a socket", subject);
  }
  setBuffer(fd, SO.SNDBUF, SO.SNDBUFFORCE, entry.so_sndbuf, subject);
  setBuffer(fd, SO.RCVBUF, SO.RCVBUFFORCE, entry.so_rcvbuf, subject);
  // Setting a size locks it against the kernel's tuning; kernels before 5.14 cannot undo that.
  if (entry.so_buf_lock !== undefined && getNumber(fd, SOL.SOCKET, SO.BUF_LOCK) !== undefined) {
    setNumber(fd, SO.BUF_LOCK, entry.so_buf_lock, "so_buf_lock", subject);
  }
  attachFilter(fd, entry.so_filter, subject);
  applyMoreOptions(fd, entry.tscriu_options, subject);
  const { tscriu_uid: uid, tscriu_gid: gid = 0 } = entry;
  if (uid !== undefined) check(sys(NR.fchown, fd, uid, gid), "cannot set the owner of a socket", subject);
  const mode = entry.tscriu_mode;
  if (mode !== undefined) check(sys(NR.fchmod, fd, mode & 0o7777), "cannot set the permissions of a socket", subject);
}
