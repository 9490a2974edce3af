/** Matches of iptables (linux/netfilter/xt_*.h): what their words are, and their bytes. */

import { addressWords, readAddress } from "./addresses.ts";
import {
  type Bytes,
  bits,
  bitWords,
  type Extension,
  hex,
  nameOf,
  number,
  type Option,
  oneOf,
  option,
  range,
  rangeWords,
  Unsaid,
  unknown,
} from "./options.ts";
import { packetMatches } from "./packet-matches.ts";

const TCP_FLAGS = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 };
const flagWords = (value: number) => {
  if (value === 0) return "NONE";
  return value === 63 ? "FIN,SYN,RST,PSH,ACK,URG" : bitWords(value, TCP_FLAGS);
};
const flagBits = (text: string | undefined) => (text === "NONE" ? 0 : bits(text, TCP_FLAGS));

/** The ports of struct xt_tcp and xt_udp: four numbers, then, somewhere, which of them are inverse. */
function readPort({ name, isInverse, values }: Option, to: Bytes, inverseAt: number): boolean {
  const at = { sport: 0, dport: 4 }[name];
  if (at === undefined) return false;
  const [from, last] = range(values[0], ":");
  to.set16(at, from);
  to.set16(at + 2, last);
  if (isInverse) to.set8(inverseAt, to.u8(inverseAt) | (at === 0 ? 1 : 2));
  return true;
}

function portWords(from: Bytes, inverseAt: number): Option[] {
  return (["sport", "dport"] as const).flatMap((name, index) => {
    const [first, last] = [from.u16(4 * index), from.u16(4 * index + 2)];
    const isInverse = (from.u8(inverseAt) & (index + 1)) !== 0;
    if (first === 0 && last === 0xffff && !isInverse) return [];
    return [option(name, rangeWords(first, last, ":"), isInverse)];
  });
}

const tcp: Extension = {
  ...{ name: "tcp", revision: 0, size: 12 },
  read(options, to) {
    to.set16(2, 0xffff);
    to.set16(6, 0xffff);
    for (const one of options) {
      if (readPort(one, to, 11)) continue;
      const { name, isInverse, values } = one;
      if (name === "tcp-flags") {
        to.set8(9, flagBits(values[0]));
        to.set8(10, flagBits(values[1]));
      } else if (name === "tcp-option") to.set8(8, number(values[0], 255));
      else throw unknown(one);
      if (isInverse) to.set8(11, to.u8(11) | (name === "tcp-flags" ? 4 : 8));
    }
  },
  write(from) {
    const inverse = from.u8(11);
    const flags = [flagWords(from.u8(9)), flagWords(from.u8(10))];
    return [
      ...portWords(from, 11),
      ...(from.u8(8) !== 0 ? [option("tcp-option", `${from.u8(8)}`, (inverse & 8) !== 0)] : []),
      ...(from.u8(9) !== 0 || inverse & 4 ? [option("tcp-flags", flags, (inverse & 4) !== 0)] : []),
    ];
  },
};

const udp: Extension = {
  ...{ name: "udp", revision: 0, size: 10 },
  read(options, to) {
    to.set16(2, 0xffff);
    to.set16(6, 0xffff);
    for (const one of options) if (!readPort(one, to, 8)) throw unknown(one);
  },
  write: (from) => portWords(from, 8),
};

const icmp = (name: string, word: string, version: 4 | 6): Extension => ({
  ...{ name, revision: 0, version, size: 4 },
  read(options, to) {
    to.set8(0, 255);
    to.set8(2, 255);
    for (const one of options) {
      if (one.name !== word) throw unknown(one);
      const [type, code] = (one.values[0] ?? "").split("/");
      if (type !== "any") to.set8(0, number(type, 255));
      if (code !== undefined) {
        to.set8(1, number(code, 255));
        to.set8(2, number(code, 255));
      }
      if (one.isInverse) to.set8(3, 1);
    }
  },
  write(from) {
    const [type, code, last] = [from.u8(0), from.u8(1), from.u8(2)];
    const what = type === 255 ? "any" : `${type}${code === 0 && last === 255 ? "" : `/${code}`}`;
    return [option(word, what, from.u8(3) === 1)];
  },
});

