/** A rule set as nft lists it, which is how CRIU saves one, as the messages that make it. */
import { PayloadBuilder } from "../../kernel/netlink.ts";
import type { Message } from "../../kernel/nftables.ts";
import { NFT_MSG } from "../../kernel/uapi/netfilter.ts";
import { NFT_SET, NFTA } from "../../kernel/uapi/nft-expressions.ts";
import { writeExpression } from "./build.ts";
import { readChainHead } from "./chain.ts";
import {
  type Data,
  FAMILIES,
  type Family,
  type NamedSets,
  type RuleContext,
  type SetKind,
  type TableName,
} from "./context.ts";
import { CT_HELPER, readHelper } from "./ct-helper.ts";
import { readSelector } from "./fields.ts";
import { readElements, readSelectors } from "./match.ts";
import { Reader } from "./reader.ts";
import { commentData, type Element, elementsOf, headOf, type SetOptions, setOf } from "./sets.ts";
import { objectKinds, readObject, readStateful } from "./stateful.ts";
import { readStatements } from "./statements.ts";
import { type DataType, typeNamed } from "./types.ts";
import { type Names, readTime } from "./values.ts";

/** What makes it again, in the order in which it is made. */
class Parts {
  readonly tables: Message[] = [];
  readonly objects: Message[] = [];
  readonly chains: Message[] = [];
  readonly sets: Message[] = [];
  readonly rules: Message[] = [];
  /** Something of CRIU's lock was there. */
  isLocked = false;
}

const NLM_F_APPEND = 0x800;

/** The tables by which CRIU holds packets back, and the chain that it makes with iptables: its restore takes them away. */
const isLockTable = ({ family, name }: TableName) => family === "inet" && name.startsWith("CRIU-");
const LOCK_CHAIN = "CRIU";
const mayHaveLock = ({ family, name }: TableName) => (family === "ip" || family === "ip6") && name === "filter";

function object(reader: Reader, table: TableName, kind: (typeof objectKinds)[number]): Message {
  const name = reader.next();
  let comment: string | undefined;
  let state: ReturnType<typeof readObject> | undefined;
  reader.expect("{");
  for (;;) {
    reader.skipEnds();
    if (reader.take("}")) break;
    if (reader.take("comment")) comment = reader.next();
    else state = readObject(reader, kind);
  }
  return madeObject(table, name, { counter: 1, quota: 2, limit: 4 }[kind], state, comment);
}

function madeObject(
  table: TableName,
  name: string,
  type: number,
  state: ReturnType<typeof readObject> | undefined,
  comment?: string,
): Message {
  const { OBJ } = NFTA;
  const built = new PayloadBuilder().raw(headOf(table)).text(OBJ.TABLE, table.name).text(OBJ.NAME, name);
  built.be32(OBJ.TYPE, type).nest(OBJ.DATA, (data) => state?.fill(data));
  if (comment !== undefined) built.attribute(OBJ.USERDATA, commentData(comment));
  return { type: NFT_MSG.NEWOBJ, flags: 0, payload: built.build() };
}

function helper(reader: Reader, table: TableName): Message {
  reader.expect("helper");
  const name = reader.next();
  reader.expect("{");
  return madeObject(table, name, CT_HELPER, readHelper(reader));
}

function readTypes(reader: Reader): DataType[] {
  const types: DataType[] = [];
  do {
    const name = reader.next();
    const type = typeNamed(name);
    if (type === undefined) throw reader.unknown(name);
    types.push(type);
  } while (reader.take("."));
  return types;
}

function typesOf(reader: Reader): DataType[] {
  const first = readSelector(reader);
  if (first === undefined) throw reader.unknown();
  return readSelectors(reader, first).map(({ type, size }) => ({ ...type, size }));
}

