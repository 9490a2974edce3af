import { CrError, type Subject } from "../error.ts";
import type { FileRestore } from "../file/kind.ts";
import { holderWords, outsideHolders } from "../file/outside.ts";
import { perRun } from "../file/per-run.ts";
import type { InetSkEntry } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { SockDiag } from "../kernel/sock-diag.ts";
import {
  type InetAddress,
  inetAddress,
  makeSocket,
  tryBind,
  tryConnect,
  trySetNumber,
  tryShutdown,
} from "../kernel/socket.ts";
import { check, sys } from "../kernel/sys.ts";
import { IPPROTO, TCP_STATE } from "../kernel/uapi/inet.ts";
import { AF, SHUT, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { flowOf } from "./flow-labels.ts";
import { addressWords, bytesOf } from "./inet-address.ts";
import { feedErrors, restoreError } from "./inet-error.ts";
import { applyBeforeBind, applyBeforeQueue, applyIpOptions, setFreebind } from "./inet-options.ts";
import { speaksTcp } from "./inet-protocol.ts";
import { feedDatagrams, hasQueue } from "./inet-queue.ts";
import { interfaceIndex } from "./interface.ts";
import { applyOptions, attachFilter, bindToDevice } from "./options.ts";
import { unlockEnded } from "./others-lock.ts";
import { restoreProgram } from "./reuse-group.ts";
import { reviveEnded } from "./tcp-ended.ts";
import { restoreKeys } from "./tcp-md5.ts";
import { applyTcpOptions } from "./tcp-options.ts";
import { forgetConnections, isTcpConnection, restorePending, reviveConnection } from "./tcp-restore.ts";
import { corkAgain } from "./udp-cork.ts";

const EADDRINUSE = -(ERRNO.EADDRINUSE ?? 98);
const EADDRNOTAVAIL = -(ERRNO.EADDRNOTAVAIL ?? 99);
const ENOTCONN = -(ERRNO.ENOTCONN ?? 107);

/** How many sockets of the images have a port of a protocol: those that share one must all allow it. */
const ports = perRun((restore: FileRestore) => {
  const counts = new Map<string, number>();
  for (const { isk } of restore.entries.values()) {
    if (isk && isk.src_port !== 0) counts.set(portKey(isk), (counts.get(portKey(isk)) ?? 0) + 1);
  }
  return counts;
});

/** Files whose connection is over already, and that are shut down by that. */
const ended = perRun((_: FileRestore) => new Set<number>());

const portKey = (entry: InetSkEntry) => `${entry.proto}:${entry.src_port}`;

function addressOf(words: readonly number[], port: number, entry: InetSkEntry, scope = 0): InetAddress {
  return { family: entry.family, bytes: bytesOf(words, entry.family), port, scope };
}

/** Link-local addresses mean something on one interface only. */
function scopeOf(fd: number, entry: InetSkEntry): number {
  if (entry.ifname === undefined) return 0;
  const index = interfaceIndex(fd, entry.ifname);
  if (index !== undefined) return index;
  throw new CrError("the network interface of a socket is not there", {
    code: "ENODEV",
    subject: { file: entry.id, interface: entry.ifname },
    remedy: `make the network interface ${entry.ifname} first`,
  });
}

function subjectOf(entry: InetSkEntry): Subject {
  const own = addressOf(entry.src_addr, entry.src_port, entry);
  const protocol =
    Object.entries(IPPROTO).find(([, number]) => number === entry.proto)?.[0] ?? `protocol ${entry.proto}`;
  return { file: entry.id, socket: `${protocol} ${addressWords(own)}` };
}

function make({ family, type, proto }: InetSkEntry, subject: Subject): number {
  try {
    return makeSocket(family, type, proto, subject);
  } catch (error) {
    const isPing = type === SOCK.DGRAM && (proto === IPPROTO.ICMP || proto === IPPROTO.ICMPV6);
    if (!(isPing && error instanceof CrError && error.code === "EACCES")) throw error;
    const remedy = "let group 0 have such sockets: sysctl net.ipv4.ping_group_range='0 2147483647'";
    throw new CrError("this machine lets nobody have a ping socket", { code: error.code, subject, remedy });
  }
}

export function openInet(entry: InetSkEntry, restore: FileRestore): void {
  const subject = subjectOf(entry);
  const fd = make(entry, subject);
  try {
    if (hasQueue({ type: entry.type, protocol: entry.proto })) {
      applyBeforeQueue(fd, entry, subject);
      feedDatagrams(fd, entry, addressOf(entry.src_addr, entry.src_port, entry, scopeOf(fd, entry)), restore);
      feedErrors(fd, entry, restore);
    }
    bindToDevice(fd, entry.opts, subject);
    if (entry.type === SOCK.RAW) attachFilter(fd, entry.opts.so_filter, subject);
    applyBeforeBind(fd, entry, subject);
    restoreKeys(fd, entry, subject);
    unlockEnded(entry, restore);
    if (isTcpConnection(entry)) {
      if (restore.options.tcpClose) forgetConnections(restore);
      else reviveConnection(fd, entry, scopeOf(fd, entry), restore);
    } else if (isEnded(entry) && reviveEnded(fd, entry, scopeOf(fd, entry), restore)) {
      ended(restore).add(entry.id);
    } else if (entry.tscriu_group === undefined) settle(fd, entry, restore, subject);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  restore.put(entry.id, fd);
  restore.applyFown(fd, entry.fown, entry.flags);
}

/** To the place where it was: its address, who comes, its peer. */
function settle(fd: number, entry: InetSkEntry, restore: FileRestore, subject: Subject): void {
  if (entry.src_port !== 0 || entry.src_addr.some((word) => word !== 0)) bind(fd, entry, restore, subject);
  if (entry.state === TCP_STATE.LISTEN) listen(fd, entry, subject);
  else if (isConnected(entry)) connect(fd, entry, subject);
}

/** One that shares its port: they come there one after the other, in the order in which they were. */
export function joinGroup(entry: InetSkEntry, restore: FileRestore): void {
  if (entry.tscriu_group) settle(restore.descriptor(entry.id), entry, restore, subjectOf(entry));
}

function endsOf(fd: number, entry: InetSkEntry) {
  const scope = scopeOf(fd, entry);
  const own = addressOf(entry.src_addr, entry.src_port, entry, scope);
  return { own, peer: addressOf(entry.dst_addr, entry.dst_port, entry, scope), scope };
}

/** Of those that need nobody for it. A peer without a port is one, too. */
function isConnected({ proto, state, dst_port }: InetSkEntry): boolean {
  return !speaksTcp(proto) && (state === TCP_STATE.ESTABLISHED || dst_port !== 0);
}

/** A TCP socket whose connection is over. */
function isEnded({ proto, state, shutdown }: InetSkEntry): boolean {
  return proto === IPPROTO.TCP && state === TCP_STATE.CLOSE && (shutdown ?? 0) !== 0;
}

function bind(fd: number, entry: InetSkEntry, restore: FileRestore, subject: Subject): void {
  const shared = (ports(restore).get(portKey(entry)) ?? 0) > 1;
  // What remains of old connections (TIME_WAIT) must not be in the way. `finishInet` puts both back.
  if (entry.opts.reuseaddr || shared || speaksTcp(entry.proto)) trySetNumber(fd, SOL.SOCKET, SO.REUSEADDR, 1);
  if (entry.opts.so_reuseport || shared) trySetNumber(fd, SOL.SOCKET, SO.REUSEPORT, 1);
  const address = addressOf(entry.src_addr, entry.src_port, entry, scopeOf(fd, entry));
  let result = tryBind(fd, inetAddress(address));
  if (result === EADDRNOTAVAIL && !entry.ip_opts?.freebind) {
    restore.log.warn(
      `this machine does not have the address ${addressWords(address)}: the socket is bound to it all the same`,
    );
    setFreebind(fd, entry.family, true, subject);
    result = tryBind(fd, inetAddress(address));
  }
  if (result === EADDRINUSE && speaksTcp(entry.proto) && endRemains(entry)) result = tryBind(fd, inetAddress(address));
  checkTaken(result, entry, address, "cannot bind a socket", subject);
}

/** Ends what is left of connections from a port (TIME_WAIT): where they did not allow it, nobody can bind to that again. */
function endRemains(entry: InetSkEntry): boolean {
  using diag = new SockDiag();
  const rows = [AF.INET, AF.INET6].flatMap((family) => diag.inet(family, IPPROTO.TCP, 1 << TCP_STATE.TIME_WAIT));
  const remains = rows.filter(({ srcPort }) => srcPort === entry.src_port);
  try {
    for (const one of remains) diag.destroy(one);
  } catch (error) {
    // without CONFIG_INET_DIAG_DESTROY: the error that follows says to wait
    if (!(error instanceof CrError)) throw error;
  }
  return remains.length > 0;
}

function listen(fd: number, entry: InetSkEntry, subject: Subject): void {
  const address = addressOf(entry.src_addr, entry.src_port, entry);
  checkTaken(sys(NR.listen, fd, entry.backlog), entry, address, "cannot make a socket listen", subject);
}

function checkTaken(result: number, entry: InetSkEntry, address: InetAddress, what: string, subject: Subject): void {
  if (result !== EADDRINUSE) check(result, `${what} to ${addressWords(address)}`, subject);
  else throw taken(entry, address);
}

function taken(entry: InetSkEntry, address: InetAddress): CrError {
  using diag = new SockDiag();
  const rows = [AF.INET, AF.INET6].flatMap((family) => diag.inet(family, entry.proto));
  const links = new Set(
    rows.filter((row) => row.srcPort === entry.src_port && row.ino !== 0).map((row) => `socket:[${row.ino}]`),
  );
  const holders = [...outsideHolders(links, []).values()].flat();
  const who = holders.length > 0 ? `, by ${holderWords(holders)}` : "";
  return new CrError(`the address ${addressWords(address)} is in use${who}`, {
    code: "EADDRINUSE",
    subject: subjectOf(entry),
    remedy: "end whoever uses the address, or wait until its connections are gone, then restore again",
  });
}

function connect(fd: number, entry: InetSkEntry, subject: Subject): void {
  const peer = addressOf(entry.dst_addr, entry.dst_port, entry, scopeOf(fd, entry));
  check(
    tryConnect(fd, inetAddress({ ...peer, flow: flowOf(entry) })),
    `cannot connect a socket to ${addressWords(peer)}`,
    subject,
  );
}

/** What must wait until all sockets are bound. */
export function finishInet(entry: InetSkEntry, restore: FileRestore): void {
  const fd = restore.descriptor(entry.id);
  const subject = subjectOf(entry);
  applyIpOptions(fd, entry, subject);
  applyTcpOptions(fd, entry, subject);
  applyOptions(fd, entry.opts, subject);
  restoreProgram(fd, entry, subject);
  restoreError(fd, entry, endsOf(fd, entry), restore);
  corkAgain(fd, entry, subject);
  if (entry.tscriu_pending.length > 0) restorePending(fd, entry, scopeOf(fd, entry), restore);
  const how = howOf(entry, restore);
  if (how === undefined) return;
  // The kernel shuts unconnected sockets down too, and says ENOTCONN.
  const result = tryShutdown(fd, how);
  if (result !== ENOTCONN) check(result, "cannot shut a socket down", subject);
}

/** Ends that a connection has are there already, but for a reader that wants no more. */
function howOf(entry: InetSkEntry, restore: FileRestore): number | undefined {
  const shutdown = entry.shutdown ?? 0;
  if (ended(restore).has(entry.id)) return undefined;
  if (!isTcpConnection(entry)) return [undefined, SHUT.RD, SHUT.WR, SHUT.RDWR][shutdown];
  if (restore.options.tcpClose) return SHUT.RDWR;
  return shutdown & 1 && entry.state !== TCP_STATE.SYN_SENT ? SHUT.RD : undefined;
}
