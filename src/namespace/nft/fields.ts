/** What rules look at: fields of packets, and what the kernel knows about a packet or its connection. */
import { NFTA } from "../../kernel/uapi/nft-expressions.ts";
import { type Expression, simple } from "./build.ts";
import type { Reader } from "./reader.ts";
import { readRoute, readTcpOption } from "./tcp-options.ts";
import { type DataType, TYPES, type TypeName } from "./types.ts";

/** What a packet must be for a field to be there. */
export interface Needs {
  readonly network?: "ip" | "ip6" | "arp";
  readonly transport?: number;
  readonly isEther?: boolean;
}

export interface Selector {
  readonly type: DataType;
  /** Bytes that are loaded; of those that are no whole bytes the bits that count. */
  readonly size: number;
  readonly mask?: bigint;
  readonly shift: number;
  readonly needs: Needs;
  /** What a single value of it says about the packet. */
  readonly tells?: "network" | "transport";
  /** Attributes of the statement that sets it, where one does. */
  readonly setter?: (register: number) => Expression;
  load(register: number): Expression;
}

/** Bits before a field, its bits, its type. */
type Field = readonly [at: number, bits: number, type: TypeName];
interface Header {
  readonly base: number;
  readonly needs: Needs;
  readonly fields: Readonly<Record<string, Field>>;
}

const [LINK, NETWORK, TRANSPORT] = [0, 1, 2];
const ports: Record<"sport" | "dport", Field> = { sport: [0, 16, "inet_service"], dport: [16, 16, "inet_service"] };
const checked = (length: number, check: number): Record<"length" | "checksum", Field> => ({
  length: [length, 16, "word2"],
  checksum: [check, 16, "word2"],
});

export const HEADERS: Readonly<Record<string, Header>> = {
  ether: {
    base: LINK,
    needs: { isEther: true },
    fields: { daddr: [0, 48, "ether_addr"], saddr: [48, 48, "ether_addr"], type: [96, 16, "ether_type"] },
  },
  ip: {
    base: NETWORK,
    needs: { network: "ip" },
    fields: {
      ...{ version: [0, 4, "word1"], hdrlength: [4, 4, "word1"], dscp: [8, 6, "dscp"], ecn: [14, 2, "ecn"] },
      ...{ length: [16, 16, "word2"], id: [32, 16, "word2"], "frag-off": [48, 16, "word2"], ttl: [64, 8, "word1"] },
      ...{ protocol: [72, 8, "inet_proto"], checksum: [80, 16, "word2"] },
      ...{ saddr: [96, 32, "ipv4_addr"], daddr: [128, 32, "ipv4_addr"] },
    },
  },
  ip6: {
    base: NETWORK,
    needs: { network: "ip6" },
    fields: {
      ...{ version: [0, 4, "word1"], dscp: [4, 6, "dscp"], ecn: [10, 2, "ecn"], length: [32, 16, "word2"] },
      ...{ nexthdr: [48, 8, "inet_proto"], hoplimit: [56, 8, "word1"] },
      ...{ saddr: [64, 128, "ipv6_addr"], daddr: [192, 128, "ipv6_addr"] },
    },
  },
  arp: {
    base: NETWORK,
    needs: { network: "arp" },
    fields: {
      ...{ htype: [0, 16, "word2"], ptype: [16, 16, "ether_type"], hlen: [32, 8, "word1"], plen: [40, 8, "word1"] },
      operation: [48, 16, "arp_op"],
    },
  },
  tcp: {
    base: TRANSPORT,
    needs: { transport: 6 },
    fields: {
      ...{ ...ports, sequence: [32, 32, "integer"], ackseq: [64, 32, "integer"], doff: [96, 4, "word1"] },
      ...{ flags: [104, 8, "tcp_flag"], window: [112, 16, "word2"], checksum: [128, 16, "word2"] },
      urgptr: [144, 16, "word2"],
    },
  },
  udp: { base: TRANSPORT, needs: { transport: 17 }, fields: { ...ports, ...checked(32, 48) } },
  udplite: { base: TRANSPORT, needs: { transport: 136 }, fields: { ...ports, checksum: [48, 16, "word2"] } },
  sctp: { base: TRANSPORT, needs: { transport: 132 }, fields: { ...ports, vtag: [32, 32, "integer"] } },
  dccp: { base: TRANSPORT, needs: { transport: 33 }, fields: ports },
  th: { base: TRANSPORT, needs: {}, fields: ports },
  esp: { base: TRANSPORT, needs: { transport: 50 }, fields: { spi: [0, 32, "integer"] } },
  icmp: {
    base: TRANSPORT,
    needs: { network: "ip", transport: 1 },
    fields: { type: [0, 8, "icmp_type"], code: [8, 8, "icmp_code"] },
  },
  icmpv6: {
    base: TRANSPORT,
    needs: { network: "ip6", transport: 58 },
    fields: { type: [0, 8, "icmpv6_type"], code: [8, 8, "icmpv6_code"] },
  },
};

