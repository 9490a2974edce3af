import type { Subject } from "../error.ts";
import { ERRNO } from "./errno.ts";
import { NR } from "./nr.ts";
import { tryReadProcFile } from "./proc/read.ts";
import { addressOf, check, sys } from "./sys.ts";
import { AF, MSG, SCM, SO, SOCK, SOL } from "./uapi/socket.ts";

const EINTR = -(ERRNO.EINTR ?? 4);

/** A new socket, close-on-exec. The caller closes it. */
export function makeSocket(family: number, type: number, protocol = 0, subject: Subject = {}): number {
  return check(sys(NR.socket, family, type | SOCK.CLOEXEC, protocol), "cannot make a socket", subject);
}

/** Two connected sockets, close-on-exec. The caller closes them. */
export function makeSocketPair(family: number, type: number, subject: Subject = {}): [number, number] {
  const ends = new Int32Array(2);
  check(sys(NR.socketpair, family, type | SOCK.CLOEXEC, 0, addressOf(ends)), "cannot make a pair of sockets", subject);
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** bind(2): 0 or the negative errno. */
export function tryBind(fd: number, address: Uint8Array): number {
  return sys(NR.bind, fd, addressOf(address), address.length);
}

/** connect(2): 0 or the negative errno. */
export function tryConnect(fd: number, address: Uint8Array): number {
  return sys(NR.connect, fd, addressOf(address), address.length);
}

export function listen(fd: number, backlog: number, subject: Subject = {}): void {
  check(sys(NR.listen, fd, backlog), "cannot make a socket listen", subject);
}

/** Takes a waiting connection, close-on-exec. The caller closes it. */
export function accept(fd: number, subject: Subject = {}): number {
  return check(sys(NR.accept4, fd, 0, 0, SOCK.CLOEXEC), "cannot accept a connection", subject);
}

/** @param how SHUT.* */
export function tryShutdown(fd: number, how: number): number {
  return sys(NR.shutdown, fd, how);
}

const nameSize = new Uint32Array(1);

function nameOf(nr: number, fd: number): Uint8Array | undefined {
  const address = new Uint8Array(128);
  nameSize[0] = address.length;
  if (sys(nr, fd, addressOf(address), addressOf(nameSize)) < 0) return undefined;
  return address.subarray(0, nameSize[0]);
}

/** Own address, as struct sockaddr. */
export function ownAddress(fd: number): Uint8Array {
  return nameOf(NR.getsockname, fd) ?? new Uint8Array(0);
}

/** Address of the peer; undefined when there is none. */
export function peerAddress(fd: number): Uint8Array | undefined {
  return nameOf(NR.getpeername, fd);
}

/**
 * An option as bytes (`size` at most), or the negative errno.
 * @param value takes the answer, and may hold a question
 */
export function tryGetOption(
  fd: number,
  level: number,
  name: number,
  size: number,
  value = new Uint8Array(size),
): Uint8Array | number {
  const length = new Uint32Array([size]);
  const result = sys(NR.getsockopt, fd, level, name, size === 0 ? 0 : addressOf(value), addressOf(length));
  return result < 0 ? result : value.subarray(0, length[0]);
}

const word = new Int32Array(1);
const wordSize = new Uint32Array(1);

/** An option that is a number; undefined where this socket has no such option. */
export function getNumber(fd: number, level: number, name: number): number | undefined {
  word[0] = 0;
  wordSize[0] = 4;
  const result = sys(NR.getsockopt, fd, level, name, addressOf(word), addressOf(wordSize));
  return result < 0 ? undefined : word[0];
}

/** Sets an option that is a number: 0 or the negative errno. */
export function trySetNumber(fd: number, level: number, name: number, value: number): number {
  word[0] = value;
  return sys(NR.setsockopt, fd, level, name, addressOf(word), 4);
}

/** Sets an option from bytes: 0 or the negative errno. */
export function trySetOption(fd: number, level: number, name: number, value: Uint8Array): number {
  return sys(NR.setsockopt, fd, level, name, addressOf(value), value.length);
}

/** struct sockaddr_un for a name as unix_diag tells it: raw bytes, an abstract one begins with a NUL. */
export function unixAddress(name: Uint8Array | string): Uint8Array {
  const bytes = typeof name === "string" ? Buffer.from(`${name}\0`) : name;
  const address = new Uint8Array(2 + bytes.length);
  address[0] = AF.UNIX;
  address.set(bytes, 2);
  return address;
}

/** An Internet address: bytes in network order, port in host order. */
export interface InetAddress {
  readonly family: number;
  readonly bytes: Uint8Array;
  readonly port: number;
  /** Interface index of a link-local IPv6 address. */
  readonly scope: number;
  /** Of IPv6, where there is one: traffic class and flow label (sin6_flowinfo). */
  readonly flow?: number | undefined;
}

/** struct sockaddr_in or sockaddr_in6. */
export function inetAddress({ family, bytes, port, scope, flow = 0 }: InetAddress): Uint8Array {
  const v6 = family === AF.INET6;
  const view = new DataView(new ArrayBuffer(v6 ? 28 : 16));
  view.setUint16(0, family, true);
  view.setUint16(2, port);
  const address = new Uint8Array(view.buffer);
  address.set(bytes.subarray(0, v6 ? 16 : 4), v6 ? 8 : 4);
  if (v6) {
    view.setUint32(4, flow);
    view.setUint32(24, scope, true);
  }
  return address;
}

/** Reads what `inetAddress` writes; undefined for other families. */
export function parseInetAddress(address: Uint8Array): InetAddress | undefined {
  if (address.length < 16) return undefined;
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
  const family = view.getUint16(0, true);
  const port = view.getUint16(2);
  if (family === AF.INET) return { family, bytes: address.slice(4, 8), port, scope: 0 };
  if (family !== AF.INET6 || address.length < 28) return undefined;
  const flow = view.getUint32(4);
  const six = { family, bytes: address.slice(8, 24), port, scope: view.getUint32(24, true) };
  return flow === 0 ? six : { ...six, flow };
}

/** struct ucred. */
export interface Credentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** One message with what travels beside it. */
export interface Message {
  readonly bytes: Uint8Array;
  /** Descriptors; after receiving they are the caller's to close. */
  readonly rights: readonly number[];
  readonly credentials: Credentials | undefined;
  /** struct sockaddr of the sender; empty when it has no name. */
  readonly from: Uint8Array;
  /** MSG_* that the kernel answered. */
  readonly flags: number;
  /** What else came along. */
  readonly control?: readonly Control[];
}

/** Ancillary data of one kind (cmsg(3)). */
export interface Control {
  readonly level: number;
  readonly type: number;
  readonly bytes: Uint8Array;
}

const CONTROL_SIZE = 4096;
const header = new Uint8Array(new ArrayBuffer(56 + 16));
const headerView = new DataView(header.buffer);
const control = new Uint8Array(new ArrayBuffer(CONTROL_SIZE));
const controlView = new DataView(control.buffer);
const peerName = new Uint8Array(new ArrayBuffer(128));

/** Fills struct msghdr and its one vector (sendmsg(2)); addresses of nothing are 0. */
function fillHeader(name: number, nameLength: number, data: number, dataLength: number, controlLength: number): void {
  const put = (at: number, value: number) => headerView.setBigUint64(at, BigInt(value), true);
  put(0, name);
  put(8, nameLength);
  put(16, addressOf(header) + 56);
  put(24, 1);
  put(32, controlLength === 0 ? 0 : addressOf(control));
  put(40, controlLength);
  put(48, 0);
  put(56, data);
  put(64, dataLength);
}

/** Who signed a message that brings a descriptor of its signer (SO_PASSPIDFD) and nothing else; undefined when that is gone. */
function signerOf(pidfd: number): Credentials | undefined {
  const number = (text: string | undefined, word: string) => {
    const found = new RegExp(`^${word}:\\t(\\d+)`, "m").exec(text ?? "")?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const pid = number(tryReadProcFile(`/proc/self/fdinfo/${pidfd}`), "Pid");
  const status = pid && tryReadProcFile(`/proc/${pid}/status`);
  const [uid, gid] = status ? [number(status, "Uid"), number(status, "Gid")] : [];
  return pid === undefined || uid === undefined || gid === undefined ? undefined : { pid, uid, gid };
}

/** One recvmsg(2) into `into`, or the negative errno. What does not fit is told by MSG.TRUNC among the answer's flags. */
export function tryReceive(fd: number, into: Uint8Array, flags: number): Message | number {
  let got: number;
  do {
    fillHeader(addressOf(peerName), peerName.length, addressOf(into), into.length, CONTROL_SIZE);
    got = sys(NR.recvmsg, fd, addressOf(header), flags | MSG.CMSG_CLOEXEC);
  } while (got === EINTR);
  if (got < 0) return got;
  const rights: number[] = [];
  let credentials: Credentials | undefined;
  const others: Control[] = [];
  const end = Number(headerView.getBigUint64(40, true));
  for (let at = 0; at + 16 <= end; ) {
    const length = Number(controlView.getBigUint64(at, true));
    if (length < 16) break;
    const isSocketLevel = controlView.getInt32(at + 8, true) === SOL.SOCKET;
    const type = controlView.getInt32(at + 12, true);
    const words = Array.from({ length: (length - 16) >> 2 }, (_, i) => controlView.getInt32(at + 16 + i * 4, true));
    if (isSocketLevel && type === SCM.RIGHTS) rights.push(...words);
    // The kernel makes a descriptor for each reader: nothing that lies in the queue.
    else if (isSocketLevel && type === SCM.PIDFD) {
      credentials ??= signerOf(words[0] ?? -1);
      sys(NR.close, words[0] ?? -1);
    } else if (isSocketLevel && type === SCM.CREDENTIALS) {
      const [pid = 0, uid = 0, gid = 0] = words;
      credentials = { pid, uid: uid >>> 0, gid: gid >>> 0 };
    } else {
      const level = controlView.getInt32(at + 8, true);
      others.push({ level, type, bytes: control.slice(at + 16, at + length) });
    }
    at += (length + 7) & ~7;
  }
  const from = peerName.slice(0, headerView.getUint32(8, true));
  return {
    bytes: into.slice(0, Math.min(got, into.length)),
    rights,
    credentials,
    from,
    flags: headerView.getInt32(48, true),
    ...(others.length > 0 && { control: others }),
  };
}

/** Size of the packet that is next, waiting for it; 0 at the end of the stream; or the negative errno, EINTR too. */
export function nextPacketSize(fd: number): number {
  return sys(NR.recvfrom, fd, 0, 0, MSG.PEEK | MSG.TRUNC);
}

/** SO_PEERCRED: who made the other end of a unix socket, pids as we see them; undefined where it has no such peer. */
export function getPeerCredentials(fd: number): Credentials | undefined {
  const bytes = tryGetOption(fd, SOL.SOCKET, SO.PEERCRED, 12);
  if (typeof bytes === "number" || bytes.length < 12) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { pid: view.getInt32(0, true), uid: view.getUint32(4, true), gid: view.getUint32(8, true) };
}

/** Control data of one kind at an offset of the buffer; returns where the next one begins. */
function putControl(at: number, type: number, words: readonly number[]): number {
  controlView.setBigUint64(at, BigInt(16 + words.length * 4), true);
  controlView.setInt32(at + 8, SOL.SOCKET, true);
  controlView.setInt32(at + 12, type, true);
  for (let i = 0; i < words.length; i++) controlView.setInt32(at + 16 + i * 4, words[i] ?? 0, true);
  return at + 16 + ((words.length * 4 + 7) & ~7);
}

/**
 * One sendmsg(2) that never waits: bytes that went, or the negative errno.
 * @param to struct sockaddr; left out for the peer
 * @param flags MSG_* besides
 */
export function trySend(
  fd: number,
  message: Pick<Message, "bytes" | "rights" | "credentials">,
  to?: Uint8Array,
  flags = 0,
): number {
  const { bytes, rights, credentials } = message;
  control.fill(0);
  let used = 0;
  if (rights.length > 0) used = putControl(used, SCM.RIGHTS, rights);
  if (credentials) used = putControl(used, SCM.CREDENTIALS, [credentials.pid, credentials.uid, credentials.gid]);
  let sent: number;
  do {
    fillHeader(to ? addressOf(to) : 0, to?.length ?? 0, bytes.length > 0 ? addressOf(bytes) : 0, bytes.length, used);
    sent = sys(NR.sendmsg, fd, addressOf(header), flags | MSG.DONTWAIT | MSG.NOSIGNAL);
  } while (sent === EINTR);
  return sent;
}
