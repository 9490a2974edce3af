/** Types of values as nft knows them: their numbers, their sizes, and the words that stand for values. */

export interface DataType {
  /** TYPE_* of nft, by which it lists sets. */
  readonly id: number;
  /** Bytes. */
  readonly size: number;
  /** Of this machine; the others are in network order. */
  readonly isHost?: boolean;
  /** Several words, joined by commas, are bits of one value. */
  readonly isBits?: boolean;
  readonly words?: Readonly<Record<string, number>>;
  /** Names, padded by zeros. */
  readonly isName?: boolean;
}

const protocols = {
  ...{ ip: 0, icmp: 1, igmp: 2, tcp: 6, udp: 17, dccp: 33, ipv6: 41, gre: 47, esp: 50, ah: 51, "ipv6-icmp": 58 },
  ...{ icmpv6: 58, ospf: 89, pim: 103, vrrp: 112, comp: 108, ipcomp: 108, sctp: 132, udplite: 136 },
} as const;
const classes = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`cs${index}`, index * 8]));
const dscp = {
  ...{ ...classes, af11: 10, af12: 12, af13: 14, af21: 18, af22: 20, af23: 22, af31: 26, af32: 28, af33: 30 },
  ...{ af41: 34, af42: 36, af43: 38, va: 44, ef: 46, lephb: 1, be: 0, df: 0 },
};
const icmp = {
  ...{ "echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, redirect: 5, "echo-request": 8 },
  ...{ "router-advertisement": 9, "router-solicitation": 10, "time-exceeded": 11, "parameter-problem": 12 },
  ...{ "timestamp-request": 13, "timestamp-reply": 14, "info-request": 15, "info-reply": 16 },
  ...{ "address-mask-request": 17, "address-mask-reply": 18 },
};
const icmpv6 = {
  ...{ "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4 },
  ...{ "echo-request": 128, "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131 },
  ...{ "mld-listener-done": 132, "nd-router-solicit": 133, "nd-router-advert": 134, "nd-neighbor-solicit": 135 },
  ...{ "nd-neighbor-advert": 136, "nd-redirect": 137, "router-renumbering": 138, "ind-neighbor-solicit": 141 },
  ...{ "ind-neighbor-advert": 142, "mld2-listener-report": 143 },
};
const statuses = {
  ...{ expected: 1, "seen-reply": 2, assured: 4, confirmed: 8, snat: 16, dnat: 32, dying: 512 },
};
const scopes = {
  ...{ unspec: 0, unicast: 1, local: 2, broadcast: 3, anycast: 4, multicast: 5, blackhole: 6, unreachable: 7 },
  ...{ prohibit: 8 },
};
export const icmpCodes = {
  ...{ "net-unreachable": 0, "host-unreachable": 1, "prot-unreachable": 2, "port-unreachable": 3 },
  ...{ "frag-needed": 4, "net-prohibited": 9, "host-prohibited": 10, "admin-prohibited": 13 },
};
export const icmpv6Codes = {
  ...{ "no-route": 0, "admin-prohibited": 1, "addr-unreachable": 3, "port-unreachable": 4 },
  ...{ "policy-fail": 5, "reject-route": 6 },
};

export const TYPES = {
  nf_proto: { id: 2, size: 1, words: { ipv4: 2, ipv6: 10 } },
  integer: { id: 4, size: 4 },
  ipv4_addr: { id: 7, size: 4 },
  ipv6_addr: { id: 8, size: 16 },
  ether_addr: { id: 9, size: 6 },
  ether_type: { id: 10, size: 2, words: { ip: 0x800, arp: 0x806, ip6: 0x86dd, vlan: 0x8100 } },
  arp_op: {
    ...{ id: 11, size: 2 },
    words: { request: 1, reply: 2, rrequest: 3, rreply: 4, inrequest: 8, inreply: 9, nak: 10 },
  },
  inet_proto: { id: 12, size: 1, words: protocols },
  inet_service: { id: 13, size: 2 },
  icmp_type: { id: 14, size: 1, words: icmp },
  tcp_flag: {
    ...{ id: 15, size: 1, isBits: true },
    words: { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ecn: 64, cwr: 128 },
  },
  mark: { id: 19, size: 4, isHost: true },
  iface_index: { id: 20, size: 4, isHost: true },
  uid: { id: 24, size: 4, isHost: true },
  gid: { id: 25, size: 4, isHost: true },
  ct_state: {
    ...{ id: 26, size: 4, isHost: true, isBits: true },
    words: { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 },
  },
  ct_dir: { id: 27, size: 1, words: { original: 0, reply: 1 } },
  ct_status: { id: 28, size: 4, isHost: true, isBits: true, words: statuses },
  icmpv6_type: { id: 29, size: 1, words: icmpv6 },
  pkt_type: { id: 31, size: 1, words: { host: 0, unicast: 0, broadcast: 1, multicast: 2, other: 3 } },
  icmp_code: { id: 32, size: 1, words: icmpCodes },
  icmpv6_code: { id: 33, size: 1, words: icmpv6Codes },
  devgroup: { id: 35, size: 4, isHost: true, words: { default: 0 } },
  dscp: { id: 36, size: 1, words: dscp },
  ecn: { id: 37, size: 1, words: { "not-ect": 0, ect1: 1, ect0: 2, ce: 3 } },
  fib_addrtype: { id: 38, size: 4, isHost: true, words: scopes },
  boolean: { id: 39, size: 4, isHost: true, words: { exists: 1, missing: 0 } },
  ifname: { id: 41, size: 16, isName: true },
  helper: { id: 5, size: 16, isName: true },
  /** Numbers of this machine. */
  number: { id: 4, size: 4, isHost: true },
  number2: { id: 4, size: 2, isHost: true },
  number8: { id: 4, size: 8, isHost: true },
  word1: { id: 4, size: 1 },
  word2: { id: 4, size: 2 },
} as const satisfies Readonly<Record<string, DataType>>;

export type TypeName = keyof typeof TYPES;

export function typeNamed(name: string): DataType | undefined {
  return (TYPES as Readonly<Record<string, DataType>>)[name];
}

/** @param bits of those that are not whole bytes, the highest ones of the value count */
export function bytesOf(value: bigint, size: number, isHost: boolean): Uint8Array {
  const bytes = new Uint8Array(size);
  let left = value;
  for (let i = 0; i < size; i++) {
    bytes[isHost ? i : size - 1 - i] = Number(left & 0xffn);
    left >>= 8n;
  }
  return bytes;
}

export function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Registers are of 32 bits: what a part of a joined key takes. */
export const padded = (size: number): number => Math.ceil(size / 4) * 4;
