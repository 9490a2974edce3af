/** Matches: what a rule looks at, and what it is to be. */
import { CMP, NFT_SET } from "../../kernel/uapi/nft-expressions.ts";
import { bitwise, compare, lookUp, outside, REGISTER, type SetName, toNetworkOrder } from "./build.ts";
import { type Data, learn, type RuleContext, require, type SetKind } from "./context.ts";
import { readSelector, type Selector } from "./fields.ts";
import type { Reader } from "./reader.ts";
import { type Element, elementsOf, isInterval, readElement, setOf } from "./sets.ts";
import { bytesOf, type DataType, padded } from "./types.ts";
import { bitsOf, type Names, readSpan, type Span } from "./values.ts";

/** Elements in braces. */
export function readElements(reader: Reader, kind: SetKind, names: Names): Element[] {
  const elements: Element[] = [];
  reader.inBraces(() => void elements.push(readElement(reader, kind, names)));
  return elements;
}

/** The set that stands next: one of a name, or one of the rule's own. */
function readSet(context: RuleContext, key: readonly DataType[], data?: Data): { name: SetName; kind: SetKind } {
  const { reader, names, table, before } = context;
  const word = reader.peek();
  if (word.startsWith("@")) {
    const name = reader.next().slice(1);
    const kind = context.sets.get(name);
    const isFit = kind && kind.key.length === key.length && (kind.data === undefined) === (data === undefined);
    if (!isFit) throw reader.unknown(word);
    return { name: { name, id: undefined }, kind };
  }
  const own = { key, data, flags: NFT_SET.ANONYMOUS | NFT_SET.CONSTANT | (data === undefined ? 0 : NFT_SET.MAP) };
  const elements = readElements(reader, own, names);
  const intervals = key.length > 1 ? NFT_SET.INTERVAL | NFT_SET.CONCAT : NFT_SET.INTERVAL;
  const kind = { ...own, flags: own.flags | (elements.some(isInterval) ? intervals : 0) };
  const set = { name: data === undefined ? "__set%d" : "__map%d", id: context.number() };
  before.push(
    setOf(table, set, kind, { size: Math.max(1, elements.length) }),
    ...elementsOf(table, set, kind, elements),
  );
  return { name: set, kind };
}

/** Loads what is looked at into the registers, one behind the other. */
export function load(context: RuleContext, selectors: readonly Selector[]): void {
  for (const { needs } of selectors) require(context, needs);
  let register: number = REGISTER.FIRST;
  for (const selector of selectors) {
    context.steps.push(selector.load(register));
    register += padded(selector.size) / 4;
  }
}

/** Looks what was loaded up in the set that stands next. @param into of a map: where what it leads to goes */
export function lookUpNext(
  context: RuleContext,
  selectors: readonly Selector[],
  how: { readonly isInverse?: boolean; readonly data?: Data; readonly into?: number },
): void {
  const { steps, reader } = context;
  const types = selectors.map(({ type }) => type);
  // a set would have to hold shifted values, and in joined keys intervals of this machine's order
  if (selectors.some(({ mask }) => mask !== undefined)) throw reader.unknown("bits of a field in a set");
  const { name, kind } = readSet(context, types, how.data);
  const isOfIntervals = (kind.flags & NFT_SET.INTERVAL) !== 0;
  const [first] = selectors;
  if (isOfIntervals && first?.type.isHost) {
    if (selectors.length > 1) throw reader.unknown("intervals of joined keys");
    steps.push(toNetworkOrder(first.size));
  }
  if (isOfIntervals && selectors.some(({ type }) => type.isName)) throw reader.unknown("intervals of names");
  steps.push(lookUp(name, how.isInverse === true, how.into));
}

export function readSelectors(reader: Reader, first: Selector): Selector[] {
  const all = [first];
  while (reader.take(".")) {
    const next = readSelector(reader);
    if (next === undefined) throw reader.unknown();
    all.push(next);
  }
  return all;
}

const ORDERS = { "<": CMP.LT, "<=": CMP.LTE, ">": CMP.GT, ">=": CMP.GTE } as const;
const orders = Object.keys(ORDERS) as (keyof typeof ORDERS)[];

