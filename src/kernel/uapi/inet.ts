// linux/in.h, linux/in6.h, linux/tcp.h, linux/udp.h, net/tcp_states.h

/** Protocols. */
export const IPPROTO = {
  IP: 0,
  ICMP: 1,
  IGMP: 2,
  TCP: 6,
  UDP: 17,
  IPV6: 41,
  ICMPV6: 58,
  SCTP: 132,
  UDPLITE: 136,
  RAW: 255,
  MPTCP: 262,
} as const;

/** Options of level SOL_IP (ip(7)). */
export const IP = {
  TOS: 1,
  TTL: 2,
  HDRINCL: 3,
  OPTIONS: 4,
  ROUTER_ALERT: 5,
  RECVOPTS: 6,
  RETOPTS: 7,
  PKTINFO: 8,
  PKTOPTIONS: 9,
  MTU_DISCOVER: 10,
  RECVERR: 11,
  RECVTTL: 12,
  RECVTOS: 13,
  MTU: 14,
  FREEBIND: 15,
  XFRM_POLICY: 17,
  PASSSEC: 18,
  TRANSPARENT: 19,
  RECVORIGDSTADDR: 20,
  MINTTL: 21,
  NODEFRAG: 22,
  CHECKSUM: 23,
  BIND_ADDRESS_NO_PORT: 24,
  RECVFRAGSIZE: 25,
  RECVERR_RFC4884: 26,
  MULTICAST_IF: 32,
  MULTICAST_TTL: 33,
  MULTICAST_LOOP: 34,
  ADD_MEMBERSHIP: 35,
  DROP_MEMBERSHIP: 36,
  ADD_SOURCE_MEMBERSHIP: 39,
  DROP_SOURCE_MEMBERSHIP: 40,
  MSFILTER: 41,
  MULTICAST_ALL: 49,
  UNICAST_IF: 50,
  LOCAL_PORT_RANGE: 51,
  PROTOCOL: 52,
} as const;

/** Options of level SOL_IPV6 (ipv6(7)). */
export const IPV6 = {
  ADDRFORM: 1,
  "2292PKTINFO": 2,
  "2292HOPOPTS": 3,
  "2292DSTOPTS": 4,
  "2292RTHDR": 5,
  CHECKSUM: 7,
  "2292HOPLIMIT": 8,
  FLOWINFO: 11,
  UNICAST_HOPS: 16,
  MULTICAST_IF: 17,
  MULTICAST_HOPS: 18,
  MULTICAST_LOOP: 19,
  JOIN_GROUP: 20,
  LEAVE_GROUP: 21,
  ROUTER_ALERT: 22,
  MTU_DISCOVER: 23,
  MTU: 24,
  RECVERR: 25,
  V6ONLY: 26,
  JOIN_ANYCAST: 27,
  LEAVE_ANYCAST: 28,
  MULTICAST_ALL: 29,
  ROUTER_ALERT_ISOLATE: 30,
  RECVERR_RFC4884: 31,
  FLOWLABEL_MGR: 32,
  FLOWINFO_SEND: 33,
  XFRM_POLICY: 35,
  HDRINCL: 36,
  RECVPKTINFO: 49,
  PKTINFO: 50,
  RECVHOPLIMIT: 51,
  HOPLIMIT: 52,
  RECVHOPOPTS: 53,
  HOPOPTS: 54,
  RTHDRDSTOPTS: 55,
  RECVRTHDR: 56,
  RTHDR: 57,
  RECVDSTOPTS: 58,
  DSTOPTS: 59,
  RECVPATHMTU: 60,
  PATHMTU: 61,
  DONTFRAG: 62,
  RECVTCLASS: 66,
  TCLASS: 67,
  AUTOFLOWLABEL: 70,
  ADDR_PREFERENCES: 72,
  MINHOPCOUNT: 73,
  RECVORIGDSTADDR: 74,
  TRANSPARENT: 75,
  UNICAST_IF: 76,
  RECVFRAGSIZE: 77,
  FREEBIND: 78,
} as const;

