import { encodeMessage, Fields, type NetlinkMessage, NetlinkSocket } from "./netlink.ts";
import { NR } from "./nr.ts";
import type { Call } from "./standby.ts";
import { AF } from "./uapi/socket.ts";

const NETLINK_SOCK_DIAG = 4;
// linux/sock_diag.h
const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
const ALL_STATES = 0xffff_ffff;

/** Memory of a socket in bytes (SK_MEMINFO_*), as SO_MEMINFO tells it. */
export interface SocketMemory {
  readonly rmemAlloc: number;
  readonly rcvbuf: number;
  readonly wmemAlloc: number;
  readonly sndbuf: number;
}

function memoryOf(value: Uint8Array | undefined): SocketMemory | undefined {
  if (value === undefined) return undefined;
  const [rmemAlloc = 0, rcvbuf = 0, wmemAlloc = 0, sndbuf = 0] = new Fields(value, "socket memory").u32s(0, 4);
  return { rmemAlloc, rcvbuf, wmemAlloc, sndbuf };
}

function u32Of(value: Uint8Array | undefined): number | undefined {
  return value === undefined ? undefined : new Fields(value).u32();
}

function u8Of(value: Uint8Array | undefined): number | undefined {
  return value === undefined ? undefined : new Fields(value).u8();
}

/** A unix socket (linux/unix_diag.h). */
export interface UnixSocket {
  /** Inode on sockfs: what `socket:[N]` shows. */
  readonly ino: number;
  /** SOCK_* */
  readonly type: number;
  /** TCP_STATE: ESTABLISHED when connected, LISTEN, else CLOSE. */
  readonly state: number;
  readonly cookie: bigint;
  /** Bound name as the kernel keeps it: a path with its NUL at the end, an abstract name with one at the beginning. */
  readonly name: Uint8Array | undefined;
  /** The bound file. The inode's number is cut to 32 bits; the device is major << 20 | minor. */
  readonly vfs: { readonly ino: number; readonly dev: number } | undefined;
  /** Inode of the peer; 0 for one that is closed already, undefined when it never had one. */
  readonly peer: number | undefined;
  /** Of a listening socket: inodes of those who wait to be accepted; 0 for one that is closed already. */
  readonly icons: readonly number[];
  /** Listening: connections that wait, and how many may. Else bytes to be read and bytes written. */
  readonly rqueue: number;
  readonly wqueue: number;
  readonly memory: SocketMemory | undefined;
  /** 1 receiving is shut, 2 sending is shut. */
  readonly shutdown: number;
  readonly uid: number | undefined;
}

/** An IPv4 or IPv6 socket (linux/inet_diag.h). */
export interface InetSocket {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  /** IPPROTO_* that it was asked for by. */
  readonly protocol: number;
  /** TCP_STATE. */
  readonly state: number;
  /** Host order; for raw sockets `srcPort` is the protocol. */
  readonly srcPort: number;
  readonly dstPort: number;
  /** One or four words as they lie in memory, network byte order: as images keep addresses. */
  readonly src: readonly number[];
  readonly dst: readonly number[];
  /** Index of the device that it is bound to; 0 for none. */
  readonly ifindex: number;
  readonly cookie: bigint;
  /** Bytes; of a listening TCP socket: connections that wait, and how many may. */
  readonly rqueue: number;
  readonly wqueue: number;
  readonly uid: number;
  /** 0 where no descriptor belongs to it: TIME_WAIT, not accepted yet. */
  readonly ino: number;
  /** 1 receiving is shut, 2 sending is shut. */
  readonly shutdown: number | undefined;
  /** IPV6_V6ONLY; undefined for IPv4. */
  readonly v6only: boolean | undefined;
  /** Congestion control of a TCP socket. */
  readonly congestion: string | undefined;
  /** SO_MARK; told to CAP_NET_ADMIN alone. */
  readonly mark: number | undefined;
  /** What a TCP socket signs its segments with (TCP_MD5SIG), by the addresses of peers; told to CAP_NET_ADMIN alone. */
  readonly keys: readonly { readonly address: Uint8Array; readonly prefix: number; readonly key: Uint8Array }[];
  readonly memory: SocketMemory | undefined;
}

/** One multicast or promiscuous membership of a packet socket. */
export interface PacketMembership {
  readonly index: number;
  readonly count: number;
  /** PACKET_MR_* */
  readonly type: number;
  readonly address: Uint8Array;
}

