/** Targets of iptables (linux/netfilter/xt_*.h, ipt_*.h): what their words are, and their bytes. */
import { plainWords, readAddress } from "./addresses.ts";
import { masked } from "./matches.ts";
import {
  type Bytes,
  type Extension,
  hex,
  nameOf,
  number,
  oneOf,
  option,
  range,
  rangeWords,
  Unsaid,
  unknown,
} from "./options.ts";

const ANSWERS = {
  ...{ "icmp-net-unreachable": 0, "icmp-host-unreachable": 1, "icmp-proto-unreachable": 2 },
  ...{ "icmp-port-unreachable": 3, "icmp-net-prohibited": 5, "icmp-host-prohibited": 6, "tcp-reset": 7 },
  "icmp-admin-prohibited": 8,
};
const ANSWERS6 = {
  ...{ "icmp6-no-route": 0, "icmp6-adm-prohibited": 1, "icmp6-addr-unreachable": 3, "icmp6-port-unreachable": 4 },
  ...{ "tcp-reset": 6, "icmp6-policy-fail": 7, "icmp6-reject-route": 8 },
};
const reject = (version: 4 | 6, answers: Readonly<Record<string, number>>, usual: number): Extension => ({
  ...{ name: "REJECT", revision: 0, version, size: 4 },
  read([only], to) {
    if (only && only.name !== "reject-with") throw unknown(only);
    to.set32(0, only ? oneOf(only.values[0], answers) : usual);
  },
  write: (from) => [option("reject-with", nameOf(from.u32(0), answers))],
});

const LEVEL = 4;
const LOG_FLAGS = {
  "log-tcp-sequence": 1,
  "log-tcp-options": 2,
  "log-ip-options": 4,
  "log-uid": 8,
  "log-macdecode": 32,
};
const log: Extension = {
  ...{ name: "LOG", revision: 0, size: 32 },
  read(options, to) {
    to.set8(0, LEVEL);
    for (const one of options) {
      if (one.name === "log-prefix") to.putText(2, 30, one.values[0] ?? "");
      else if (one.name === "log-level") to.set8(0, number(one.values[0], 7));
      else to.set8(1, to.u8(1) | oneOf(one.name, LOG_FLAGS));
    }
  },
  write(from) {
    const [level, flags, prefix] = [from.u8(0), from.u8(1), from.text(2, 30)];
    if ((flags & ~47) !== 0) throw new Unsaid("LOG");
    return [
      ...(prefix === "" ? [] : [option("log-prefix", prefix)]),
      ...(level === LEVEL ? [] : [option("log-level", `${level}`)]),
      ...Object.entries(LOG_FLAGS).flatMap(([name, bit]) => (flags & bit ? [option(name)] : [])),
    ];
  },
};

/** struct xt_nflog_info; XT_NFLOG_F_COPY_LEN: the length is what a program gets of a packet. */
const NFLOG = { length: 0, group: 4, threshold: 6, flags: 8, prefix: 12, room: 64 } as const;
const nflog: Extension = {
  ...{ name: "NFLOG", revision: 0, size: 76 },
  read(options, to) {
    for (const one of options) {
      const [value] = one.values;
      if (one.name === "nflog-prefix") to.putText(NFLOG.prefix, NFLOG.room, value ?? "");
      else if (one.name === "nflog-group") to.set16(NFLOG.group, number(value, 0xffff));
      else if (one.name === "nflog-threshold") to.set16(NFLOG.threshold, number(value, 0xffff));
      else if (one.name === "nflog-size" || one.name === "nflog-range")
        to.set32(NFLOG.length, number(value, 0xffffffff));
      else throw unknown(one);
      if (one.name === "nflog-size") to.set16(NFLOG.flags, 1);
    }
  },
  write(from) {
    const [length, group, threshold] = [from.u32(NFLOG.length), from.u16(NFLOG.group), from.u16(NFLOG.threshold)];
    const [flags, prefix] = [from.u16(NFLOG.flags), from.text(NFLOG.prefix, NFLOG.room)];
    if ((flags & ~1) !== 0) throw new Unsaid("NFLOG");
    return [
      ...(prefix === "" ? [] : [option("nflog-prefix", prefix)]),
      ...(group === 0 ? [] : [option("nflog-group", `${group}`)]),
      ...(length === 0 && flags === 0 ? [] : [option(flags ? "nflog-size" : "nflog-range", `${length}`)]),
      ...(threshold === 0 ? [] : [option("nflog-threshold", `${threshold}`)]),
    ];
  },
};

