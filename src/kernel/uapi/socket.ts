// linux/socket.h, asm-generic/socket.h, linux/net.h, linux/if_packet.h

/** Address families. */
export const AF = {
  UNSPEC: 0,
  UNIX: 1,
  INET: 2,
  INET6: 10,
  NETLINK: 16,
  PACKET: 17,
  CAN: 29,
  ALG: 38,
  VSOCK: 40,
  XDP: 44,
} as const;

/** Socket types, and the flags that go with them. */
export const SOCK = {
  STREAM: 1,
  DGRAM: 2,
  RAW: 3,
  RDM: 4,
  SEQPACKET: 5,
  DCCP: 6,
  PACKET: 0xa,
  NONBLOCK: 0x800,
  CLOEXEC: 0x80000,
} as const;

/** Levels of setsockopt(2). */
export const SOL = {
  IP: 0,
  SOCKET: 1,
  TCP: 6,
  IPV6: 41,
  ICMPV6: 58,
  RAW: 255,
  PACKET: 263,
  NETLINK: 270,
  TLS: 282,
  ALG: 279,
  XDP: 283,
  MPTCP: 284,
} as const;

/** Options of level SOL_SOCKET (socket(7)). */
export const SO = {
  DEBUG: 1,
  REUSEADDR: 2,
  TYPE: 3,
  ERROR: 4,
  DONTROUTE: 5,
  BROADCAST: 6,
  SNDBUF: 7,
  RCVBUF: 8,
  KEEPALIVE: 9,
  OOBINLINE: 10,
  NO_CHECK: 11,
  PRIORITY: 12,
  LINGER: 13,
  BSDCOMPAT: 14,
  REUSEPORT: 15,
  PASSCRED: 16,
  PEERCRED: 17,
  RCVLOWAT: 18,
  SNDLOWAT: 19,
  RCVTIMEO: 20,
  SNDTIMEO: 21,
  BINDTODEVICE: 25,
  ATTACH_FILTER: 26,
  GET_FILTER: 26,
  DETACH_FILTER: 27,
  PEERNAME: 28,
  TIMESTAMP: 29,
  ACCEPTCONN: 30,
  PEERSEC: 31,
  SNDBUFFORCE: 32,
  RCVBUFFORCE: 33,
  PASSSEC: 34,
  TIMESTAMPNS: 35,
  MARK: 36,
  TIMESTAMPING: 37,
  PROTOCOL: 38,
  DOMAIN: 39,
  RXQ_OVFL: 40,
  WIFI_STATUS: 41,
  PEEK_OFF: 42,
  NOFCS: 43,
  LOCK_FILTER: 44,
  SELECT_ERR_QUEUE: 45,
  BUSY_POLL: 46,
  MAX_PACING_RATE: 47,
  BPF_EXTENSIONS: 48,
  INCOMING_CPU: 49,
  ATTACH_BPF: 50,
  ATTACH_REUSEPORT_CBPF: 51,
  ATTACH_REUSEPORT_EBPF: 52,
  CNX_ADVICE: 53,
  MEMINFO: 55,
  INCOMING_NAPI_ID: 56,
  COOKIE: 57,
  PEERGROUPS: 59,
  ZEROCOPY: 60,
  TXTIME: 61,
  BINDTOIFINDEX: 62,
  TIMESTAMP_NEW: 63,
  TIMESTAMPNS_NEW: 64,
  TIMESTAMPING_NEW: 65,
  RCVTIMEO_NEW: 66,
  SNDTIMEO_NEW: 67,
  DETACH_REUSEPORT_BPF: 68,
  PREFER_BUSY_POLL: 69,
  BUSY_POLL_BUDGET: 70,
  NETNS_COOKIE: 71,
  BUF_LOCK: 72,
  RESERVE_MEM: 73,
  TXREHASH: 74,
  RCVMARK: 75,
  PASSPIDFD: 76,
  PEERPIDFD: 77,
  RCVPRIORITY: 82,
  PASSRIGHTS: 83,
  INQ: 84,
} as const;

/** Ancillary messages of SOL_SOCKET. */
export const SCM = {
  RIGHTS: 1,
  CREDENTIALS: 2,
  SECURITY: 3,
  PIDFD: 4,
} as const;

/** Flags of sendmsg(2) and recvmsg(2). */
export const MSG = {
  OOB: 1,
  PEEK: 2,
  DONTROUTE: 4,
  CTRUNC: 8,
  TRUNC: 0x20,
  DONTWAIT: 0x40,
  EOR: 0x80,
  WAITALL: 0x100,
  CONFIRM: 0x800,
  ERRQUEUE: 0x2000,
  NOSIGNAL: 0x4000,
  MORE: 0x8000,
  WAITFORONE: 0x10000,
  ZEROCOPY: 0x4000000,
  FASTOPEN: 0x20000000,
  CMSG_CLOEXEC: 0x40000000,
} as const;

/** How shutdown(2) shuts. */
export const SHUT = {
  RD: 0,
  WR: 1,
  RDWR: 2,
} as const;

/** Values of SO_BUF_LOCK. */
export const SOCK_BUF_LOCK = {
  SNDBUF_LOCK: 1,
  RCVBUF_LOCK: 2,
} as const;

/** Options of level SOL_PACKET (packet(7)). */
export const PACKET = {
  ADD_MEMBERSHIP: 1,
  DROP_MEMBERSHIP: 2,
  RECV_OUTPUT: 3,
  RX_RING: 5,
  STATISTICS: 6,
  COPY_THRESH: 7,
  AUXDATA: 8,
  ORIGDEV: 9,
  VERSION: 10,
  HDRLEN: 11,
  RESERVE: 12,
  TX_RING: 13,
  LOSS: 14,
  VNET_HDR: 15,
  TX_TIMESTAMP: 16,
  TIMESTAMP: 17,
  FANOUT: 18,
  TX_HAS_OFF: 19,
  QDISC_BYPASS: 20,
  ROLLOVER_STATS: 21,
  FANOUT_DATA: 22,
  IGNORE_OUTGOING: 23,
  VNET_HDR_SZ: 24,
} as const;

/** Netlink protocols. */
export const NETLINK = {
  ROUTE: 0,
  USERSOCK: 2,
  FIREWALL: 3,
  SOCK_DIAG: 4,
  NFLOG: 5,
  XFRM: 6,
  SELINUX: 7,
  ISCSI: 8,
  AUDIT: 9,
  FIB_LOOKUP: 10,
  CONNECTOR: 11,
  NETFILTER: 12,
  KOBJECT_UEVENT: 15,
  GENERIC: 16,
  SCSITRANSPORT: 18,
  ECRYPTFS: 19,
  RDMA: 20,
  CRYPTO: 21,
  SMC: 22,
} as const;

/** Options of level SOL_NETLINK (netlink(7)). */
export const NETLINK_OPT = {
  ADD_MEMBERSHIP: 1,
  DROP_MEMBERSHIP: 2,
  PKTINFO: 3,
  BROADCAST_ERROR: 4,
  NO_ENOBUFS: 5,
  LISTEN_ALL_NSID: 8,
  LIST_MEMBERSHIPS: 9,
  CAP_ACK: 10,
  EXT_ACK: 11,
  GET_STRICT_CHK: 12,
} as const;