/** `type ipv4_addr . inet_service : verdict`, or the same by what is looked at. */
function readKind(reader: Reader, read: (reader: Reader) => DataType[]): Omit<SetKind, "flags"> {
  const key = read(reader);
  if (!reader.take(":")) return { key, data: undefined };
  const data: Data = reader.oneOf(["verdict", ...objectKinds] as const) ?? read(reader);
  return { key, data };
}

const SET_FLAGS: Readonly<Record<string, number>> = {
  ...{ constant: NFT_SET.CONSTANT, interval: NFT_SET.INTERVAL, timeout: NFT_SET.TIMEOUT, dynamic: NFT_SET.EVAL },
};
const POLICIES: Readonly<Record<string, number>> = { performance: 0, memory: 1 };

function readSet(context: NamedSets & { readonly reader: Reader; readonly names: Names }): Message[] {
  const { reader, table, names } = context;
  const name = reader.next();
  let kind: Omit<SetKind, "flags"> | undefined;
  let flags = 0;
  let options: SetOptions = {};
  let elements: Element[] = [];
  const whole = (): SetKind => {
    if (kind === undefined) throw reader.unknown("a set without a type");
    const { data, key } = kind;
    const leads =
      data === undefined ? 0 : typeof data === "string" && data !== "verdict" ? NFT_SET.OBJECT : NFT_SET.MAP;
    const joined = key.length > 1 && (flags & NFT_SET.INTERVAL) !== 0 ? NFT_SET.CONCAT : 0;
    return { ...kind, flags: flags | leads | joined };
  };
  reader.expect("{");
  for (;;) {
    reader.skipEnds();
    if (reader.take("}")) break;
    if (reader.take("type")) kind = readKind(reader, readTypes);
    else if (reader.take("typeof")) kind = readKind(reader, typesOf);
    else if (reader.take("flags")) flags |= readFlags(reader, SET_FLAGS);
    else if (reader.take("timeout")) {
      options = { ...options, timeout: readTime(reader) };
      flags |= NFT_SET.TIMEOUT;
    } else if (reader.take("gc-interval")) options = { ...options, gcInterval: readTime(reader) };
    else if (reader.take("size")) options = { ...options, size: reader.number() };
    else if (reader.take("policy")) options = { ...options, policy: readFlags(reader, POLICIES) };
    else if (reader.take("auto-merge")) options = { ...options, isMerged: true };
    else if (reader.take("comment")) options = { ...options, comment: reader.next() };
    else if (reader.take("elements")) {
      reader.expect("=");
      elements = readElements(reader, whole(), names);
    } else {
      const state = readStateful(reader);
      if (state === undefined) throw reader.unknown(reader.next());
      options = { ...options, state };
    }
  }
  const made = whole();
  if (
    (made.flags & NFT_SET.INTERVAL) !== 0 &&
    made.key.some(({ isName, isHost }) => isName || (made.key.length > 1 && isHost))
  )
    throw reader.unknown("intervals of names, or of joined keys");
  context.sets.set(name, made);
  const set = { name, id: context.number() };
  return [setOf(table, set, made, options), ...elementsOf(table, set, made, elements)];
}

function readFlags(reader: Reader, known: Readonly<Record<string, number>>): number {
  let all = 0;
  do {
    for (const word of reader.next().split(",")) {
      const flag = known[word];
      if (flag === undefined) throw reader.unknown(word);
      all |= flag;
    }
  } while (reader.take(","));
  return all;
}

function readChain(context: NamedSets & { readonly reader: Reader; readonly names: Names }, parts: Parts): void {
  const { reader, table } = context;
  const chain = reader.next();
  const isLock = chain === LOCK_CHAIN && mayHaveLock(table);
  reader.expect("{");
  const head = readChainHead(reader, table, chain);
  if (isLock) parts.isLocked = true;
  const rules: Message[] = [];
  let isLocked = isLock;
  for (;;) {
    reader.skipEnds();
    if (reader.take("}")) break;
    const known: RuleContext["known"] = ["ip", "ip6", "arp"].includes(table.family) ? { network: table.family } : {};
    const rule: RuleContext = { ...context, steps: [], before: [], known };
    const isToLock = mayHaveLock(table) && leadsToLock(reader);
    const comment = readStatements(rule);
    isLocked ||= isToLock;
    if (!isLock && !isToLock) rules.push(...rule.before, ruleOf(rule, chain, comment));
  }
  // nor what iptables made for the lock alone
  if (isLocked && rules.length === 0 && (isLock || head.lets)) return;
  parts.chains.push(head.message);
  parts.rules.push(...rules);
}