/** struct xt_NFQ_info_v3; NFQ_FLAG_*. */
const QUEUE_FLAGS = { "queue-bypass": 1, "queue-cpu-fanout": 2 };
const nfqueue: Extension = {
  ...{ name: "NFQUEUE", revision: 3, size: 6 },
  read(options, to) {
    to.set16(2, 1);
    for (const one of options) {
      if (one.name === "queue-num") to.set16(0, number(one.values[0], 0xffff));
      else if (one.name === "queue-balance") {
        const [from, last] = range(one.values[0], ":");
        to.set16(0, from);
        to.set16(2, last - from + 1);
      } else to.set16(4, to.u16(4) | oneOf(one.name, QUEUE_FLAGS));
    }
  },
  write(from) {
    const [first, count, flags] = [from.u16(0), from.u16(2), from.u16(4)];
    if ((flags & ~3) !== 0) throw new Unsaid("NFQUEUE");
    return [
      count > 1 ? option("queue-balance", `${first}:${first + count - 1}`) : option("queue-num", `${first}`),
      ...Object.entries(QUEUE_FLAGS).flatMap(([name, bit]) => (flags & bit ? [option(name)] : [])),
    ];
  },
};

/** NF_NAT_RANGE_* */
const NAT = { ADDRESSES: 1, PORTS: 2, RANDOM: 4, PERSISTENT: 8, FULLY: 16 } as const;
const NAT_FLAGS = { random: NAT.RANDOM, "random-fully": NAT.FULLY, persistent: NAT.PERSISTENT };

/** struct nf_nat_ipv4_multi_range_compat, nf_nat_range, nf_nat_range2: where the flags, addresses and ports are. */
interface NatLayout {
  readonly size: number;
  /** A count of ranges stands before it. */
  readonly isCounted: boolean;
  readonly address: number;
  readonly step: number;
}
const COUNTED: NatLayout = { size: 20, isCounted: true, address: 8, step: 4 };
const PLAIN: NatLayout = { size: 40, isCounted: false, address: 4, step: 16 };
const PLAIN2: NatLayout = { ...PLAIN, size: 42 };

function natTarget(
  name: string,
  revision: number,
  version: 4 | 6 | undefined,
  layout: NatLayout,
  word: string,
): Extension {
  const { isCounted, address, step, size } = layout;
  const flagsAt = isCounted ? 4 : 0;
  const portsAt = address + 2 * step;
  const isOfPorts = word === "to-ports";
  const readTarget = (text: string, to: Bytes): number => {
    if (isOfPorts) {
      range(text, "-").forEach((port, index) => {
        to.setBe16(portsAt + 2 * index, port);
      });
      return NAT.PORTS;
    }
    const [, bracketed, plain, ports] = /^(?:\[(.+)\]|([^[\]]*?))(?::(\d+(?:-\d+)?))?$/.exec(text) ?? [];
    const isIPv6 = bracketed === undefined && (text.match(/:/g)?.length ?? 0) > 1;
    const addresses = isIPv6 ? text : (bracketed ?? plain ?? "");
    let flags = 0;
    if (addresses !== "") {
      const [from = "", last = from] = addresses.split("-");
      to.put(address, readAddress(from));
      to.put(address + step, readAddress(last));
      flags |= NAT.ADDRESSES;
    }
    return ports === undefined || isIPv6 ? flags : flags | readPorts(ports, to);
  };
  const readPorts = (text: string, to: Bytes): number => {
    range(text, "-").forEach((port, index) => {
      to.setBe16(portsAt + 2 * index, port);
    });
    return NAT.PORTS;
  };
  return {
    ...{ name, revision, size, ...(version && { version }) },
    read(options, to) {
      if (isCounted) to.set32(0, 1);
      let flags = 0;
      for (const one of options)
        flags |= one.name === word ? readTarget(one.values[0] ?? "", to) : oneOf(one.name, NAT_FLAGS);
      to.set32(flagsAt, flags);
    },
    write(from) {
      const flags = from.u32(flagsAt);
      if ((flags & ~31) !== 0 || (isCounted && from.u32(0) !== 1)) throw new Unsaid(name);
      const ports = flags & NAT.PORTS ? rangeWords(from.be16(portsAt), from.be16(portsAt + 2), "-") : undefined;
      const isIPv6 = !isCounted && from.slice(address + 4, 12).some((byte) => byte !== 0);
      const length = isIPv6 ? 16 : 4;
      const [first, last] = [address, address + step].map((at) => plainWords(from.slice(at, length)));
      const addresses = flags & NAT.ADDRESSES ? (first === last ? `${first}` : `${first}-${last}`) : "";
      const target = ports === undefined ? addresses : `${isIPv6 && addresses ? `[${addresses}]` : addresses}:${ports}`;
      const own = isOfPorts ? ports : target;
      return [
        ...(own ? [option(word, own)] : []),
        ...Object.entries(NAT_FLAGS).flatMap(([flag, bit]) => (flags & bit ? [option(flag)] : [])),
      ];
    },
  };
}