export interface PacketRing {
  readonly blockSize: number;
  readonly blockNr: number;
  readonly frameSize: number;
  readonly frameNr: number;
  readonly retireTimeout: number;
  readonly sizeofPrivate: number;
  readonly features: number;
}

/** A packet socket (linux/packet_diag.h). */
export interface PacketSocket {
  readonly ino: number;
  readonly type: number;
  /** ETH_P_*, host order. */
  readonly protocol: number;
  readonly cookie: bigint;
  readonly ifindex: number;
  readonly version: number;
  readonly reserve: number;
  readonly copyThreshold: number;
  readonly timestamp: number;
  /** PDI_* bits: 1 running, 2 auxdata, 4 origdev, 8 vnet header, 16 loss. */
  readonly flags: number;
  readonly memberships: readonly PacketMembership[];
  readonly rxRing: PacketRing | undefined;
  readonly txRing: PacketRing | undefined;
  /** Group in the low half, type and flags in the high one. */
  readonly fanout: number | undefined;
  readonly uid: number | undefined;
  readonly memory: SocketMemory | undefined;
}

/** A netlink socket (linux/netlink_diag.h). */
export interface NetlinkDiagSocket {
  readonly ino: number;
  readonly type: number;
  /** NETLINK_* */
  readonly protocol: number;
  /** 1 when connected. */
  readonly state: number;
  readonly port: number;
  readonly dstPort: number;
  readonly dstGroup: number;
  readonly cookie: bigint;
  /** Bits of the groups that it listens to, 32 in each word. */
  readonly groups: readonly number[];
  /** NDIAG_FLAG_* bits; undefined on kernels that do not tell them. */
  readonly flags: number | undefined;
  readonly memory: SocketMemory | undefined;
}

/** The first 8 or 12 bytes of every request: family, protocol, states or inode, what to show. */
function request(
  size: number,
  family: number,
  protocol: number,
  words: readonly (readonly [number, number])[],
): Uint8Array {
  const view = new DataView(new ArrayBuffer(size));
  view.setUint8(0, family);
  view.setUint8(1, protocol);
  for (const [at, value] of words) view.setUint32(at, value, true);
  return new Uint8Array(view.buffer);
}

function parseUnix({ payload }: NetlinkMessage): UnixSocket {
  const head = new Fields(payload, "unix_diag_msg");
  const attributes = head.attributes(16);
  const [NAME, VFS, PEER, ICONS, RQLEN, MEMINFO, SHUTDOWN, UID] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
  const vfs = attributes.get(VFS);
  const icons = attributes.get(ICONS);
  const queue = attributes.get(RQLEN);
  return {
    type: head.u8(1),
    state: head.u8(2),
    ino: head.u32(4),
    cookie: head.u64(8),
    name: attributes.get(NAME)?.slice(),
    vfs: vfs && { ino: new Fields(vfs).u32(0), dev: new Fields(vfs).u32(4) },
    peer: u32Of(attributes.get(PEER)),
    icons: icons ? new Fields(icons).u32s() : [],
    rqueue: queue ? new Fields(queue).u32(0) : 0,
    wqueue: queue ? new Fields(queue).u32(4) : 0,
    memory: memoryOf(attributes.get(MEMINFO)),
    shutdown: u8Of(attributes.get(SHUTDOWN)) ?? 0,
    uid: u32Of(attributes.get(UID)),
  };
}

function keysOf(value: Uint8Array | undefined): InetSocket["keys"] {
  const SIZE = 100;
  return Array.from({ length: Math.floor((value?.length ?? 0) / SIZE) }, (_, i) => {
    const fields = new Fields(value?.subarray(i * SIZE) ?? new Uint8Array(), "tcp_diag_md5sig");
    const key = fields.slice(20, Math.min(fields.u16(2), 80)).slice();
    return { address: fields.slice(4, fields.u8(0) === AF.INET6 ? 16 : 4).slice(), prefix: fields.u8(1), key };
  });
}

