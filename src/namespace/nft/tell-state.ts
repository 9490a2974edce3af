/** Counters, limits and quotas of the kernel as words that nft reads. */
import { parseAttributes } from "../../kernel/netlink.ts";
import { NFTA } from "../../kernel/uapi/nft-expressions.ts";
import { CT_HELPER, helperWords } from "./ct-helper.ts";
import { be32, be64, NO_BYTES, quoted, text, Untold } from "./tell-values.ts";

type Attributes = ReadonlyMap<number, Uint8Array>;

function counter(data: Attributes): string {
  const { PACKETS, BYTES } = NFTA.COUNTER;
  return `packets ${be64(data.get(PACKETS)) ?? 0n} bytes ${be64(data.get(BYTES)) ?? 0n}`;
}

const UNITS: Readonly<Record<string, string>> = {
  ...{ "1": "second", "60": "minute", "3600": "hour", "86400": "day", "604800": "week" },
};

function limit(data: Attributes): string {
  const { RATE, UNIT, BURST, TYPE, FLAGS } = NFTA.LIMIT;
  const unit = UNITS[`${be64(data.get(UNIT))}`];
  if (unit === undefined) throw new Untold("limit");
  const over = be32(data.get(FLAGS)) === 1 ? "over " : "";
  const burst = be32(data.get(BURST)) ?? 0;
  const isBytes = be32(data.get(TYPE)) === 1;
  const rate = be64(data.get(RATE)) ?? 0n;
  if (!isBytes) return `rate ${over}${rate}/${unit}${burst ? ` burst ${burst} packets` : ""}`;
  return `rate ${over}${rate} bytes/${unit}${burst ? ` burst ${burst} bytes` : ""}`;
}

function quota(data: Attributes): string {
  const { BYTES, FLAGS, CONSUMED } = NFTA.QUOTA;
  const used = be64(data.get(CONSUMED)) ?? 0n;
  const over = (be32(data.get(FLAGS)) ?? 0) & 1 ? "over " : "";
  return `${over}${be64(data.get(BYTES)) ?? 0n} bytes${used > 0n ? ` used ${used} bytes` : ""}`;
}

const KINDS: Readonly<Record<string, (data: Attributes) => string>> = { counter, limit, quota };
const OBJECTS: Readonly<Record<number, string>> = { 1: "counter", 2: "quota", 4: "limit" };

/** NFT_OBJECT_* of linux/netfilter/nf_tables.h that there are no words for, as nft(8) calls them. */
const WORDLESS: Readonly<Record<number, string>> = {
  5: "ct count",
  6: "tunnel",
  7: "ct timeout",
  8: "secmark",
  9: "ct expectation",
  10: "synproxy",
};

/** What an object of a name is: the words in its braces. */
export function objectWords(type: number, data: Uint8Array | undefined): { kind: string; words: string } {
  if (type === CT_HELPER) return { kind: "ct helper", words: helperWords(data) };
  const kind = OBJECTS[type];
  const tell = kind === undefined ? undefined : KINDS[kind];
  if (kind === undefined || tell === undefined) throw new Untold(`${WORDLESS[type] ?? `kind ${type}`} objects`);
  return { kind, words: tell(parseAttributes(data ?? NO_BYTES)) };
}

/** A statement that counts; undefined for others. */
export function stateWords(name: string, data: Attributes): string | undefined {
  if (name === "objref") {
    const type = be32(data.get(NFTA.OBJREF.TYPE)) ?? 0;
    const kind = OBJECTS[type];
    const of = data.get(NFTA.OBJREF.NAME);
    if (type === CT_HELPER && of !== undefined) return `ct helper set ${quoted(text(of))}`;
    if (kind === undefined || of === undefined) throw new Untold("objref");
    return `${kind} name ${quoted(text(of))}`;
  }
  const tell = KINDS[name];
  return tell && `${name} ${tell(data)}`;
}

/** @param expression with its name */
export function tellState(expression: Uint8Array): string {
  const parts = parseAttributes(expression);
  const name = text(parts.get(NFTA.EXPR.NAME));
  const words = stateWords(name, parseAttributes(parts.get(NFTA.EXPR.DATA) ?? NO_BYTES));
  if (words === undefined) throw new Untold(name);
  return words;
}
