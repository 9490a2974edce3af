/** Statements of the kernel's rules as words that nft reads: what a rule does with a packet. */

import { NFTA_MATCH } from "../../kernel/uapi/netfilter.ts";
import { NFTA } from "../../kernel/uapi/nft-expressions.ts";
import { FAMILIES } from "./context.ts";
import type { Telling } from "./tell-rule.ts";
import { be32, numberFrom, quoted, text, Untold, valueWords } from "./tell-values.ts";
import { TYPES } from "./types.ts";

type Attributes = ReadonlyMap<number, Uint8Array>;

const LEVELS = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit"] as const;
const be16 = (value: Uint8Array | undefined) => (value?.length === 2 ? Buffer.from(value).readUInt16BE() : undefined);

function log(data: Attributes): string {
  const { GROUP, PREFIX, SNAPLEN, QTHRESHOLD, LEVEL, FLAGS } = NFTA.LOG;
  const [group, threshold] = [be16(data.get(GROUP)), be16(data.get(QTHRESHOLD))];
  const [snaplen, level, flags = 0] = [SNAPLEN, LEVEL, FLAGS].map((type) => be32(data.get(type)));
  const prefix = data.get(PREFIX);
  const flagWords = [
    ...([[], ["tcp sequence"], ["tcp options"], ["tcp sequence,options"]][flags & 3] ?? []),
    ...(flags & 4 ? ["ip options"] : []),
    ...(flags & 8 ? ["skuid"] : []),
    ...(flags & 32 ? ["ether"] : []),
  ];
  if ((flags & ~47) !== 0) throw new Untold("log");
  return [
    "log",
    ...(prefix && text(prefix) !== "" ? [`prefix ${quoted(text(prefix))}`] : []),
    ...(group === undefined ? [] : [`group ${group}`]),
    ...(snaplen ? [`snaplen ${snaplen}`] : []),
    ...(threshold ? [`queue-threshold ${threshold}`] : []),
    ...(level === undefined || group !== undefined ? [] : [`level ${LEVELS[level]}`]),
    ...(flags === 47 ? ["flags all"] : flagWords.map((words) => `flags ${words}`)),
  ].join(" ");
}

function reject(data: Attributes, { known }: Telling): string {
  const type = be32(data.get(NFTA.REJECT.TYPE));
  const code = data.get(NFTA.REJECT.CODE)?.[0] ?? 0;
  if (type === 1) return "reject with tcp reset";
  if (type === 2) return `reject with icmpx type ${code}`;
  if (known.network !== "ip" && known.network !== "ip6") throw new Untold("reject");
  return `reject with ${known.network === "ip" ? "icmp" : "icmpv6"} type ${code}`;
}

function flagWords(flags: number): string[] {
  const words = [flags & 4 ? "random" : "", flags & 16 ? "fully-random" : "", flags & 8 ? "persistent" : ""];
  const said = words.filter(Boolean);
  return said.length > 0 ? [said.join(",")] : [];
}

function ports(from: number | undefined, to: number | undefined, telling: Telling): string {
  const port = (register: number) => {
    const { bytes } = telling.held(register);
    if (bytes === undefined) throw new Untold("ports of a map");
    return numberFrom(bytes.subarray(0, 2), false);
  };
  if (from === undefined) return "";
  const [first, last] = [port(from), port(to ?? from)];
  return `:${first}${last === first ? "" : `-${last}`}`;
}

function nat(data: Attributes, telling: Telling): string {
  const { TYPE, FAMILY, ADDR_MIN, ADDR_MAX, PROTO_MIN, PROTO_MAX, FLAGS } = NFTA.NAT;
  const number = (type: number) => be32(data.get(type));
  const isIPv6 = number(FAMILY) === FAMILIES.ip6;
  const type = isIPv6 ? TYPES.ipv6_addr : TYPES.ipv4_addr;
  const address = (register: number | undefined) => {
    if (register === undefined) return undefined;
    const { words, bytes } = telling.held(register);
    return words ?? (bytes && valueWords(numberFrom(bytes.subarray(0, type.size), false), type));
  };
  const [from, to] = [address(number(ADDR_MIN)), address(number(ADDR_MAX))];
  const port = ports(number(PROTO_MIN), number(PROTO_MAX), telling);
  if (from?.includes(" ") && (port !== "" || to !== from)) {
    // a map leads to one address, which may be told twice
    if (port !== "" || to !== undefined) throw new Untold("nat by a map");
  }
  const bracket = (one: string) => (isIPv6 && port !== "" ? `[${one}]` : one);
  const addresses =
    from === undefined ? "" : to === undefined || to === from ? bracket(from) : `${bracket(from)}-${bracket(to)}`;
  const family = telling.known.network === undefined ? ` ${isIPv6 ? "ip6" : "ip"}` : "";
  const kind = number(TYPE) === 0 ? "snat" : "dnat";
  return [`${kind}${family} to ${addresses}${port}`, ...flagWords(number(FLAGS) ?? 0)].join(" ");
}

function plain(word: "masquerade" | "redirect", data: Attributes, telling: Telling): string {
  const at = word === "masquerade" ? NFTA.MASQ : NFTA.REDIR;
  const number = (type: number) => be32(data.get(type));
  const to = ports(number(at.PROTO_MIN), number(at.PROTO_MAX), telling);
  return [word, ...(to ? [`to ${to}`] : []), ...flagWords(number(at.FLAGS) ?? 0)].join(" ");
}

/** struct ipt_reject_info and ip6t_reject_info: what iptables asks for, by its place in each list. */
const REJECTS = {
  ip: [
    "icmp type 0",
    "icmp type 1",
    "icmp type 2",
    "icmp type 3",
    "",
    "icmp type 9",
    "icmp type 10",
    "tcp reset",
    "icmp type 13",
  ],
  ip6: [
    "icmpv6 type 0",
    "icmpv6 type 1",
    "",
    "icmpv6 type 3",
    "icmpv6 type 4",
    "",
    "tcp reset",
    "icmpv6 type 5",
    "icmpv6 type 6",
  ],
} as const;

/** A target of the older iptables, where nf_tables has the same by itself. */
function target(data: Attributes, { known }: Telling): string {
  const [name, info] = [text(data.get(NFTA_MATCH.NAME)), data.get(NFTA_MATCH.INFO)];
  const { network } = known;
  const how = network === "ip" || network === "ip6" ? REJECTS[network][info?.[0] ?? -1] : undefined;
  if (name !== "REJECT" || !how) throw new Untold(`target ${name}`);
  return `reject with ${how}`;
}

/** @throws Untold where there are no words for it */
export function tellStatement(name: string, data: Attributes, telling: Telling): string {
  if (name === "log") return log(data);
  if (name === "reject") return reject(data, telling);
  if (name === "nat") return nat(data, telling);
  if (name === "masq") return plain("masquerade", data, telling);
  if (name === "redir") return plain("redirect", data, telling);
  if (name === "notrack") return "notrack";
  if (name === "target") return target(data, telling);
  const what = name === "match" ? text(data.get(NFTA_MATCH.NAME)) : "";
  throw new Untold(`${name} ${what}`.trim());
}