/** `counter packets 0 bytes 0 jump CRIU` */
function leadsToLock(reader: Reader): boolean {
  const words = Array.from({ length: 7 }, (_, ahead) => reader.peek(ahead));
  return words[0] === "counter" && words[5] === "jump" && words[6] === LOCK_CHAIN;
}

function ruleOf({ table, steps }: RuleContext, chain: string, comment: string | undefined): Message {
  const { RULE } = NFTA;
  const built = new PayloadBuilder().raw(headOf(table)).text(RULE.TABLE, table.name).text(RULE.CHAIN, chain);
  built.nest(RULE.EXPRESSIONS, (list) => {
    for (const step of steps) writeExpression(list, step);
  });
  if (comment !== undefined) built.attribute(RULE.USERDATA, commentData(comment));
  return { type: NFT_MSG.NEWRULE, flags: NLM_F_APPEND, payload: built.build() };
}

const families = Object.keys(FAMILIES) as Family[];
const TABLE_FLAGS: Readonly<Record<string, number>> = { dormant: 1 };

function readTable(reader: Reader, names: Names, number: () => number): Parts {
  const parts = new Parts();
  const family = reader.oneOf(families);
  if (family === undefined) throw reader.unknown();
  const table: TableName = { family, name: reader.next() };
  const context = { table, reader, names, sets: new Map<string, SetKind>(), number };
  let flags = 0;
  let comment: string | undefined;
  reader.expect("{");
  for (;;) {
    reader.skipEnds();
    if (reader.take("}")) break;
    const kind = reader.oneOf(objectKinds);
    if (kind !== undefined) parts.objects.push(object(reader, table, kind));
    else if (reader.take("ct")) parts.objects.push(helper(reader, table));
    else if (reader.oneOf(["set", "map"])) parts.sets.push(...readSet(context));
    else if (reader.take("chain")) readChain(context, parts);
    else if (reader.take("flags")) flags |= readFlags(reader, TABLE_FLAGS);
    else if (reader.take("comment")) comment = reader.next();
    else throw reader.unknown(reader.next());
  }
  const built = new PayloadBuilder().raw(headOf(table)).text(NFTA.TABLE.NAME, table.name).be32(NFTA.TABLE.FLAGS, flags);
  if (comment !== undefined) built.attribute(NFTA.TABLE.USERDATA, commentData(comment));
  parts.tables.push({ type: NFT_MSG.NEWTABLE, flags: 0, payload: built.build() });
  const { isLocked, chains, sets, objects } = parts;
  const isMadeForIt = isLocked && chains.length + sets.length + objects.length === 0;
  return isLockTable(table) || isMadeForIt ? new Parts() : parts;
}

/**
 * The messages that make what a text says, but for CRIU's own lock.
 * @param image whose text it is
 * @throws CrError UNSUPPORTED that names the line which says something unknown
 */
export function readRuleset(text: string, image: string, names: Names): Message[] {
  const reader = new Reader(text, image);
  let sets = 0;
  const tables: Parts[] = [];
  for (;;) {
    reader.skipEnds();
    if (reader.isAtEnd) break;
    reader.expect("table");
    tables.push(readTable(reader, names, () => ++sets));
  }
  const of = (part: "tables" | "objects" | "chains" | "sets" | "rules") => tables.flatMap((one) => one[part]);
  return [...of("tables"), ...of("objects"), ...of("chains"), ...of("sets"), ...of("rules")];
}
