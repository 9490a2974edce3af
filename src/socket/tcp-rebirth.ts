/**
 * Connections that wait to be accepted. Nothing but accept(2) reaches them, and nothing puts a socket into a listener's queue but
 * the kernel's own handshake. So they are taken out, read, and put back as follows, behind the network lock: a socket of the
 * same ends is brought into TIME_WAIT. A call that meets one there gets its last number and 65,538 more for a first one
 * (tcp_timewait_state_process in net/ipv4/tcp_minisocks.c): with the right last number, what the call gets is the connection as
 * the peer knows it. Then comes what the peer had sent.
 */
import type { Subject } from "../error.ts";
import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { type InetAddress, inetAddress, makeSocket } from "../kernel/socket.ts";
import type { Call } from "../kernel/standby.ts";
import { IPPROTO, TCP, TCP_QUEUE, TCP_REPAIR, TCP_STATE, TCPOPT } from "../kernel/uapi/inet.ts";
import { AF, SHUT, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { v4Of } from "./inet-address.ts";
import { PacketSender } from "./ip-packet.ts";
import { FLAG, packetOf, type Segment } from "./tcp-packet.ts";
import { OPTION, optionCall, windowCall } from "./tcp-repair.ts";

/** From the last number of a socket in TIME_WAIT to the first one of the next connection. */
const STEP = 65_538;
/** The call has to come behind all that the socket in TIME_WAIT has seen. */
const BEFORE = 0x1_0000;
/** Bytes in a segment of ours: what the loopback takes. */
const PORTION = 32 * 1024;

export interface Pending {
  readonly own: InetAddress;
  readonly peer: InetAddress;
  /** TCP_STATE */
  readonly state: number;
  readonly received: Uint8Array;
  /** Behind the last byte of the peer, or behind its end; of ours, which we have not sent any of. */
  readonly inqSeq: number;
  readonly outqSeq: number;
  /** OPTION */
  readonly mask: number;
  readonly sndWscale: number;
  readonly mss: number;
}

const plain = (address: InetAddress): InetAddress => {
  const bytes = v4Of(address.bytes);
  return { ...address, bytes, family: bytes.length === 4 ? AF.INET : AF.INET6 };
};

/** What the peer's call offered. Without time stamps: nobody knows the peer's clock. */
function offered({ mask, sndWscale, mss }: Pending): Uint8Array {
  const options = [TCPOPT.MAXSEG, 4, mss >> 8, mss & 0xff];
  if (mask & OPTION.SACK) options.push(TCPOPT.NOP, TCPOPT.NOP, TCPOPT.SACK_PERMITTED, 2);
  if (mask & OPTION.WSCALE) options.push(TCPOPT.NOP, TCPOPT.WINDOW, 3, sndWscale);
  return Uint8Array.from(options);
}

/** Puts a connection into its listener's queue. */
export interface Rebirth extends Disposable {
  /** While this is there, and behind the network lock. */
  readonly calls: readonly Call[];
}

/** Errors: CrError when there are no sockets for it. */
export function rebirth(pending: Pending, subject: Subject): Rebirth {
  const [own, peer] = [plain(pending.own), plain(pending.peer)];
  const ends = { own, peer };
  const sender = new PacketSender(own.family, subject);
  const before = makeSocket(own.family, SOCK.STREAM, IPPROTO.TCP, subject);
  const isEnded = pending.state === TCP_STATE.CLOSE_WAIT;
  const first = (pending.inqSeq - pending.received.length - (isEnded ? 1 : 0)) >>> 0;
  const [call, answer] = [(first - 1) >>> 0, (pending.outqSeq - 1) >>> 0];
  const [heard, said] = [(call - BEFORE) >>> 0, (answer - STEP) >>> 0];
  const tcp = (name: number, value: number) => optionCall(before, SOL.TCP, name, Int32Array.of(value));
  const [here, there] = [inetAddress(own), inetAddress(peer)];
  const send = (segment: Segment) => sender.sending(packetOf(ends, segment), own, own.scope);
  const calls: Call[] = [
    tcp(TCP.REPAIR, TCP_REPAIR.ON),
    { nr: NR.bind, args: [before, here, here.length] },
    tcp(TCP.REPAIR_QUEUE, TCP_QUEUE.RECV),
    tcp(TCP.QUEUE_SEQ, heard | 0),
    tcp(TCP.REPAIR_QUEUE, TCP_QUEUE.SEND),
    tcp(TCP.QUEUE_SEQ, said | 0),
    { nr: NR.connect, args: [before, there, there.length] },
    windowCall(before, { snd_wl1: heard, snd_wnd: 0, max_window: 0xffff, rcv_wnd: 0xffff, rcv_wup: heard }),
    { nr: NR.shutdown, args: [before, SHUT.WR] },
    send({ flags: FLAG.FIN | FLAG.ACK, sequence: heard, acknowledged: said + 1 }),
    send({ flags: FLAG.SYN, sequence: call, acknowledged: 0, options: offered(pending) }),
    send({ flags: FLAG.ACK, sequence: first, acknowledged: answer + 1 }),
  ];
  for (let at = 0; at < pending.received.length; at += PORTION) {
    const payload = pending.received.subarray(at, at + PORTION);
    calls.push(send({ flags: FLAG.ACK | FLAG.PSH, sequence: first + at, acknowledged: answer + 1, payload }));
  }
  const end = (first + pending.received.length) >>> 0;
  if (isEnded) calls.push(send({ flags: FLAG.FIN | FLAG.ACK, sequence: end, acknowledged: answer + 1 }));
  if (pending.state === TCP_STATE.CLOSE) calls.push(send({ flags: FLAG.RST, sequence: end, acknowledged: 0 }));
  const dispose = () => {
    sender[Symbol.dispose]();
    closeFd(before);
  };
  return { calls, [Symbol.dispose]: dispose };
}