export const META: Readonly<Record<string, readonly [key: number, type: TypeName, tells?: Selector["tells"]]>> = {
  ...{ length: [0, "number"], protocol: [1, "ether_type", "network"], mark: [3, "mark"], iif: [4, "iface_index"] },
  ...{ oif: [5, "iface_index"], iifname: [6, "ifname"], oifname: [7, "ifname"], skuid: [10, "uid"] },
  ...{ skgid: [11, "gid"], iiftype: [8, "number2"], nftrace: [12, "word1"], nfproto: [15, "nf_proto", "network"] },
  ...{ l4proto: [16, "inet_proto", "transport"], ibrname: [17, "ifname"], obrname: [18, "ifname"] },
  ...{ pkttype: [19, "pkt_type"], cpu: [20, "number"], iifgroup: [21, "devgroup"], oifgroup: [22, "devgroup"] },
  cgroup: [23, "number"],
};
/** They stand without the word "meta" as well. */
const ALONE = ["iif", "oif", "iifname", "oifname", "iifgroup", "oifgroup"] as const;

export const CT: Readonly<Record<string, readonly [key: number, type: TypeName]>> = {
  ...{ state: [0, "ct_state"], direction: [1, "ct_dir"], status: [2, "ct_status"], mark: [3, "mark"] },
  ...{ helper: [6, "helper"], zone: [17, "number2"] },
};

export const FIB = { saddr: 1, daddr: 2, mark: 4, iif: 8, oif: 16 } as const;
export const FIB_PRESENT = 32;
export const FIB_RESULTS: Readonly<Record<string, readonly [number, DataType]>> = {
  ...{ oif: [1, TYPES.iface_index], oifname: [2, TYPES.ifname], type: [3, TYPES.fib_addrtype] },
  // nft before 1.1.2 says `oif missing`
  check: [1, TYPES.boolean],
};

function ofPayload(base: number, needs: Needs, [at, bits, name]: Field): Selector {
  const first = Math.floor(at / 8);
  const size = Math.ceil((at + bits) / 8) - first;
  const shift = 8 * (first + size) - at - bits;
  const { DREG, BASE, OFFSET, LEN } = NFTA.PAYLOAD;
  const isWhole = bits === 8 * size;
  const tells = name === "inet_proto" ? ({ tells: "transport" } as const) : {};
  return {
    type: TYPES[name],
    size,
    shift,
    ...(!isWhole && { mask: ((1n << BigInt(bits)) - 1n) << BigInt(shift) }),
    needs,
    ...tells,
    load: (register) =>
      simple("payload", [
        [DREG, register],
        [BASE, base],
        [OFFSET, first],
        [LEN, size],
      ]),
  };
}

function ofKey(
  name: "meta" | "ct",
  key: number,
  type: DataType,
  isSettable: boolean,
  tells?: Selector["tells"],
): Selector {
  const { KEY, DREG } = NFTA.META;
  const [number, into] = name === "meta" ? [KEY, DREG] : [NFTA.CT.KEY, NFTA.CT.DREG];
  const from = name === "meta" ? NFTA.META.SREG : NFTA.CT.SREG;
  const by = (register: number, attribute: number) =>
    simple(name, [
      [number, key],
      [attribute, register],
    ]);
  return {
    type,
    size: type.size,
    shift: 0,
    needs: {},
    ...(tells && { tells }),
    ...(isSettable && { setter: (register: number) => by(register, from) }),
    load: (register) => by(register, into),
  };
}

function ofFib(reader: Reader): Selector {
  let flags = 0;
  do {
    const flag = reader.oneOf(Object.keys(FIB) as (keyof typeof FIB)[]);
    if (flag === undefined) throw reader.unknown();
    flags |= FIB[flag];
  } while (reader.take("."));
  const word = reader.next();
  const [result, type] = FIB_RESULTS[word] ?? [];
  if (result === undefined || type === undefined) throw reader.unknown(word);
  const isAsked = word === "check" || [0, 1].some((ahead) => ["exists", "missing"].includes(reader.peek(ahead)));
  const { DREG, RESULT, FLAGS } = NFTA.FIB;
  const given = isAsked ? TYPES.boolean : type;
  return {
    type: given,
    size: given.size,
    shift: 0,
    needs: {},
    load: (register) =>
      simple("fib", [
        [DREG, register],
        [RESULT, result],
        [FLAGS, flags | (isAsked ? FIB_PRESENT : 0)],
      ]),
  };
}

/** What stands next, if it is something to look at; undefined where a statement begins that looks at nothing. */
export function readSelector(reader: Reader): Selector | undefined {
  const alone = reader.oneOf(ALONE);
  if (alone !== undefined || reader.take("meta")) {
    const word = alone ?? reader.next();
    const [key, type, tells] = META[word] ?? [];
    if (key === undefined || type === undefined) throw reader.unknown(`meta ${word}`);
    return ofKey("meta", key, TYPES[type], ["mark", "pkttype", "nftrace"].includes(word), tells);
  }
  if (reader.take("ct")) {
    const word = reader.next();
    const [key, type] = CT[word] ?? [];
    if (key === undefined || type === undefined) throw reader.unknown(`ct ${word}`);
    return ofKey("ct", key, TYPES[type], ["mark", "zone"].includes(word));
  }
  if (reader.take("fib")) return ofFib(reader);
  if (reader.take("rt")) return readRoute(reader);
  const header = HEADERS[reader.peek()];
  if (header === undefined) return undefined;
  const protocol = reader.next();
  if (protocol === "tcp" && reader.take("option")) return readTcpOption(reader);
  const word = reader.next();
  const field = header.fields[word];
  if (field === undefined) throw reader.unknown(`${protocol} ${word}`);
  return ofPayload(header.base, header.needs, field);
}
