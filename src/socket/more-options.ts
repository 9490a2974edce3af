/**
 * Options that CRIU's images do not keep. Only what is not as in a fresh socket is kept, so that a socket with nothing special
 * has nothing special in its images, and gets what is usual where it comes back.
 */
import type { Subject } from "../error.ts";
import type { TscriuOption } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { getNumber, tryGetOption, trySetNumber, trySetOption } from "../kernel/socket.ts";
import { check, sys } from "../kernel/sys.ts";
import { IP, IPPROTO, IPV6, UDP, UDPLITE } from "../kernel/uapi/inet.ts";
import { AF, NETLINK_OPT, PACKET, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { readKind, type SocketKind } from "./socket-kind.ts";

/** An option, and how errors call it. */
export interface Known {
  readonly level: number;
  readonly name: number;
  readonly words: string;
  /** Bytes at most of what is no int; 0 for an int. */
  readonly size: number;
}

/** Options of a level, by the words that their names have behind the prefix. */
export function known(
  level: number,
  prefix: string,
  names: Readonly<Record<string, number>>,
  words: string,
  sizes: Readonly<Record<string, number>> = {},
): Known[] {
  return words.split(" ").map((word) => ({
    level,
    name: names[word] ?? 0,
    words: `${prefix}_${word}`,
    size: sizes[word] ?? 0,
  }));
}

/** In the order in which they are set: those that exclude each other have the same effect in any. */
const SOCKET = known(
  SOL.SOCKET,
  "SO",
  SO,
  "DEBUG TIMESTAMP TIMESTAMPNS TIMESTAMP_NEW TIMESTAMPNS_NEW TIMESTAMPING TIMESTAMPING_NEW RXQ_OVFL WIFI_STATUS NOFCS " +
    "SELECT_ERR_QUEUE BUSY_POLL PREFER_BUSY_POLL MAX_PACING_RATE ZEROCOPY TXTIME TXREHASH RCVMARK RCVPRIORITY LOCK_FILTER " +
    "RESERVE_MEM",
  { TIMESTAMPING: 8, TIMESTAMPING_NEW: 8, MAX_PACING_RATE: 8, TXTIME: 8 },
);

const FOUR = known(
  SOL.IP,
  "IP",
  IP,
  "OPTIONS RECVOPTS RETOPTS MTU_DISCOVER RECVERR RECVTTL RECVTOS PASSSEC TRANSPARENT MINTTL RECVORIGDSTADDR " +
    "BIND_ADDRESS_NO_PORT RECVFRAGSIZE RECVERR_RFC4884 MULTICAST_IF MULTICAST_TTL MULTICAST_LOOP MULTICAST_ALL UNICAST_IF " +
    "LOCAL_PORT_RANGE CHECKSUM",
  { OPTIONS: 40, MULTICAST_IF: 4 },
);

/** What packets of IPv4 get from a socket of IPv6: sockets of IPv4 have these in fields of their own. */
const MAPPED = known(SOL.IP, "IP", IP, "TOS TTL PKTINFO");

const SIX = known(
  SOL.IPV6,
  "IPV6",
  IPV6,
  "2292PKTINFO 2292HOPOPTS 2292DSTOPTS 2292RTHDR 2292HOPLIMIT FLOWINFO UNICAST_HOPS MULTICAST_IF MULTICAST_HOPS " +
    "MULTICAST_LOOP MTU_DISCOVER RECVERR MULTICAST_ALL RECVERR_RFC4884 FLOWINFO_SEND RECVHOPLIMIT RECVHOPOPTS HOPOPTS " +
    "RTHDRDSTOPTS RECVRTHDR RTHDR RECVDSTOPTS DSTOPTS RECVPATHMTU DONTFRAG RECVTCLASS TCLASS AUTOFLOWLABEL " +
    "ADDR_PREFERENCES MINHOPCOUNT RECVORIGDSTADDR TRANSPARENT UNICAST_IF RECVFRAGSIZE ROUTER_ALERT_ISOLATE",
  { HOPOPTS: 2048, RTHDRDSTOPTS: 2048, RTHDR: 2048, DSTOPTS: 2048 },
);

/** The kernel fills these in where it accepts a connection, and lets nobody else set them on a stream. */
const NOT_OF_STREAMS: ReadonlySet<string> = new Set([
  "IP_MULTICAST_IF",
  "IP_MULTICAST_TTL",
  "IPV6_MULTICAST_IF",
  "IPV6_MULTICAST_HOPS",
]);

/** Where a queue is peeked. */
const PEEK = known(SOL.SOCKET, "SO", SO, "PEEK_OFF");
const DATAGRAMS = [...known(IPPROTO.UDP, "UDP", UDP, "CORK ENCAP NO_CHECK6_TX NO_CHECK6_RX SEGMENT GRO"), ...PEEK];
const LITE = [...known(IPPROTO.UDPLITE, "UDPLITE", UDPLITE, "SEND_CSCOV RECV_CSCOV"), ...DATAGRAMS];
const RAW = known(SOL.IP, "IP", IP, "ROUTER_ALERT");
/** Where the checksum of a raw socket's packets lies; -1 for nowhere. */
const CHECKSUM = known(SOL.RAW, "IPV6", IPV6, "CHECKSUM");

const NETLINK = known(
  SOL.NETLINK,
  "NETLINK",
  NETLINK_OPT,
  "PKTINFO BROADCAST_ERROR NO_ENOBUFS LISTEN_ALL_NSID CAP_ACK EXT_ACK GET_STRICT_CHK",
);

const CAPTURE = known(SOL.PACKET, "PACKET", PACKET, "VNET_HDR_SZ QDISC_BYPASS IGNORE_OUTGOING TX_HAS_OFF");

function protocolOptions({ family, type, protocol }: SocketKind): readonly Known[] {
  if (family === AF.NETLINK) return NETLINK;
  if (family === AF.PACKET) return CAPTURE;
  if (family !== AF.INET && family !== AF.INET6) return [];
  const all = family === AF.INET6 ? [...SIX, ...MAPPED, ...FOUR] : [...FOUR];
  if (type === SOCK.STREAM) return all.filter(({ words }) => !NOT_OF_STREAMS.has(words));
  if (type === SOCK.RAW && family === AF.INET) return [...all, ...RAW];
  if (type === SOCK.RAW) return protocol === IPPROTO.ICMPV6 ? all : [...all, ...CHECKSUM];
  if (protocol === IPPROTO.UDP) return [...all, ...DATAGRAMS];
  return protocol === IPPROTO.UDPLITE ? [...all, ...LITE] : all;
}

function read(fd: number, option: Known): number | Uint8Array | undefined {
  if (option.size === 0) return getNumber(fd, option.level, option.name);
  const value = tryGetOption(fd, option.level, option.name, option.size);
  return typeof value === "number" ? undefined : value;
}

function isSame(a: number | Uint8Array | undefined, b: number | Uint8Array | undefined): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b;
}

