import { CrError, type Subject } from "../error.ts";
import type { FileDump, OpenFile } from "../file/kind.ts";
import { perRun } from "../file/per-run.ts";
import { FdTypes, type InetSkEntry } from "../image/schema.gen.ts";
import { POLL, pollNow } from "../kernel/fd.ts";
import { lookInside } from "../kernel/inside.ts";
import { type NetSocket, readNetSockets } from "../kernel/proc/net.ts";
import { byInode, type InetSocket, SockDiag } from "../kernel/sock-diag.ts";
import {
  getNumber,
  type InetAddress,
  ownAddress,
  parseInetAddress,
  peerAddress,
  tryGetOption,
} from "../kernel/socket.ts";
import { IPPROTO, IPV6, TCP, TCP_STATE, UDP } from "../kernel/uapi/inet.ts";
import { AF, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { atPlaceOf, checkAtPlaceOf, isAway, namespaceFields, perPlace } from "./elsewhere.ts";
import { FlowLabels, labelProblem } from "./flow-labels.ts";
import { addressWords, bytesOf, wordsOf } from "./inet-address.ts";
import { errorProblem, readErrors, TakenErrors } from "./inet-error.ts";
import { readIpOptions, type Surroundings } from "./inet-options.ts";
import { speaksTcp } from "./inet-protocol.ts";
import { dumpDatagrams, hasQueue } from "./inet-queue.ts";
import { interfaceName } from "./interface.ts";
import { MulticastGroups } from "./multicast.ts";
import type { Ends } from "./network-lock.ts";
import { filterProblem, readOptions } from "./options.ts";
import { whilePeeking } from "./peek-guard.ts";
import { groupProblem, readGroup } from "./reuse-group.ts";
import { kindOfSocket, type SocketKind } from "./socket-kind.ts";
import { connectionProblem, dumpConnections, isConnection, isSendingShut, rememberConnection } from "./tcp-dump.ts";
import { dumpEnded } from "./tcp-ended.ts";
import { keyProblem, readKeys } from "./tcp-md5.ts";
import { readTcpOptions } from "./tcp-options.ts";
import { pendingOf, rememberListener } from "./tcp-pending.ts";
import { readCorked } from "./udp-cork.ts";
import { Untold, wantsAlerts, warnOfUntold } from "./untold.ts";

const DATAGRAM_PROTOCOLS: ReadonlySet<number> = new Set([IPPROTO.UDP, IPPROTO.UDPLITE, IPPROTO.ICMP, IPPROTO.ICMPV6]);
const NAMES: Readonly<Record<number, string>> = {
  [IPPROTO.SCTP]: "an SCTP socket",
};

/** What an Internet socket is, as it says itself: no list of the kernel's is needed, so the namespace does not matter. */
interface State {
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  readonly state: number;
  readonly own: InetAddress;
  readonly peer: InetAddress | undefined;
  /** Listening: connections that wait, and how many may. */
  readonly waiting: number;
  readonly backlog: number;
}

const subjectOf = (file: OpenFile): Subject => ({ pid: file.pid, fd: file.fd, path: file.link });

/** Ends of connections: they keep them while they last. */
const connected = new WeakMap<OpenFile, Names>();

interface Names {
  readonly own: InetAddress;
  readonly peer: InetAddress | undefined;
}

function endsNow(file: OpenFile, { family }: SocketKind, isConnected: boolean): Names {
  const known = isConnected ? connected.get(file) : undefined;
  if (known) return known;
  const nowhere = { family, bytes: new Uint8Array(family === AF.INET6 ? 16 : 4), port: 0, scope: 0 };
  const own = parseInetAddress(ownAddress(file.dup)) ?? nowhere;
  const peer = parseInetAddress(peerAddress(file.dup) ?? new Uint8Array(0));
  if (isConnected && peer) connected.set(file, { own, peer });
  return { own, peer };
}

function stateOf(file: OpenFile): State {
  const fd = file.dup;
  const kind = kindOfSocket(file);
  const { family, type, protocol } = kind;
  const info = speaksTcp(protocol) ? tryGetOption(fd, SOL.TCP, TCP.INFO, 104) : -1;
  const { own, peer } = endsNow(file, kind, typeof info !== "number" && isConnection(info[0] ?? 0));
  if (typeof info === "number") {
    const state = peer ? TCP_STATE.ESTABLISHED : TCP_STATE.CLOSE;
    return { family, type, protocol, state, own, peer, waiting: 0, backlog: 0 };
  }
  // struct tcp_info: of a listener, tcpi_unacked and tcpi_sacked tell of its queue
  const view = new DataView(info.buffer, info.byteOffset, info.byteLength);
  const [state, listens] = [view.getUint8(0), view.getUint8(0) === TCP_STATE.LISTEN];
  const queue = listens
    ? { waiting: view.getUint32(24, true), backlog: view.getUint32(28, true) }
    : { waiting: 0, backlog: 0 };
  return { family, type, protocol, state, own, peer, ...queue };
}

/** May it be one of several at a port? A connection has its port alone. */
const canShare = ({ own, protocol, state }: State) =>
  own.port !== 0 && (!speaksTcp(protocol) || state === TCP_STATE.LISTEN);

/** What keeps a socket from being dumped. */
function problem(file: OpenFile, socket: State, dump: FileDump): CrError | undefined {
  const fail = (what: string, remedy: string) =>
    new CrError(what, { code: "UNSUPPORTED", subject: subjectOf(file), remedy });
  const close = "let the program close it before the dump";
  const filter = filterProblem(file.dup, subjectOf(file));
  if (filter) return filter;
  const chosen = canShare(socket) ? groupProblem(file.dup, dump, subjectOf(file)) : undefined;
  if (chosen) return chosen;
  const label = labelProblem(file.dup, socket, surroundings(dump).labels, subjectOf(file));
  if (label) return label;
  if (wantsAlerts(file.dup, socket) === true) {
    const remedy = "let the program take IPV6_ROUTER_ALERT off, or close the socket, before the dump";
    return fail("a raw IPv6 socket has a router alert (IPV6_ROUTER_ALERT) whose value nobody can read", remedy);
  }
  const isOver = speaksTcp(socket.protocol) && (socket.state === TCP_STATE.CLOSE || dump.options.tcpClose);
  const error = isOver ? undefined : errorProblem(file.dup, socket, subjectOf(file));
  if (error) return error;
  if (socket.type === SOCK.RAW) return undefined;
  if (speaksTcp(socket.protocol)) {
    const key = dump.options.tcpClose && isConnection(socket.state) ? undefined : keysProblem(file, socket, dump, fail);
    return key ?? tcpProblem(file, socket, dump, fail);
  }
  if (!DATAGRAM_PROTOCOLS.has(socket.protocol)) {
    return fail(`${NAMES[socket.protocol] ?? `a socket of protocol ${socket.protocol}`} cannot be dumped`, close);
  }
  const isCorked = (getNumber(file.dup, IPPROTO.UDP, UDP.CORK) ?? 0) !== 0;
  const corked = readCorked(file.dup, socket);
  // where nobody can look, packets may just be on their way
  if (corked === "unknown" && (isCorked || lookInside(() => true) === true)) {
    return fail("a corked UDP socket holds data that was not sent", "uncork the socket (UDP_CORK), then dump again");
  }
  return undefined;
}

function keysProblem(
  file: OpenFile,
  socket: State,
  dump: FileDump,
  fail: (what: string, remedy: string) => CrError,
): CrError | undefined {
  const row = () => rowOf(file, socket, dump);
  const found = keyProblem(file.dup, row, subjectOf(file));
  if (found || socket.waiting === 0 || readKeys(file.dup, row).length === 0) return found;
  const remedy = "let the server accept them, or drop them with --skip-in-flight";
  return dump.options.tcpSkipInFlight
    ? undefined
    : fail("connections with keys (TCP_MD5SIG) wait to be accepted", remedy);
}

function rowOf(file: OpenFile, { family }: State, dump: FileDump): InetSocket | undefined {
  let list = lists(dump).get(`${family}.keys`);
  if (list === undefined) {
    using diag = new SockDiag();
    list = byInode(diag.inet(family, IPPROTO.TCP, undefined, true));
    lists(dump).set(`${family}.keys`, list);
  }
  return list.get(file.stat.ino);
}

function tcpProblem(
  file: OpenFile,
  { protocol, state, own, peer, waiting }: State,
  dump: FileDump,
  fail: (what: string, remedy: string) => CrError,
): CrError | undefined {
  if (state === TCP_STATE.LISTEN) {
    const { tcpEstablished, tcpSkipInFlight } = dump.options;
    if (waiting === 0 || tcpSkipInFlight) return undefined;
    const isKept = tcpEstablished && protocol === IPPROTO.TCP && !isAway();
    if (isKept) return undefined;
    const what = `${waiting} connections to ${addressWords(own)} wait to be accepted`;
    return fail(what, "pass --tcp-established, let the server accept them, or drop them with --skip-in-flight");
  }
  if (!isConnection(state)) return undefined;
  const name = Object.entries(TCP_STATE).find(([, value]) => value === state)?.[0] ?? `state ${state}`;
  const words = `${addressWords(own)} -> ${peer ? addressWords(peer) : "unknown"} (${name})`;
  if (protocol === IPPROTO.MPTCP && !dump.options.tcpClose) {
    const remedy = "pass --tcp-close, or start the program without multipath TCP (GODEBUG=multipathtcp=0 for Go)";
    return fail(`the connection ${words} is of multipath TCP, which nobody can bring back`, remedy);
  }
  return connectionProblem(file, words, dump, subjectOf(file));
}

/**
 * Those in which `checkInet` has seen nothing wrong: in a tree that stands still only who calls may be others by now. What comes meanwhile on
 * connections is looked at behind the lock.
 */
const checked = perRun((_: FileDump) => new WeakSet<OpenFile>());

function lateProblem(file: OpenFile, socket: State, dump: FileDump): CrError | undefined {
  const fail = (what: string, remedy: string) =>
    new CrError(what, { code: "UNSUPPORTED", subject: subjectOf(file), remedy });
  return socket.state === TCP_STATE.LISTEN ? tcpProblem(file, socket, dump, fail) : undefined;
}

export function checkInet(file: OpenFile, dump: FileDump): void {
  checkAtPlaceOf(file, dump, () => {
    const found = problem(file, stateOf(file), dump);
    if (found) dump.blocker(found);
    else checked(dump).add(file);
  });
}

/** Lists of sock_diag by protocol and family, made on first use: nothing else tells how a UDP socket was shut down. */
const lists = perPlace((_: FileDump) => new Map<string, Map<number, InetSocket>>());

/** sk_shutdown of the images: 1 nothing more is read, 2 nothing more is sent. */
const SHUT_BOTH = 3;

function shutdownOf(file: OpenFile, socket: State, dump: FileDump): number {
  if (socket.state === TCP_STATE.LISTEN) return 0;
  const isShut = (pollNow(file.dup, POLL.RDHUP) & POLL.RDHUP) !== 0;
  if (socket.type === SOCK.RAW) return (pollNow(file.dup, POLL.HUP) & POLL.HUP) !== 0 ? SHUT_BOTH : isShut ? 1 : 0;
  if (!speaksTcp(socket.protocol)) return listOf(socket, dump).get(file.stat.ino)?.shutdown ?? (isShut ? 1 : 0);
  if (socket.state === TCP_STATE.CLOSE) return isShut ? SHUT_BOTH : 0;
  return (isShut ? 1 : 0) | (isSendingShut(socket.state) ? 2 : 0);
}

function listOf(socket: Pick<State, "family" | "protocol">, dump: FileDump): Map<number, InetSocket> {
  const key = `${socket.family}.${socket.protocol}`;
  let list = lists(dump).get(key);
  if (list === undefined) {
    using diag = new SockDiag();
    list = byInode(rowsOf(diag, socket));
    lists(dump).set(key, list);
  }
  return list;
}

/** None where the kernel has no such list (ping sockets). */
function rowsOf(diag: SockDiag, { family, protocol }: Pick<State, "family" | "protocol">): InetSocket[] {
  try {
    return diag.inet(family, protocol);
  } catch (error) {
    if (error instanceof CrError && error.code === "ENOENT") return [];
    throw error;
  }
}

/** Lists of /proc/net by name: raw sockets, and those that ping without being root. */
const netLists = perPlace((_: FileDump) => new Map<string, Map<number, NetSocket>>());

function netListOf({ family, type }: State, dump: FileDump): Map<number, NetSocket> {
  const name = `${type === SOCK.RAW ? "raw" : "icmp"}${family === AF.INET6 ? "6" : ""}`;
  let list = netLists(dump).get(name);
  if (list === undefined) {
    list = byInode(readNetSockets(name));
    netLists(dump).set(name, list);
  }
  return list;
}

/** A peer without a port is not told by getpeername(2): most raw sockets that are connected have one. */
function withPeer(socket: State, file: OpenFile, dump: FileDump): State {
  const { family, type, protocol } = socket;
  if (socket.peer !== undefined || speaksTcp(protocol)) return socket;
  const { ino } = file.stat;
  const isUdp = type === SOCK.DGRAM && (protocol === IPPROTO.UDP || protocol === IPPROTO.UDPLITE);
  const row = isUdp ? undefined : netListOf(socket, dump).get(ino);
  const listed = isUdp ? listOf(socket, dump).get(ino) : undefined;
  if ((row ?? listed)?.state !== TCP_STATE.ESTABLISHED) return socket;
  const bytes = row ? row.peer : bytesOf(listed?.dst ?? [], family);
  return { ...socket, state: TCP_STATE.ESTABLISHED, peer: { family, bytes, port: row?.peerPort ?? 0, scope: 0 } };
}

const surroundings = perPlace(
  (_: FileDump): Surroundings => ({ groups: new MulticastGroups(), labels: new FlowLabels(), outside: new Untold() }),
);

export function dumpInet(file: OpenFile, dump: FileDump): void {
  atPlaceOf(file, dump, () => dumpHere(file, dump));
}

function dumpHere(file: OpenFile, dump: FileDump): void {
  const met = stateOf(file);
  const found = checked(dump).has(file) ? lateProblem(file, met, dump) : problem(file, met, dump);
  if (found) throw found;
  const socket = withPeer(met, file, dump);
  const isLater = socket.protocol === IPPROTO.TCP && isConnection(socket.state) && !dump.options.tcpClose;
  const isWaitedFor = socket.state === TCP_STATE.LISTEN && socket.waiting > 0 && !dump.options.tcpSkipInFlight;
  if (isLater) rememberConnection(file, dump);
  else if (isWaitedFor) rememberListener(file, dump);
  else writeEntry(file, socket, dump);
}

/** Sockets whose datagrams are still to be read. */
const waiting = perRun((_: FileDump): OpenFile[] => []);

/** What waits until all descriptions are known: datagrams, and connections, which are locked and read together. */
export function dumpInetContents(dump: FileDump): void {
  const files = waiting(dump).splice(0);
  using errors = new TakenErrors();
  for (const file of files)
    atPlaceOf(file, dump, () => errors.add(file.dup, withPeer(stateOf(file), file, dump), subjectOf(file)));
  whilePeeking(
    files.map((file) => file.dup),
    dump,
    () => {
      for (const file of files) errors.without(file.dup, () => dumpDatagrams(file, dump));
    },
    errors.calls,
  );
  const withEnds = (file: OpenFile): State => {
    const socket = stateOf(file);
    return socket.peer ? socket : { ...socket, peer: listed(file, AF.INET, dump) ?? listed(file, AF.INET6, dump) };
  };
  const endsOf = (file: OpenFile): Ends | undefined => {
    const { own, peer } = connected.get(file) ?? withEnds(file);
    return peer && { own, peer };
  };
  dumpConnections(dump, endsOf, (file) => writeEntry(file, withEnds(file), dump));
}

/** The peer of a connection that is being made: only the kernel's list tells it. */
function listed(file: OpenFile, family: number, dump: FileDump): InetAddress | undefined {
  const socket = { family, protocol: IPPROTO.TCP };
  const row = listOf(socket, dump).get(file.stat.ino);
  return row && { family, bytes: bytesOf(row.dst, family), port: row.dstPort, scope: 0 };
}

/** TCP sockets that come back without a connection though they had one. */
function closedOf(socket: State, dump: FileDump): State {
  if (!speaksTcp(socket.protocol) || !isConnection(socket.state) || !dump.options.tcpClose) return socket;
  const own = { ...socket.own, bytes: new Uint8Array(socket.own.bytes.length), port: 0, scope: 0 };
  return { ...socket, state: TCP_STATE.CLOSE, own, peer: undefined };
}

function writeEntry(file: OpenFile, met: State, dump: FileDump): void {
  const socket = closedOf(met, dump);
  const { family, own, peer } = socket;
  const entry: InetSkEntry = {
    id: file.id,
    ino: file.stat.ino,
    family,
    type: socket.type,
    proto: socket.protocol,
    state: socket.state,
    src_port: own.port,
    dst_port: peer?.port ?? 0,
    flags: file.flags,
    backlog: socket.backlog,
    src_addr: wordsOf(own.bytes),
    dst_addr: wordsOf(peer?.bytes ?? new Uint8Array(own.bytes.length)),
    fown: file.fown,
    opts: readOptions(file.dup, family, subjectOf(file), socket),
    ip_opts: readIpOptions(file.dup, socket, surroundings(dump)),
    ...namespaceFields(dump),
    tscriu_pending: pendingOf(file, dump),
    ...readErrors(file.dup, socket),
    tscriu_md5: speaksTcp(socket.protocol) ? readKeys(file.dup, () => rowOf(file, socket, dump)) : [],
    tcp_opts: readTcpOptions(file.dup, socket),
  };
  warnOfUntold(file, socket, surroundings(dump).outside, dump);
  if (peer?.flow !== undefined) entry.tscriu_flowinfo = peer.flow;
  if (family === AF.INET6) entry.v6only = getNumber(file.dup, SOL.IPV6, IPV6.V6ONLY) === 1;
  const group = canShare(socket) ? readGroup(file.dup, dump) : undefined;
  if (group) entry.tscriu_group = group;
  const corked = readCorked(file.dup, socket);
  if (corked !== undefined && corked !== "unknown") {
    entry.tscriu_corked = corked.data;
    entry.tscriu_corked_to = corked.to;
  }
  const scope = own.scope || (peer?.scope ?? 0);
  const ifname = scope === 0 ? undefined : interfaceName(file.dup, scope);
  if (ifname !== undefined) entry.ifname = ifname;
  const shutdown = met === socket ? shutdownOf(file, socket, dump) : SHUT_BOTH;
  if (shutdown !== 0) entry.shutdown = shutdown as InetSkEntry["shutdown"];
  if (hasQueue(socket)) waiting(dump).push(file);
  else if (!speaksTcp(socket.protocol) && (pollNow(file.dup, POLL.IN) & POLL.IN) !== 0) {
    dump.log.warn(
      `packets that wait unread at ${addressWords(own)} are not kept (pid ${file.pid}, descriptor ${file.fd})`,
    );
  }
  if (met === socket && socket.protocol === IPPROTO.TCP && socket.state === TCP_STATE.CLOSE) dumpEnded(file, dump);
  dump.add({ type: FdTypes.INETSK, id: file.id, isk: entry });
}
