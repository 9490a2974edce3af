/** A rule set of the kernel as text that nft reads: for CRIU, which saves and restores such. */
import { type NetlinkMessage, parseAttributes } from "../../kernel/netlink.ts";
import { NFT_MSG } from "../../kernel/uapi/netfilter.ts";
import { NFTA } from "../../kernel/uapi/nft-expressions.ts";
import { FAMILIES } from "./context.ts";
import { tellRule } from "./tell-rule.ts";
import { declaration, keptOf, type ToldSet, tellSet } from "./tell-sets.ts";
import { objectWords } from "./tell-state.ts";
import { be32, name, quoted, text, Untold } from "./tell-values.ts";

type Attributes = ReadonlyMap<number, Uint8Array>;
type Said = Pick<NetlinkMessage, "type" | "payload">;

const HOOKS = ["prerouting", "input", "forward", "output", "postrouting", "ingress"] as const;
const OTHER_HOOKS: Readonly<Record<string, readonly string[]>> = {
  arp: ["input", "output"],
  netdev: ["ingress", "egress"],
};
const HEADER = 4;

function commentOf(userdata: Uint8Array | undefined): string[] {
  const comment = keptOf(userdata).get(0);
  return comment ? [`\t\tcomment ${quoted(text(comment))};`] : [];
}

function chainHead(attributes: Attributes, family: string): string[] {
  const { HOOK, POLICY, TYPE, USERDATA, FLAGS } = NFTA.CHAIN;
  const hook = attributes.get(HOOK);
  if (be32(attributes.get(FLAGS)) && (be32(attributes.get(FLAGS)) ?? 0) & 2) throw new Untold("a chain of hardware");
  const comment = commentOf(attributes.get(USERDATA));
  if (hook === undefined) return comment;
  const data = parseAttributes(hook);
  const word = (OTHER_HOOKS[family] ?? HOOKS)[be32(data.get(NFTA.HOOK.HOOKNUM)) ?? -1];
  const priority = (be32(data.get(NFTA.HOOK.PRIORITY)) ?? 0) | 0;
  const device = data.get(NFTA.HOOK.DEV);
  if (word === undefined || (data.has(NFTA.HOOK.DEVS) && device === undefined)) throw new Untold("a hook");
  const on = device ? ` device ${quoted(text(device))}` : "";
  const policy = be32(attributes.get(POLICY)) === 0 ? "drop" : "accept";
  const type = text(attributes.get(TYPE)) || "filter";
  return [...comment, `\t\ttype ${type} hook ${word}${on} priority ${priority}; policy ${policy};`];
}

function tellTable(messages: readonly Said[], table: Said): string {
  const own = parseAttributes(table.payload.subarray(HEADER));
  const number = table.payload[0];
  const family = Object.entries(FAMILIES).find(([, one]) => one === number)?.[0];
  const called = name(own.get(NFTA.TABLE.NAME));
  if (family === undefined) throw new Untold(`the family ${number}`);
  const of = (type: number, tableAt: number): Attributes[] =>
    messages
      .filter((one) => one.type === type && one.payload[0] === number)
      .map((one) => parseAttributes(one.payload.subarray(HEADER)))
      .filter((attributes) => text(attributes.get(tableAt)) === called);
  const filled = Map.groupBy(of(NFT_MSG.NEWSETELEM, 1), (one) => text(one.get(NFTA.SET_ELEM_LIST.SET)));
  const sets = new Map<string, ToldSet>();
  for (const one of of(NFT_MSG.NEWSET, 1)) {
    const set = text(one.get(NFTA.SET.NAME));
    sets.set(set, tellSet(one, filled.get(set) ?? []));
  }
  const objects = of(NFT_MSG.NEWOBJ, 1).map((one) => {
    const { TYPE, DATA, NAME } = NFTA.OBJ;
    const { kind, words } = objectWords(be32(one.get(TYPE)) ?? 0, one.get(DATA));
    return `\t${kind} ${name(one.get(NAME))} {\n\t\t${words}\n\t}`;
  });
  const rules = Map.groupBy(of(NFT_MSG.NEWRULE, 1), (one) => text(one.get(NFTA.RULE.CHAIN)));
  const chains = of(NFT_MSG.NEWCHAIN, 1).map((one) => {
    const within = (rules.get(text(one.get(NFTA.CHAIN.NAME))) ?? []).map(
      (rule) => `\t\t${tellRule(rule, family, sets)}`,
    );
    return [`\tchain ${name(one.get(NFTA.CHAIN.NAME))} {`, ...chainHead(one, family), ...within, "\t}"].join("\n");
  });
  const flags = (be32(own.get(NFTA.TABLE.FLAGS)) ?? 0) & 1 ? ["\tflags dormant"] : [];
  const comment = keptOf(own.get(NFTA.TABLE.USERDATA)).get(0);
  const said = comment ? [`\tcomment ${quoted(text(comment))}`] : [];
  const isNamed = ({ name }: ToldSet) => !/^__(set|map)\d+$/.test(name);
  const declared = [...sets.values()].filter(isNamed).map(declaration);
  return [`table ${family} ${called} {`, ...said, ...flags, ...objects, ...declared, ...chains, "}", ""].join("\n");
}

/**
 * @param messages that make the rule set
 * @throws Untold where there are no words for something
 */
export function tellRuleset(messages: readonly Said[]): string {
  const tables = messages.filter(({ type }) => type === NFT_MSG.NEWTABLE);
  return tables.map((table) => tellTable(messages, table)).join("");
}