type Values = readonly (number | Uint8Array | undefined)[];

/** What fresh sockets of a kind have: of this kernel, and so the same for as long as we live. */
const usual = new Map<string, Values>();

function usualOf(kind: SocketKind, group: string, options: readonly Known[]): Values {
  const key = [kind.family, kind.type, kind.protocol, group].join(".");
  let values = usual.get(key);
  if (values === undefined) {
    values = fresh(kind, options);
    usual.set(key, values);
  }
  return values;
}

/** Where a socket of the kind may not be made (ping sockets), one of UDP has the same. */
function fresh({ family, type, protocol }: SocketKind, options: readonly Known[]): Values {
  let fd = sys(NR.socket, family, type | SOCK.CLOEXEC, protocol);
  if (fd < 0) fd = sys(NR.socket, family, SOCK.DGRAM | SOCK.CLOEXEC, 0);
  if (fd < 0) return [];
  try {
    return options.map((option) => read(fd, option));
  } finally {
    closeFd(fd);
  }
}

/** Those that are not as in a fresh socket. @param group names the list of options */
export function differing(
  fd: number,
  group: string,
  options: readonly Known[],
  kind: SocketKind = readKind(fd),
): TscriuOption[] {
  const before = usualOf(kind, group, options);
  return options.flatMap((option, i) => {
    const value = read(fd, option);
    if (value === undefined || isSame(value, before[i])) return [];
    const place = { name: option.name, level: option.level };
    return [typeof value === "number" ? { ...place, value } : { ...place, data: value.slice() }];
  });
}

/** Options of SOL_SOCKET. */
export function readSocketOptions(fd: number, kind?: SocketKind): TscriuOption[] {
  return differing(fd, "socket", SOCKET, kind);
}

/** Options of the levels below: IP, IPv6, UDP, netlink, packets. */
export function readProtocolOptions(fd: number, kind: SocketKind = readKind(fd)): TscriuOption[] {
  return differing(fd, "protocol", protocolOptions(kind), kind);
}

const EVERY = [
  ...SOCKET,
  ...FOUR,
  ...MAPPED,
  ...SIX,
  ...DATAGRAMS,
  ...LITE,
  ...RAW,
  ...CHECKSUM,
  ...NETLINK,
  ...CAPTURE,
];

/** Sets what was kept, but for what is so already. */
export function applyMoreOptions(fd: number, options: readonly TscriuOption[], subject: Subject): void {
  applyKnown(fd, options, EVERY, subject);
}

/** The same for options of a list. */
export function applyKnown(
  fd: number,
  options: readonly TscriuOption[],
  list: readonly Known[],
  subject: Subject,
): void {
  for (const { level = SOL.SOCKET, name, value, data } of options) {
    const option = list.find((one) => one.level === level && one.name === name);
    const words = option?.words ?? `option ${name} of level ${level}`;
    if (option !== undefined && isSame(read(fd, option), data ?? value)) continue;
    const result = data ? trySetOption(fd, level, name, data) : trySetNumber(fd, level, name, value ?? 0);
    check(result, `cannot set ${words} of a socket`, subject);
  }
}
