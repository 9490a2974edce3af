/** Where a rule stands while it is read: what it makes besides itself, and what is known of packets that come so far. */
import type { Message } from "../../kernel/nftables.ts";
import { CMP, NFTA } from "../../kernel/uapi/nft-expressions.ts";
import { compare, type Expression, simple } from "./build.ts";
import type { Needs } from "./fields.ts";
import type { Reader } from "./reader.ts";
import { bytesOf, type DataType } from "./types.ts";
import type { Names } from "./values.ts";

/** NFPROTO_* */
export const FAMILIES = { inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 } as const;
export type Family = keyof typeof FAMILIES;

/** What a set leads to. */
export type Data = readonly DataType[] | "verdict" | "counter" | "quota" | "limit";

export interface SetKind {
  readonly key: readonly DataType[];
  readonly data: Data | undefined;
  /** NFT_SET */
  readonly flags: number;
}

export interface TableName {
  readonly family: Family;
  readonly name: string;
}

export interface NamedSets {
  readonly table: TableName;
  readonly sets: Map<string, SetKind>;
  /** A number for a set of the batch. */
  number(): number;
}

/** A rule that is being read. */
export interface RuleContext extends NamedSets {
  readonly reader: Reader;
  readonly names: Names;
  readonly steps: Expression[];
  /** Sets of its own. */
  readonly before: Message[];
  readonly known: { network?: string; transport?: number; isEther?: boolean };
}

const NETWORKS = {
  ip: { nfproto: 2, type: 0x800 },
  ip6: { nfproto: 10, type: 0x86dd },
  arp: { nfproto: 3, type: 0x806 },
};
const [META_PROTOCOL, META_IIFTYPE, META_NFPROTO, META_L4PROTO] = [1, 8, 15, 16];
const ARPHRD_ETHER = 1n;

function isMeta(steps: Expression[], key: number, bytes: Uint8Array): void {
  const { DREG, KEY } = NFTA.META;
  steps.push(
    simple("meta", [
      [KEY, key],
      [DREG, 8],
    ]),
    compare(CMP.EQ, bytes),
  );
}

/** Lets only packets on that have the fields: nft leaves out what follows from the next thing that it lists. */
export function require({ known, steps, table }: RuleContext, { network, transport, isEther }: Needs): void {
  const { family } = table;
  if (isEther && !known.isEther && family !== "bridge") {
    isMeta(steps, META_IIFTYPE, bytesOf(ARPHRD_ETHER, 2, true));
    known.isEther = true;
  }
  // whoever asked for the protocol above is taken to know of which network it is
  const isKnown = transport !== undefined && known.transport === transport;
  if (network !== undefined && known.network === undefined && !isKnown) {
    const { nfproto, type } = NETWORKS[network];
    if (family === "inet") isMeta(steps, META_NFPROTO, Uint8Array.of(nfproto));
    else isMeta(steps, META_PROTOCOL, bytesOf(BigInt(type), 2, false));
    known.network = network;
  }
  if (transport !== undefined && known.transport === undefined) {
    isMeta(steps, META_L4PROTO, Uint8Array.of(transport));
    known.transport = transport;
  }
}

/** A packet has this value of something that tells what it is. */
export function learn({ known }: Pick<RuleContext, "known">, what: "network" | "transport", value: bigint): void {
  if (what === "transport") known.transport = Number(value);
  else {
    const found = Object.entries(NETWORKS).find(([, { nfproto, type }]) => [nfproto, type].includes(Number(value)));
    if (found) known.network = found[0];
  }
}
