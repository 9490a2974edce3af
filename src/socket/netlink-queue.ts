/**
 * What waits in a netlink socket. We look into the kernel for it: a peek shows the first message alone. What another program has
 * sent to it is sent again. What the kernel answered nobody can send but the kernel. Of what it tells all who listen, whoever
 * listens may miss some when too much comes, and is told so (ENOBUFS): so it is told.
 */
import { CrError, type Subject } from "../error.ts";
import type { NetlinkSkEntry, TscriuNetlinkMessage } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, POLL, pollNow } from "../kernel/fd.ts";
import { lookInside } from "../kernel/inside.ts";
import { NR } from "../kernel/nr.ts";
import { getNumber, makeSocket, tryBind, trySetNumber } from "../kernel/socket.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { AF, MSG, NETLINK, NETLINK_OPT, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";

const EADDRINUSE = -(ERRNO.EADDRINUSE ?? 98);
/** RTNLGRP_NOP2: a group of NETLINK_ROUTE to which the kernel sends nothing. */
const IDLE_GROUP = 14;
/** A message that everybody skips (NLMSG_NOOP), and takes the least receive buffer that there is. */
const NOOP = 1;
const NOOP_SIZE = 2048;
const LEAST = 1;
const TRIES = 64;

interface Waiting extends TscriuNetlinkMessage {
  /** It went to a group of sockets: its number, else 0. */
  readonly group: number;
}

/** The messages; undefined where nobody can look, or one lies elsewhere in the kernel's memory. */
function messagesIn(fd: number): Waiting[] | undefined {
  return lookInside((inside) => {
    const packets = inside.socket(fd).list("sk_receive_queue", "sk_buff", "next");
    const found = packets.map((packet): Waiting | undefined => {
      if (packet.int("data_len") !== 0) return undefined;
      const parameters = packet.in("cb", "netlink_skb_parms");
      return {
        port: parameters.int("portid") >>> 0,
        group: parameters.int("dst_group"),
        data: inside.bytes(packet.long("data"), packet.int("len")),
      };
    });
    return found.every((one) => one !== undefined) ? found : undefined;
  });
}

export interface NetlinkQueue {
  readonly messages: TscriuNetlinkMessage[];
  /** Its next call is told that it has missed something. */
  readonly missed: boolean;
}

/** What waits in a socket; undefined when it cannot be kept. */
export function readNetlinkQueue(fd: number, protocol: number): NetlinkQueue | undefined {
  const state = pollNow(fd, POLL.IN);
  const missed = protocol === NETLINK.ROUTE && (state & POLL.ERR) !== 0;
  if ((state & POLL.IN) === 0) return { messages: [], missed };
  const all = messagesIn(fd);
  if (all === undefined) return undefined;
  const told = all.filter(({ group }) => group !== 0);
  if (told.length > 0)
    return protocol === NETLINK.ROUTE && told.length === all.length ? { messages: [], missed: true } : undefined;
  const isFromKernel = all.some(({ port }) => port === 0);
  // who sent it would be another one
  const showsSender = getNumber(fd, SOL.SOCKET, SO.PASSCRED) === 1;
  if (isFromKernel || showsSender) return undefined;
  return { messages: all.map(({ port, data }) => ({ port, data })), missed };
}

/** struct sockaddr_nl. */
export function netlinkAddress(port: number, groups: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(12));
  view.setUint16(0, AF.NETLINK, true);
  view.setUint32(4, port, true);
  view.setUint32(8, groups, true);
  return new Uint8Array(view.buffer);
}

function send(fd: number, bytes: Uint8Array, to: Uint8Array): number {
  return sys(NR.sendto, fd, addressOf(bytes), bytes.length, MSG.DONTWAIT, addressOf(to), to.length);
}

/** Makes a fresh socket of NETLINK_ROUTE, which is in no group yet, miss something. One message stays that says nothing. */
export function missSomething(fd: number, subject: Subject): void {
  const what = "cannot tell a netlink socket that it has missed something";
  const sender = makeSocket(AF.NETLINK, SOCK.RAW, NETLINK.ROUTE, subject);
  try {
    const noop = new Uint8Array(NOOP_SIZE);
    const view = new DataView(noop.buffer);
    view.setUint32(0, noop.length, true);
    view.setUint16(4, NOOP, true);
    trySetNumber(fd, SOL.SOCKET, SO.RCVBUF, LEAST);
    check(trySetNumber(fd, SOL.NETLINK, NETLINK_OPT.ADD_MEMBERSHIP, IDLE_GROUP), what, subject);
    for (let tries = 0; tries < TRIES && (pollNow(fd, POLL.IN) & POLL.ERR) === 0; tries++)
      check(send(sender, noop, netlinkAddress(0, 1 << (IDLE_GROUP - 1))), what, subject);
    check(trySetNumber(fd, SOL.NETLINK, NETLINK_OPT.DROP_MEMBERSHIP, IDLE_GROUP), what, subject);
  } finally {
    closeFd(sender);
  }
}

/**
 * Sends to a socket what waited in it.
 * @param senderAt a socket of the tree with this port, which sends it
 */
export function refill(entry: NetlinkSkEntry, senderAt: (port: number) => number | undefined): void {
  for (const { port, data } of entry.tscriu_messages) {
    const subject = { file: entry.id, protocol: entry.protocol, port };
    const known = senderAt(port);
    const sender = known ?? makeSocket(AF.NETLINK, SOCK.RAW, entry.protocol, subject);
    try {
      const bound = known === undefined ? tryBind(sender, netlinkAddress(port, 0)) : 0;
      if (bound === EADDRINUSE)
        throw new CrError(`the netlink port ${port}, from which a message came, is in use`, {
          code: "EADDRINUSE",
          subject,
          remedy: "end the program that uses it: often the process with that pid",
        });
      check(bound, "cannot bind a netlink socket", subject);
      const sent = send(sender, data, netlinkAddress(entry.portid, 0));
      check(sent, "cannot put a message into a netlink socket", subject);
    } finally {
      if (known === undefined) closeFd(sender);
    }
  }
}