function parseInet({ payload }: NetlinkMessage, protocol: number): InetSocket {
  const head = new Fields(payload, "inet_diag_msg");
  const attributes = head.attributes(72);
  const [CONG, SKMEMINFO, SHUTDOWN, V6ONLY, MARK, MD5SIG] = [4, 7, 8, 11, 15, 18] as const;
  const family = head.u8(0);
  const words = family === AF.INET6 ? 4 : 1;
  const v6only = u8Of(attributes.get(V6ONLY));
  const congestion = attributes.get(CONG);
  return {
    family,
    protocol,
    state: head.u8(1),
    srcPort: head.be16(4),
    dstPort: head.be16(6),
    src: head.u32s(8, words),
    dst: head.u32s(24, words),
    ifindex: head.u32(40),
    cookie: head.u64(44),
    rqueue: head.u32(56),
    wqueue: head.u32(60),
    uid: head.u32(64),
    ino: head.u32(68),
    shutdown: u8Of(attributes.get(SHUTDOWN)),
    v6only: v6only === undefined ? undefined : v6only !== 0,
    congestion: congestion && new Fields(congestion).text(),
    mark: u32Of(attributes.get(MARK)),
    keys: keysOf(attributes.get(MD5SIG)),
    memory: memoryOf(attributes.get(SKMEMINFO)),
  };
}

function membershipsOf(value: Uint8Array | undefined): PacketMembership[] {
  const SIZE = 44;
  const memberships: PacketMembership[] = [];
  for (let at = 0; value && at < value.length; at += SIZE) {
    const fields = new Fields(value.subarray(at), "packet_diag_mclist");
    const length = Math.min(fields.u16(10), 32);
    memberships.push({
      index: fields.u32(0),
      count: fields.u32(4),
      type: fields.u16(8),
      address: fields.slice(12, 32).subarray(0, length),
    });
  }
  return memberships;
}

function ringOf(value: Uint8Array | undefined): PacketRing | undefined {
  if (value === undefined) return undefined;
  const [blockSize = 0, blockNr = 0, frameSize = 0, frameNr = 0, retireTimeout = 0, sizeofPrivate = 0, features = 0] =
    new Fields(value, "packet_diag_ring").u32s(0, 7);
  return { blockSize, blockNr, frameSize, frameNr, retireTimeout, sizeofPrivate, features };
}

function parsePacket({ payload }: NetlinkMessage): PacketSocket {
  const head = new Fields(payload, "packet_diag_msg");
  const attributes = head.attributes(16);
  const [INFO, MCLIST, RX_RING, TX_RING, FANOUT, UID, MEMINFO] = [0, 1, 2, 3, 4, 5, 6] as const;
  const [ifindex = 0, version = 0, reserve = 0, copyThreshold = 0, timestamp = 0, flags = 0] = new Fields(
    attributes.get(INFO) ?? new Uint8Array(24),
    "packet_diag_info",
  ).u32s(0, 6);
  return {
    type: head.u8(1),
    protocol: head.u16(2),
    ino: head.u32(4),
    cookie: head.u64(8),
    ifindex,
    version,
    reserve,
    copyThreshold,
    timestamp,
    flags,
    memberships: membershipsOf(attributes.get(MCLIST)),
    rxRing: ringOf(attributes.get(RX_RING)),
    txRing: ringOf(attributes.get(TX_RING)),
    fanout: u32Of(attributes.get(FANOUT)),
    uid: u32Of(attributes.get(UID)),
    memory: memoryOf(attributes.get(MEMINFO)),
  };
}

function parseNetlink({ payload }: NetlinkMessage): NetlinkDiagSocket {
  const head = new Fields(payload, "netlink_diag_msg");
  const attributes = head.attributes(28);
  const [MEMINFO, GROUPS, FLAGS] = [0, 1, 4] as const;
  const groups = attributes.get(GROUPS);
  return {
    type: head.u8(1),
    protocol: head.u8(2),
    state: head.u8(3),
    port: head.u32(4),
    dstPort: head.u32(8),
    dstGroup: head.u32(12),
    ino: head.u32(16),
    cookie: head.u64(20),
    groups: groups ? new Fields(groups).u32s() : [],
    flags: u32Of(attributes.get(FLAGS)),
    memory: memoryOf(attributes.get(MEMINFO)),
  };
}

/** How the kernel finds a socket. */
type InetName = Pick<InetSocket, "family" | "protocol" | "srcPort" | "dstPort" | "src" | "dst" | "ifindex" | "cookie">;
const NLM_F_REQUEST = 1;

/**
 * All sockets of one network namespace, by kind (sock_diag(7)). Every method throws CrError ENOENT where the kernel was
 * built without the diagnosis of that kind (CONFIG_UNIX_DIAG, CONFIG_INET_DIAG, …).
 */