/** Membership in multicast groups, at level SOL_IP and SOL_IPV6 (RFC 3678). */
export const MCAST = {
  JOIN_GROUP: 42,
  BLOCK_SOURCE: 43,
  JOIN_SOURCE_GROUP: 46,
  MSFILTER: 48,
} as const;

/** Options of level SOL_TCP (tcp(7)). */
export const TCP = {
  NODELAY: 1,
  MAXSEG: 2,
  CORK: 3,
  KEEPIDLE: 4,
  KEEPINTVL: 5,
  KEEPCNT: 6,
  SYNCNT: 7,
  LINGER2: 8,
  DEFER_ACCEPT: 9,
  WINDOW_CLAMP: 10,
  INFO: 11,
  QUICKACK: 12,
  CONGESTION: 13,
  MD5SIG: 14,
  THIN_LINEAR_TIMEOUTS: 16,
  THIN_DUPACK: 17,
  USER_TIMEOUT: 18,
  REPAIR: 19,
  REPAIR_QUEUE: 20,
  QUEUE_SEQ: 21,
  REPAIR_OPTIONS: 22,
  FASTOPEN: 23,
  TIMESTAMP: 24,
  NOTSENT_LOWAT: 25,
  CC_INFO: 26,
  SAVE_SYN: 27,
  SAVED_SYN: 28,
  REPAIR_WINDOW: 29,
  FASTOPEN_CONNECT: 30,
  ULP: 31,
  MD5SIG_EXT: 32,
  FASTOPEN_KEY: 33,
  FASTOPEN_NO_COOKIE: 34,
  ZEROCOPY_RECEIVE: 35,
  INQ: 36,
  TX_DELAY: 37,
  AO_INFO: 40,
  RTO_MAX_MS: 44,
  RTO_MIN_US: 45,
  DELACK_MAX_US: 46,
} as const;

/** Values of TCP_REPAIR. */
export const TCP_REPAIR = {
  OFF: 0,
  ON: 1,
  OFF_NO_WP: -1,
} as const;

/** Values of TCP_REPAIR_QUEUE. */
export const TCP_QUEUE = {
  NONE: 0,
  RECV: 1,
  SEND: 2,
} as const;

/** Kinds of TCP options, for TCP_REPAIR_OPTIONS. */
export const TCPOPT = {
  EOL: 0,
  NOP: 1,
  MAXSEG: 2,
  WINDOW: 3,
  SACK_PERMITTED: 4,
  SACK: 5,
  TIMESTAMP: 8,
} as const;

/** States, as sock_diag and TCP_INFO tell them; unconnected UDP sockets are CLOSE. */
export const TCP_STATE = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT1: 4,
  FIN_WAIT2: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
  NEW_SYN_RECV: 12,
} as const;

/** Options of raw sockets of ICMP: level SOL_RAW for IPv4, SOL_ICMPV6 for IPv6. */
export const ICMP_FILTER = 1;

/** Options of level SOL_UDP (the number of the protocol). */
export const UDP = {
  CORK: 1,
  ENCAP: 100,
  NO_CHECK6_TX: 101,
  NO_CHECK6_RX: 102,
  SEGMENT: 103,
  GRO: 104,
} as const;

/** Options of UDP-Lite. */
export const UDPLITE = {
  SEND_CSCOV: 10,
  RECV_CSCOV: 11,
} as const;

/** Flow labels of IPv6 sockets (linux/in6.h): what is asked for, how, and who may use one besides (255 is anybody). */
export const IPV6_FL = {
  A_GET: 0,
  A_RENEW: 2,
  F_CREATE: 1,
  F_REFLECT: 4,
  S_EXCL: 1,
  S_PROCESS: 2,
  S_USER: 3,
  S_ANY: 255,
} as const;
