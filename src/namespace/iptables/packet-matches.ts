/** Matches of iptables that ask who sent a packet, how long it is, how far it goes, and which one it is. */
import {
  type Bytes,
  type Extension,
  number,
  type Option,
  oneOf,
  option,
  range,
  rangeWords,
  Unsaid,
  unknown,
} from "./options.ts";

/** struct xt_owner_match_info: two pairs of ids, and what is asked for. */
const OWNER = { "uid-owner": 1, "gid-owner": 2, "socket-exists": 4, "suppl-groups": 8 } as const;
const OWNER_AT = { "uid-owner": 0, "gid-owner": 8 } as const;
const ANY_ID = 0xfffffffe;
const owner: Extension = {
  ...{ name: "owner", revision: 1, size: 18 },
  read(options, to) {
    for (const { name, isInverse, values } of options) {
      const bit = oneOf(name, OWNER);
      to.set8(16, to.u8(16) | bit);
      if (isInverse) to.set8(17, to.u8(17) | bit);
      if (name !== "uid-owner" && name !== "gid-owner") continue;
      range(values[0], "-", ANY_ID).forEach((id, index) => {
        to.set32(OWNER_AT[name] + 4 * index, id);
      });
    }
  },
  write(from) {
    const [asked, inverse] = [from.u8(16), from.u8(17)];
    const words = (at: number) => rangeWords(from.u32(at), from.u32(at + 4), "-");
    return Object.entries(OWNER).flatMap(([name, bit]) => {
      if ((asked & bit) === 0) return [];
      const at = name === "uid-owner" || name === "gid-owner" ? OWNER_AT[name] : undefined;
      return [option(name, at === undefined ? [] : words(at), (inverse & bit) !== 0)];
    });
  },
};

/** struct xt_length_info */
const length: Extension = {
  ...{ name: "length", revision: 0, size: 6 },
  read([only], to) {
    if (only?.name !== "length") throw new Unsaid("-m length");
    range(only.values[0], ":").forEach((bytes, index) => {
      to.set16(2 * index, bytes);
    });
    to.set8(4, only.isInverse ? 1 : 0);
  },
  write: (from) => [option("length", rangeWords(from.u16(0), from.u16(2), ":"), from.u8(4) !== 0)],
};

/** struct ipt_ttl_info, ip6t_hl_info: how it is compared, and with what. */
const HOPS = { EQUAL: 0, OTHER: 1, LESS: 2, MORE: 3 } as const;
const hops = (name: string, version: 4 | 6): Extension => ({
  ...{ name, revision: 0, version, size: 2 },
  read([only], to) {
    const how = [`${name}-eq`, "", `${name}-lt`, `${name}-gt`].indexOf(only?.name ?? "-");
    if (only === undefined || how < 0) throw new Unsaid(`-m ${name}`);
    to.set8(0, how === HOPS.EQUAL && only.isInverse ? HOPS.OTHER : how);
    to.set8(1, number(only.values[0], 255));
  },
  write(from) {
    const how = from.u8(0);
    if (how > HOPS.MORE) throw new Unsaid(`-m ${name}`);
    const word = how === HOPS.LESS ? "lt" : how === HOPS.MORE ? "gt" : "eq";
    return [option(`${name}-${word}`, `${from.u8(1)}`, how === HOPS.OTHER)];
  },
});

/** struct xt_statistic_info: by chance, of 2^31, or each so many, of which the first is that one. */
const STATISTIC = { mode: 0, flags: 2, chance: 4, every: 4, first: 8, seen: 12 } as const;
const CERTAIN = 0x80000000;
const DIGITS = 11;
const statistic: Extension = {
  ...{ name: "statistic", revision: 0, size: 24 },
  read(options, to) {
    let first: number | undefined;
    for (const one of options) {
      const [value] = one.values;
      if (one.isInverse) to.set16(STATISTIC.flags, 1);
      if (one.name === "mode") to.set16(STATISTIC.mode, oneOf(value, { random: 0, nth: 1 }));
      else if (one.name === "probability") to.set32(STATISTIC.chance, chance(value));
      else if (one.name === "every") to.set32(STATISTIC.every, number(value, 0x7fffffff) - 1);
      else if (one.name === "packet") first = number(value, 0x7fffffff);
      else throw unknown(one);
    }
    if (to.u16(STATISTIC.mode) === 1) countFrom(first ?? 0, to);
  },
  write(from): Option[] {
    const isInverse = from.u16(STATISTIC.flags) !== 0;
    if (from.u16(STATISTIC.mode) === 0) {
      const part = from.u32(STATISTIC.chance) / CERTAIN;
      return [option("mode", "random"), option("probability", part.toFixed(DIGITS), isInverse)];
    }
    const [every, first] = [from.u32(STATISTIC.every) + 1, from.u32(STATISTIC.first)];
    return [option("mode", "nth"), option("every", `${every}`, isInverse), option("packet", `${first}`)];
  },
};

function chance(text: string | undefined): number {
  const part = /^[01](\.\d+)?$/.test(text ?? "") ? Number(text) : Number.NaN;
  if (!(part <= 1)) throw new Unsaid(text ?? "");
  return Math.round(part * CERTAIN);
}

/** So many count as seen already that the one is met which is to be the first. */
function countFrom(first: number, to: Bytes): void {
  const last = to.u32(STATISTIC.every);
  if (first > last) throw new Unsaid(`--packet ${first}`);
  to.set32(STATISTIC.first, first);
  to.set32(STATISTIC.seen, last - first);
}

export const packetMatches: readonly Extension[] = [owner, length, hops("ttl", 4), hops("hl", 6), statistic];