export class SockDiag implements Disposable {
  private readonly link: NetlinkSocket;

  /** @param fd a socket of AF_NETLINK, NETLINK_SOCK_DIAG made in the namespace in question; left out: our own namespace */
  constructor(fd?: number) {
    this.link = new NetlinkSocket(NETLINK_SOCK_DIAG, fd);
  }

  [Symbol.dispose](): void {
    this.link[Symbol.dispose]();
  }

  unix(): UnixSocket[] {
    const SHOW_EVERYTHING = 0x7f;
    const wanted = request(24, AF.UNIX, 0, [
      [4, ALL_STATES],
      [12, SHOW_EVERYTHING],
    ]);
    return this.link.dump("cannot list unix sockets", SOCK_DIAG_BY_FAMILY, wanted).map(parseUnix);
  }

  /**
   * @param family AF_INET or AF_INET6
   * @param protocol IPPROTO_TCP, UDP, UDPLITE, RAW or ICMP
   * @param states bits numbered by TCP_STATE
   * @param withKeys the kernel tells keys only to who asks for all that it tells of TCP
   */
  inet(family: number, protocol: number, states = ALL_STATES, withKeys = false): InetSocket[] {
    // INET_DIAG_CONG, SKMEMINFO and SHUTDOWN, and INFO, as bits from number 1 on
    const EXTENSIONS = (1 << 3) | (1 << 6) | (1 << 7);
    const wanted = request(56, family, protocol, [[4, states]]);
    wanted[2] = withKeys ? EXTENSIONS | (1 << 1) : EXTENSIONS;
    const rows = this.link.dump("cannot list inet sockets", SOCK_DIAG_BY_FAMILY, wanted, { family, protocol });
    return rows.map((row) => parseInet(row, protocol));
  }

  /** Ends a socket that was listed. Errors: CrError EOPNOTSUPP where the kernel cannot (CONFIG_INET_DIAG_DESTROY). */
  destroy(socket: InetSocket): void {
    const { srcPort, dstPort } = socket;
    this.link.request("cannot end a socket", SOCK_DESTROY, this.#named(socket), 0, { srcPort, dstPort });
  }

  /** The call that ends a socket, whatever becomes of it, to be made while this is there. */
  destroyCall(socket: InetName): Call {
    const payload = this.#named(socket);
    const message = encodeMessage({ type: SOCK_DESTROY, flags: NLM_F_REQUEST, sequence: 0, port: 0, payload });
    return { nr: NR.sendto, args: [this.link.fd, message, message.length, 0, 0, 0] };
  }

  #named({ family, protocol, srcPort, dstPort, src, dst, ifindex, cookie }: InetName): Uint8Array {
    const wanted = request(56, family, protocol, [[4, ALL_STATES]]);
    const view = new DataView(wanted.buffer, wanted.byteOffset, wanted.byteLength);
    view.setUint16(8, srcPort);
    view.setUint16(10, dstPort);
    src.forEach((word, i) => {
      view.setUint32(12 + 4 * i, word, true);
    });
    dst.forEach((word, i) => {
      view.setUint32(28 + 4 * i, word, true);
    });
    view.setUint32(44, ifindex, true);
    view.setBigUint64(48, cookie, true);
    return wanted;
  }

  packet(): PacketSocket[] {
    const SHOW_EVERYTHING = 0x3f;
    const wanted = request(20, AF.PACKET, 0, [[8, SHOW_EVERYTHING]]);
    return this.link.dump("cannot list packet sockets", SOCK_DIAG_BY_FAMILY, wanted).map(parsePacket);
  }

  /** @param protocol NETLINK_*; left out: all of them */
  netlink(protocol = 0xff): NetlinkDiagSocket[] {
    const MEMINFO_GROUPS_FLAGS = 0xb;
    const wanted = request(20, AF.NETLINK, protocol, [[8, MEMINFO_GROUPS_FLAGS]]);
    return this.link.dump("cannot list netlink sockets", SOCK_DIAG_BY_FAMILY, wanted).map(parseNetlink);
  }
}

/** Rows by inode; those without one are left out. */
export function byInode<Row extends { readonly ino: number }>(rows: readonly Row[]): Map<number, Row> {
  return new Map(rows.filter((row) => row.ino !== 0).map((row) => [row.ino, row]));
}