const mark: Extension = {
  ...{ name: "MARK", revision: 2, size: 8 },
  read([only], to) {
    if (only?.name !== "set-xmark") throw new Unsaid(`--${only?.name}`);
    masked(only.values[0]).forEach((value, index) => {
      to.set32(4 * index, value);
    });
  },
  write: (from) => [option("set-xmark", `${hex(from.u32(0))}/${hex(from.u32(4))}`)],
};

const MODES = { "set-xmark": 0, "save-mark": 1, "restore-mark": 2 };
const connmark: Extension = {
  ...{ name: "CONNMARK", revision: 2, size: 15 },
  read(options, to) {
    to.set32(4, 0xffffffff);
    to.set32(8, 0xffffffff);
    for (const one of options) {
      if (one.name === "nfmask") to.set32(8, number(one.values[0], 0xffffffff));
      else if (one.name === "ctmask") to.set32(4, number(one.values[0], 0xffffffff));
      else to.set8(14, oneOf(one.name, MODES));
      if (one.name !== "set-xmark") continue;
      masked(one.values[0]).forEach((value, index) => {
        to.set32(4 * index, value);
      });
    }
  },
  write(from) {
    const mode = nameOf(from.u8(14), MODES);
    if (from.u8(13) !== 0) throw new Unsaid("CONNMARK");
    if (mode === "set-xmark") return [option(mode, `${hex(from.u32(0))}/${hex(from.u32(4))}`)];
    return [option(mode), option("nfmask", hex(from.u32(8))), option("ctmask", hex(from.u32(4)))];
  },
};

const tos: Extension = {
  ...{ name: "TOS", revision: 1, size: 2 },
  read([only], to) {
    if (only?.name !== "set-tos") throw new Unsaid(`--${only?.name}`);
    const [value, mask] = (only.values[0] ?? "").split("/");
    to.set8(0, number(value, 255));
    to.set8(1, mask === undefined ? 255 : number(mask, 255));
  },
  write: (from) => [option("set-tos", `${hex(from.u8(0), 2)}/${hex(from.u8(1), 2)}`)],
};

const dscp: Extension = {
  ...{ name: "DSCP", revision: 0, size: 1 },
  read: ([only], to) => to.set8(0, number(only?.name === "set-dscp" ? only.values[0] : undefined, 63)),
  write: (from) => [option("set-dscp", hex(from.u8(0), 2))],
};

const CLAMP = 0xffff;
const tcpmss: Extension = {
  ...{ name: "TCPMSS", revision: 0, size: 2 },
  read([only], to) {
    if (only?.name === "clamp-mss-to-pmtu") to.set16(0, CLAMP);
    else to.set16(0, number(only?.name === "set-mss" ? only.values[0] : undefined, CLAMP - 1));
  },
  write: (from) => [from.u16(0) === CLAMP ? option("clamp-mss-to-pmtu") : option("set-mss", `${from.u16(0)}`)],
};

/** struct xt_ct_target_info_v1; XT_CT_NOTRACK, and XT_CT_NOTRACK_ALIAS for the older name. */
const CT_SIZE = 72;
const notrack = (name: string, flags: number): Extension => ({
  ...{ name, revision: 2, size: CT_SIZE },
  read([only, ...more], to) {
    if (more.length > 0 || (flags === 1) !== (only?.name === "notrack")) throw new Unsaid(`-j ${name}`);
    to.set16(0, flags);
  },
  write(from) {
    if (from.u16(0) !== flags) throw new Unsaid(`-j ${name}`);
    return flags === 1 ? [option("notrack")] : [];
  },
});
/** What the kernel calls it. */
export const kernelName = (name: string): string => (name === "NOTRACK" ? "CT" : name);

const trace: Extension = { name: "TRACE", revision: 0, size: 0, read: () => undefined, write: () => [] };

/** The first of those that have a name is the one that is written. */
export const targets: readonly Extension[] = [
  ...[reject(4, ANSWERS, 3), reject(6, ANSWERS6, 4), log, mark, connmark, tos, dscp, tcpmss, trace],
  ...[nflog, nfqueue],
  ...[notrack("CT", 1), notrack("NOTRACK", 3)],
  natTarget("SNAT", 0, 4, COUNTED, "to-source"),
  natTarget("SNAT", 1, 6, PLAIN, "to-source"),
  natTarget("DNAT", 2, undefined, PLAIN2, "to-destination"),
  natTarget("DNAT", 0, 4, COUNTED, "to-destination"),
  natTarget("DNAT", 1, 6, PLAIN, "to-destination"),
  ...(["MASQUERADE", "REDIRECT"] as const).flatMap((name) => [
    natTarget(name, 0, 4, COUNTED, "to-ports"),
    natTarget(name, 0, 6, PLAIN, "to-ports"),
  ]),
];
