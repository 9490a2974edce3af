/**
 * Connections that wait to be accepted, seen in the kernel's memory before anybody takes them out of their listener's queue. With
 * that somebody else can put all of them back if we die, however many of them we had taken.
 */

import type { KernelObject } from "../kernel/inside.ts";
import { lookInside } from "../kernel/inside.ts";
import { packetBytes, packetsIn } from "../kernel/inside-packet.ts";
import { AF } from "../kernel/uapi/socket.ts";
import type { Pending } from "./tcp-rebirth.ts";
import { OPTION } from "./tcp-repair.ts";

const MOST = 4096;

const number = ([high = 0, low = 0]: Uint8Array) => (high << 8) | low;

/** What `pendingIn` makes of one that was taken. */
export interface Foreseen extends Pending {
  /** What no other socket has; 0 for one that the kernel has not listed for anybody yet (sock_diag(7)). */
  readonly cookie: bigint;
}

/** What is known of a socket in the queue. */
function connection(socket: KernelObject): Foreseen {
  const common = (member: string) => `__sk_common.${member}`;
  const family = socket.short(common("skc_family"));
  const isSix = family === AF.INET6;
  const address = (member: string) => socket.in(common(member), "sock").bytes(isSix ? 16 : 4);
  const [here, there] = [
    address(isSix ? "skc_v6_rcv_saddr" : "skc_rcv_saddr"),
    address(isSix ? "skc_v6_daddr" : "skc_daddr"),
  ];
  const isLinkLocal = isSix && here[0] === 0xfe && ((here[1] ?? 0) & 0xc0) === 0x80;
  const scope = isLinkLocal ? socket.int(common("skc_bound_dev_if")) : 0;
  // one that was reset has only this one
  const port = socket.as("inet_sock").in("inet_sport", "sock").bytes(2);
  const away = socket.in(common("skc_dport"), "sock").bytes(2);
  const tcp = socket.as("tcp_sock");
  const agreed = tcp.in("rx_opt", "tcp_options_received");
  const flag = (bits: number, member: string, value: number) => (agreed.bits(member, bits) !== 0 ? value : 0);
  return {
    own: { family, bytes: here, port: number(port), scope },
    peer: { family, bytes: there, port: number(away), scope },
    state: socket.in(common("skc_state"), "sock").bytes(1)[0] ?? 0,
    received: receivedBy(socket, tcp.int("copied_seq")),
    inqSeq: tcp.int("rcv_nxt") >>> 0,
    outqSeq: tcp.int("write_seq") >>> 0,
    mask:
      flag(1, "tstamp_ok", OPTION.TIMESTAMPS) | flag(3, "sack_ok", OPTION.SACK) | flag(1, "wscale_ok", OPTION.WSCALE),
    sndWscale: agreed.bits("snd_wscale", 4),
    mss: agreed.short("mss_clamp"),
    cookie: socket.long(common("skc_cookie")),
  };
}

/** What lies in its queue, in order; segments may begin with what came before. */
function receivedBy(socket: KernelObject, from: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let next = from >>> 0;
  for (const packet of packetsIn(socket, "sk_receive_queue")) {
    const sequence = packet.in("cb", "tcp_skb_cb").int("seq") >>> 0;
    const part = packetBytes(packet).subarray((next - sequence) >>> 0);
    parts.push(part);
    next = (next + part.length) >>> 0;
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** Those of a listener, in the order in which they would be accepted; undefined where nobody can look. */
export function foresee(listener: number): Foreseen[] | undefined {
  return lookInside((inside) => {
    const queue = inside.socket(listener).as("inet_connection_sock").in("icsk_accept_queue", "request_sock_queue");
    const found: Foreseen[] = [];
    let request = queue.to("rskq_accept_head", "request_sock");
    for (; request !== undefined && found.length < MOST; request = request.to("dl_next", "request_sock")) {
      const socket = request.to("sk", "sock");
      if (socket) found.push(connection(socket));
    }
    return found;
  });
}