const PORTS = { sports: 0, dports: 1, ports: 2 };
const MOST = 15;
const multiport: Extension = {
  ...{ name: "multiport", revision: 1, size: 48 },
  read([only, ...more], to) {
    if (only === undefined || more.length > 0) throw new Unsaid("-m multiport");
    to.set8(0, oneOf(only.name, PORTS));
    let count = 0;
    const put = (port: number) => {
      if (count >= MOST) throw new Unsaid("-m multiport");
      to.set16(2 + 2 * count++, port);
    };
    for (const span of (only.values[0] ?? "").split(",")) {
      const [from, last] = range(span, ":");
      put(from);
      if (!span.includes(":")) continue;
      // the next one is this one's end
      to.set8(32 + count - 1, 1);
      put(last);
    }
    to.set8(1, count);
    to.set8(47, only.isInverse ? 1 : 0);
  },
  write(from) {
    const words: string[] = [];
    for (let i = 0; i < Math.min(MOST, from.u8(1)); i++) {
      const isRange = from.u8(32 + i) !== 0 && i + 1 < MOST;
      const port = from.u16(2 + 2 * i);
      words.push(isRange ? `${port}:${from.u16(2 + 2 * ++i)}` : `${port}`);
    }
    return [option(nameOf(from.u8(0), PORTS), words.join(","), from.u8(47) !== 0)];
  },
};

const STATES = { INVALID: 1, NEW: 8, RELATED: 4, ESTABLISHED: 2, UNTRACKED: 256, SNAT: 64, DNAT: 128 };
const DIRECTIONS = { ORIGINAL: 0, REPLY: 1 };
const CONNTRACK = { flags: 146, inverse: 148, states: 150, STATE: 1, DIRECTION: 1 << 12, ALIAS: 1 << 13 } as const;

/** Of all that it can ask for, states and directions. `-m state` is the same under an older name. */
const conntrack: Extension = {
  ...{ name: "conntrack", revision: 3, size: 164 },
  read(options, to) {
    const set = (bit: number, isInverse: boolean) => {
      to.set16(CONNTRACK.flags, to.u16(CONNTRACK.flags) | bit);
      if (isInverse) to.set16(CONNTRACK.inverse, to.u16(CONNTRACK.inverse) | (bit & ~CONNTRACK.ALIAS));
    };
    for (const one of options) {
      const { name, isInverse, values } = one;
      if (name === "ctstate" || name === "state") {
        to.set16(CONNTRACK.states, bits(values[0], STATES));
        set(CONNTRACK.STATE | (name === "state" ? CONNTRACK.ALIAS : 0), isInverse);
      } else if (name === "ctdir") set(CONNTRACK.DIRECTION, oneOf(values[0], DIRECTIONS) === 1);
      else throw unknown(one);
    }
  },
  write(from) {
    const { STATE, DIRECTION, ALIAS } = CONNTRACK;
    const [flags, inverse] = [from.u16(CONNTRACK.flags), from.u16(CONNTRACK.inverse)];
    if ((flags & ~(STATE | DIRECTION | ALIAS)) !== 0) throw new Unsaid("-m conntrack");
    const states = () => bitWords(from.u16(CONNTRACK.states), STATES);
    const word = flags & ALIAS ? "state" : "ctstate";
    return [
      ...(flags & STATE ? [option(word, states(), (inverse & STATE) !== 0)] : []),
      ...(flags & DIRECTION ? [option("ctdir", inverse & DIRECTION ? "REPLY" : "ORIGINAL")] : []),
    ];
  },
};

const comment: Extension = {
  ...{ name: "comment", revision: 0, size: 256 },
  read: ([only], to) => to.putText(0, 256, only?.values[0] ?? ""),
  write: (from) => [option("comment", from.text(0, 256))],
};

const ALL = 0xffffffff;
export function masked(text: string | undefined): [value: number, mask: number] {
  const [value, mask] = text?.split("/") ?? [];
  return [number(value, ALL), mask === undefined ? ALL : number(mask, ALL)];
}

const mark = (name: string): Extension => ({
  ...{ name, revision: 1, size: 12 },
  read([only], to) {
    const [value, mask] = masked(only?.values[0]);
    to.set32(0, value);
    to.set32(4, mask);
    to.set8(8, only?.isInverse ? 1 : 0);
  },
  write(from) {
    const mask = from.u32(4);
    return [option("mark", `${hex(from.u32(0))}${mask === ALL ? "" : `/${hex(mask)}`}`, from.u8(8) !== 0)];
  },
});

