/** Rules of nf_tables as the kernel tells them, and their removal. */
import { attributeList, Fields, PayloadBuilder, parseAttributes } from "./netlink.ts";
import type { Message, NfTables } from "./nftables.ts";
import { NFT_MSG, NFTA_CHAIN, NFTA_EXPR, NFTA_RULE } from "./uapi/netfilter.ts";

/** Where rules are: a chain of a table. */
export interface ChainName {
  /** NFPROTO */
  readonly family: number;
  readonly table: string;
  readonly chain: string;
}

/** One step of a rule. */
export interface Step {
  readonly name: string;
  /** By its own numbers. */
  readonly data: ReadonlyMap<number, Uint8Array>;
}

export interface ListedRule extends ChainName {
  readonly handle: Uint8Array;
  readonly steps: readonly Step[];
}

/** struct nfgenmsg */
const HEADER = 4;
const none = new Uint8Array(0);

function text(value: Uint8Array | undefined): string {
  return value ? new Fields(value).text() : "";
}

/** Rules of a chain in their order; none where there is no such chain. */
export function listRules(tables: NfTables, { family, table, chain }: ChainName): ListedRule[] {
  // older kernels tell those of other chains, too
  const question = new PayloadBuilder().text(NFTA_RULE.TABLE, table).text(NFTA_RULE.CHAIN, chain).build();
  return tables.list("cannot list rules of nf_tables", NFT_MSG.GETRULE, family, question).flatMap(({ payload }) => {
    const attributes = parseAttributes(payload.subarray(HEADER));
    const isOurs =
      payload[0] === family &&
      text(attributes.get(NFTA_RULE.TABLE)) === table &&
      text(attributes.get(NFTA_RULE.CHAIN)) === chain;
    if (!isOurs) return [];
    const handle = attributes.get(NFTA_RULE.HANDLE) ?? none;
    const steps = attributeList(attributes.get(NFTA_RULE.EXPRESSIONS) ?? none).map(([, value]): Step => {
      const parts = parseAttributes(value);
      return { name: text(parts.get(NFTA_EXPR.NAME)), data: parseAttributes(parts.get(NFTA_EXPR.DATA) ?? none) };
    });
    return [{ family, table, chain, handle, steps }];
  });
}

const header = (family: number) => Uint8Array.of(family, 0, 0, 0);

export function ruleRemoval({ family, table, chain, handle }: ListedRule): Message {
  const payload = new PayloadBuilder()
    .raw(header(family))
    .text(NFTA_RULE.TABLE, table)
    .text(NFTA_RULE.CHAIN, chain)
    .attribute(NFTA_RULE.HANDLE, handle)
    .build();
  return { type: NFT_MSG.DELRULE, flags: 0, payload };
}

/** Of a chain that nothing leads to any more; its rules are to go first. */
export function chainRemoval({ family, table, chain }: ChainName): Message {
  const payload = new PayloadBuilder()
    .raw(header(family))
    .text(NFTA_CHAIN.TABLE, table)
    .text(NFTA_CHAIN.NAME, chain)
    .build();
  return { type: NFT_MSG.DELCHAIN, flags: 0, payload };
}
