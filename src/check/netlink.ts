/** One netlink question and the kernel's first answer, for probes. */
import { addressOf } from "../kernel/sys.ts";
import { call, type Scope } from "./probe.ts";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const headerSize = 16;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
export const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const receiveTimeout = 20;
const SOL_SOCKET = 1;

/** Opens a socket of this netlink family in our network namespace. */
export function openNetlink(scope: Scope, family: number): number {
  return scope.open("socket", AF_NETLINK, SOCK_RAW_CLOEXEC, family);
}

/** An attribute: header, payload, padding to four bytes. */
function attribute(type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((4 + payload.length) / 4) * 4);
  new DataView(bytes.buffer).setUint16(0, 4 + payload.length, true);
  new DataView(bytes.buffer).setUint16(2, type, true);
  bytes.set(payload, 4);
  return bytes;
}

export function attribute32(type: number, value: number): Uint8Array {
  return attribute(type, new Uint8Array(new Int32Array([value]).buffer));
}

/**
 * Sends one message and reads the answer.
 * @returns type of the first message of the answer, or the negative errno that sending, receiving or the kernel gave;
 * 0 for an acknowledgement
 */
export function ask(fd: number, type: number, body: Uint8Array, flags = 0): number {
  const message = new Uint8Array(headerSize + body.length);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, NLM_F_REQUEST | NLM_F_ACK | flags, true);
  view.setUint32(8, 1, true);
  message.set(body, headerSize);
  // a kernel that does not answer must not hang the check
  const second = new BigUint64Array([1n, 0n]);
  call("setsockopt", fd, SOL_SOCKET, receiveTimeout, addressOf(second), 16);
  const sent = call("sendto", fd, addressOf(message), message.length, 0, 0, 0);
  if (sent < 0) return sent;
  const answer = new Uint8Array(65536);
  const got = call("recvfrom", fd, addressOf(answer), answer.length, 0, 0, 0);
  if (got < 0) return got;
  const seen = new DataView(answer.buffer);
  const kind = seen.getUint16(4, true);
  return kind === NLMSG_ERROR ? seen.getInt32(headerSize, true) : kind;
}