const SECONDS = { sec: 1, min: 60, hour: 3600, day: 86_400 } as const;
const SCALE = 10_000;
const LIMIT_BURST = 5;
const limit: Extension = {
  ...{ name: "limit", revision: 0, size: 40 },
  read(options, to) {
    to.set32(4, LIMIT_BURST);
    for (const one of options) {
      const [, count, unit] = /^(\d+)\/(sec|min|hour|day)/.exec(one.values[0] ?? "") ?? [];
      if (one.name === "limit-burst") to.set32(4, number(one.values[0], 10_000));
      else if (one.name !== "limit" || count === undefined) throw unknown(one);
      else to.set32(0, Math.floor((SCALE * SECONDS[unit as keyof typeof SECONDS]) / Math.max(1, Number(count))));
    }
  },
  write(from) {
    const [average, burst] = [from.u32(0), from.u32(4)];
    if (average === 0) throw new Unsaid("--limit");
    // the largest unit of which there are whole ones
    const fits = Object.entries(SECONDS).filter(([, seconds]) => {
      const count = Math.floor((SCALE * seconds) / average);
      return count > 0 && average <= SCALE * seconds && (SCALE * seconds) % average < count;
    });
    const [unit, seconds] = fits[0] ?? ["day", SECONDS.day];
    const words = option("limit", `${Math.floor((SCALE * seconds) / average)}/${unit}`);
    return [words, ...(burst === LIMIT_BURST ? [] : [option("limit-burst", `${burst}`)])];
  },
};

const KINDS = {
  ...{ UNSPEC: 1, UNICAST: 2, LOCAL: 4, BROADCAST: 8, ANYCAST: 16, MULTICAST: 32, BLACKHOLE: 64, UNREACHABLE: 128 },
  ...{ PROHIBIT: 256, THROW: 512, NAT: 1024, XRESOLVE: 2048 },
};
const addrtype: Extension = {
  ...{ name: "addrtype", revision: 1, size: 8 },
  read(options, to) {
    for (const one of options) {
      const { name, isInverse, values } = one;
      const index = ["src-type", "dst-type"].indexOf(name);
      const limited = ["limit-iface-in", "limit-iface-out"].indexOf(name);
      if (index >= 0) to.set16(2 * index, bits(values[0], KINDS));
      else if (limited < 0) throw unknown(one);
      to.set32(4, to.u32(4) | (index < 0 ? 4 << limited : isInverse ? 1 << index : 0));
    }
  },
  write(from) {
    const flags = from.u32(4);
    return [
      ...["src-type", "dst-type"].flatMap((name, index) => {
        const types = from.u16(2 * index);
        return types === 0 ? [] : [option(name, bitWords(types, KINDS), (flags & (1 << index)) !== 0)];
      }),
      ...["limit-iface-in", "limit-iface-out"].flatMap((name, index) => (flags & (4 << index) ? [option(name)] : [])),
    ];
  },
};

const iprange: Extension = {
  ...{ name: "iprange", revision: 1, size: 65 },
  read(options, to) {
    for (const one of options) {
      const index = ["src-range", "dst-range"].indexOf(one.name);
      if (index < 0) throw unknown(one);
      const [from, last] = (one.values[0] ?? "").split("-");
      to.put(32 * index, readAddress(from ?? ""));
      to.put(32 * index + 16, readAddress(last ?? from ?? ""));
      to.set8(64, to.u8(64) | (1 << index) | (one.isInverse ? 16 << index : 0));
    }
  },
  write(from) {
    const flags = from.u8(64);
    const words = (at: number) => addressWords(from.slice(at, 16));
    return ["src-range", "dst-range"].flatMap((name, index) =>
      flags & (1 << index)
        ? [option(name, `${words(32 * index)}-${words(32 * index + 16)}`, (flags & (16 << index)) !== 0)]
        : [],
    );
  },
};

const mac: Extension = {
  ...{ name: "mac", revision: 0, size: 12 },
  read([only], to) {
    const text = only?.values[0] ?? "";
    if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)) throw new Unsaid(text);
    to.put(
      0,
      Uint8Array.from(text.split(":"), (byte) => Number.parseInt(byte, 16)),
    );
    to.set32(8, only?.isInverse ? 1 : 0);
  },
  write(from) {
    const bytes = [...from.slice(0, 6)].map((byte) => byte.toString(16).padStart(2, "0"));
    return [option("mac-source", bytes.join(":"), from.u32(8) !== 0)];
  },
};

const PACKETS = { unicast: 0, broadcast: 1, multicast: 2 };
const pkttype: Extension = {
  ...{ name: "pkttype", revision: 0, size: 8 },
  read([only], to) {
    to.set32(0, oneOf(only?.values[0], PACKETS));
    to.set32(4, only?.isInverse ? 1 : 0);
  },
  write: (from) => [option("pkt-type", nameOf(from.u32(0), PACKETS), from.u32(4) !== 0)],
};

export const matches: readonly Extension[] = [
  ...[tcp, udp, icmp("icmp", "icmp-type", 4), icmp("icmp6", "icmpv6-type", 6), multiport, conntrack, comment],
  ...[mark("mark"), mark("connmark"), limit, addrtype, iprange, mac, pkttype],
  ...packetMatches,
];
