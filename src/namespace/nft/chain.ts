/** What stands before the rules of a chain: where packets come to it, in which order, and what becomes of those that pass. */
import { PayloadBuilder } from "../../kernel/netlink.ts";
import type { Message } from "../../kernel/nftables.ts";
import { NFT_MSG } from "../../kernel/uapi/netfilter.ts";
import { ITEM, NFTA } from "../../kernel/uapi/nft-expressions.ts";
import type { TableName } from "./context.ts";
import type { Reader } from "./reader.ts";
import { commentData, headOf } from "./sets.ts";

const HOOKS = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
const ARP_HOOKS = { input: 0, output: 1 } as const;
const NETDEV_HOOKS = { ingress: 0, egress: 1 } as const;
const INET_INGRESS = 5;
const PRIORITIES = { raw: -300, mangle: -150, dstnat: -100, filter: 0, security: 50, srcnat: 100 } as const;
const BRIDGE_PRIORITIES = { dstnat: -300, filter: -200, out: 100, srcnat: 300 } as const;
const POLICIES: Readonly<Record<string, number>> = { drop: 0, accept: 1 };

function hookOf(reader: Reader, { family }: TableName): number {
  const word = reader.next();
  const known: Readonly<Record<string, number>> =
    family === "arp" ? ARP_HOOKS : family === "netdev" ? NETDEV_HOOKS : HOOKS;
  const number = family === "inet" && word === "ingress" ? INET_INGRESS : known[word];
  if (number === undefined) throw reader.unknown(word);
  return number;
}

/** `-150`, `filter`, `filter + 5` */
function priorityOf(reader: Reader, { family }: TableName): number {
  const word = reader.next();
  if (/^-?\d+$/.test(word)) return Number(word);
  const known: Readonly<Record<string, number>> = family === "bridge" ? BRIDGE_PRIORITIES : PRIORITIES;
  const base = known[word];
  if (base === undefined) throw reader.unknown(word);
  const sign = reader.oneOf(["+", "-"]);
  if (sign === undefined) return base;
  return sign === "+" ? base + reader.number() : base - reader.number();
}

interface Hook {
  readonly type: string;
  readonly number: number;
  readonly priority: number;
  readonly devices: readonly string[];
}

function readHook(reader: Reader, table: TableName): Hook {
  const type = reader.oneOf(["filter", "nat", "route"]);
  if (type === undefined) throw reader.unknown();
  reader.expect("hook");
  const number = hookOf(reader, table);
  const devices: string[] = [];
  if (reader.take("device")) devices.push(reader.next());
  else if (reader.take("devices")) {
    reader.expect("=");
    reader.inBraces(() => void devices.push(reader.next()));
  }
  reader.expect("priority");
  return { type, number, priority: priorityOf(reader, table), devices };
}

function writeHook(to: PayloadBuilder, { number, priority, devices }: Hook): void {
  const { HOOKNUM, PRIORITY, DEV, DEVS } = NFTA.HOOK;
  to.nest(NFTA.CHAIN.HOOK, (hook) => {
    hook.be32(HOOKNUM, number).be32(PRIORITY, priority >>> 0);
    const [only, ...more] = devices;
    if (only === undefined) return;
    if (more.length === 0) hook.text(DEV, only);
    else
      hook.nest(DEVS, (list) => {
        for (const device of devices) list.text(ITEM, device);
      });
  });
}

export interface ChainHead {
  readonly message: Message;
  /** Packets come to it, and pass when no rule says otherwise. */
  readonly lets: boolean;
}

/** Reads up to the first rule. */
export function readChainHead(reader: Reader, table: TableName, chain: string): ChainHead {
  const { CHAIN } = NFTA;
  const built = new PayloadBuilder().raw(headOf(table)).text(CHAIN.TABLE, table.name).text(CHAIN.NAME, chain);
  let [isHooked, isStrict] = [false, false];
  for (;;) {
    reader.skipEnds();
    if (reader.take("type")) {
      isHooked = true;
      const hook = readHook(reader, table);
      writeHook(built, hook);
      built.text(CHAIN.TYPE, hook.type);
    } else if (reader.take("policy")) {
      const word = reader.next();
      const policy = POLICIES[word];
      if (policy === undefined) throw reader.unknown(word);
      isStrict = word !== "accept";
      built.be32(CHAIN.POLICY, policy);
    } else if (reader.take("comment")) built.attribute(CHAIN.USERDATA, commentData(reader.next()));
    else {
      const message = { type: NFT_MSG.NEWCHAIN, flags: 0, payload: built.build() };
      return { message, lets: isHooked && !isStrict };
    }
  }
}