/** `a | b`, in parentheses or not; several bits by commas. */
function readBits(reader: Reader, type: DataType, names: Names): bigint {
  const isInner = reader.take("(");
  let bits = 0n;
  do {
    const word = reader.next();
    const value = bitsOf(word, type, names);
    if (value === undefined || value >= 1n << BigInt(8 * type.size)) throw reader.unknown(word);
    bits |= value;
  } while (reader.take("|"));
  if (isInner) reader.expect(")");
  return bits;
}

/** A match that begins with what it looks at. */
export function readMatch(context: RuleContext, first: Selector): void {
  const { reader, steps } = context;
  const selectors = readSelectors(reader, first);
  load(context, selectors);
  if (reader.take("vmap")) {
    lookUpNext(context, selectors, { data: "verdict", into: REGISTER.VERDICT });
    return;
  }
  const order = reader.oneOf(orders);
  if (order !== undefined) {
    const { from } = readSpan(reader, first.type, context.names);
    if (selectors.length > 1 || first.mask !== undefined) throw reader.unknown(order);
    if (first.type.isHost) steps.push(toNetworkOrder(first.size));
    steps.push(compare(ORDERS[order], bytesOf(from, first.size, false)));
    return;
  }
  if (reader.take("&")) {
    masked(context, first, readBits(reader, first.type, context.names), selectors.length);
    return;
  }
  const isInverse = reader.take("!=");
  const isNone = !isInverse && reader.take("!");
  if (!isInverse) reader.take("==");
  if (reader.peek() === "{" || reader.peek().startsWith("@")) lookUpNext(context, selectors, { isInverse });
  else if (selectors.length > 1) throw reader.unknown("a joined value");
  else one(context, first, isInverse, isNone);
}

/** `& mask == value` */
function masked({ reader, names, steps }: RuleContext, first: Selector, mask: bigint, count: number): void {
  if (count > 1 || first.mask !== undefined) throw reader.unknown("&");
  const isInverse = reader.take("!=");
  if (!isInverse) reader.expect("==");
  const value = readBits(reader, first.type, names);
  const bytes = (one: bigint) => bytesOf(one, first.size, first.type.isHost === true);
  steps.push(bitwise(bytes(mask), bytes(0n)), compare(isInverse ? CMP.NEQ : CMP.EQ, bytes(value)));
}

function one(context: RuleContext, selector: Selector, isInverse: boolean, isNone: boolean): void {
  const { reader, names, steps } = context;
  const { type, size, shift, tells } = selector;
  const isExplicit = isInverse || reader.peek(-1) === "==";
  const span = readSpan(reader, type, names);
  const isHost = type.isHost === true;
  const bytes = (value: bigint, inHostOrder = isHost) => bytesOf(value, size, inHostOrder);
  const op = isInverse ? CMP.NEQ : CMP.EQ;
  if (type.isBits && reader.take("/")) {
    const mask = readBits(reader, type, names);
    steps.push(bitwise(bytes(mask), bytes(0n)), compare(op, bytes(span.from)));
  } else if (isNone || (type.isBits && !isExplicit)) {
    // some of these bits, or none of them
    steps.push(bitwise(bytes(span.from), bytes(0n)), compare(isNone ? CMP.EQ : CMP.NEQ, bytes(0n)));
  } else if (selector.mask !== undefined) {
    if (span.from !== span.to || span.from << BigInt(shift) > selector.mask) throw reader.unknown("a range of bits");
    steps.push(bitwise(bytes(selector.mask), bytes(0n)), compare(op, bytes(span.from << BigInt(shift))));
  } else if (span.from === span.to) {
    steps.push(compare(op, bytes(span.from)));
    if (tells && !isInverse) learn(context, tells, span.from);
  } else if (type.isName) {
    // the beginning of a name
    steps.push(compare(op, bytes(span.from).subarray(0, (span.prefix ?? 0) / 8)));
  } else if (span.prefix !== undefined) {
    const mask = ((1n << BigInt(span.prefix)) - 1n) << BigInt(8 * type.size - span.prefix);
    steps.push(bitwise(bytes(mask), bytes(0n)), compare(op, bytes(span.from)));
  } else between(context, span, isHost, isInverse, size);
}

function between({ steps }: RuleContext, { from, to }: Span, isHost: boolean, isInverse: boolean, size: number): void {
  if (isHost) steps.push(toNetworkOrder(size));
  const [low, high] = [bytesOf(from, size, false), bytesOf(to, size, false)];
  if (isInverse) steps.push(outside(low, high));
  else steps.push(compare(CMP.GTE, low), compare(CMP.LTE, high));
}
