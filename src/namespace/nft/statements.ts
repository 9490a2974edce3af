/** Statements: what a rule does with a packet. */

import { NFTA } from "../../kernel/uapi/nft-expressions.ts";
import {
  be64,
  bitwise,
  decide,
  type Expression,
  immediate,
  REGISTER,
  simple,
  toNetworkOrder,
  writeExpression,
} from "./build.ts";
import { type RuleContext, require } from "./context.ts";
import { readHelperSet } from "./ct-helper.ts";
import { readSelector, type Selector } from "./fields.ts";
import { load, lookUpNext, readMatch, readSelectors } from "./match.ts";
import { readNat } from "./nat.ts";
import { readVerdict } from "./sets.ts";
import { readStateful } from "./stateful.ts";
import { readReset } from "./tcp-options.ts";
import { bytesOf, icmpCodes, icmpv6Codes } from "./types.ts";
import { readSpan, readTime } from "./values.ts";

const LEVELS = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit"] as const;
const LOG_FLAGS: Readonly<Record<string, number>> = {
  ...{ "tcp sequence": 1, "tcp options": 2, "tcp sequence,options": 3, "ip options": 4, skuid: 8, ether: 32, all: 47 },
};

function log({ reader, steps }: RuleContext): void {
  const { GROUP, PREFIX, SNAPLEN, QTHRESHOLD, LEVEL, FLAGS } = NFTA.LOG;
  const said: {
    prefix?: string;
    group?: number;
    snaplen?: number;
    threshold?: number;
    level?: number;
    flags?: number;
  } = {};
  for (;;) {
    if (reader.take("prefix")) said.prefix = reader.next();
    else if (reader.take("group")) said.group = reader.number();
    else if (reader.take("snaplen")) said.snaplen = reader.number();
    else if (reader.take("queue-threshold")) said.threshold = reader.number();
    else if (reader.take("level")) {
      const level = reader.oneOf(LEVELS);
      if (level === undefined) throw reader.unknown();
      said.level = LEVELS.indexOf(level);
    } else if (reader.take("flags")) {
      const word = reader.next();
      const flag = LOG_FLAGS[word] ?? LOG_FLAGS[`${word} ${reader.peek()}`];
      if (flag === undefined) throw reader.unknown(word);
      if (LOG_FLAGS[word] === undefined) reader.next();
      said.flags = (said.flags ?? 0) | flag;
    } else break;
  }
  const fill: Expression["fill"] = (data) => {
    if (said.prefix !== undefined) data.text(PREFIX, said.prefix);
    if (said.group !== undefined) data.be16(GROUP, said.group);
    if (said.snaplen !== undefined) data.be32(SNAPLEN, said.snaplen);
    if (said.threshold !== undefined) data.be16(QTHRESHOLD, said.threshold);
    if (said.level !== undefined) data.be32(LEVEL, said.level);
    if (said.flags !== undefined) data.be32(FLAGS, said.flags);
  };
  steps.push({ name: "log", fill });
}

const REJECT = { UNREACH: 0, RESET: 1, ICMPX: 2 } as const;
const icmpxCodes = { "no-route": 0, "port-unreachable": 1, "host-unreachable": 2, "admin-prohibited": 3 };
const PORT_UNREACHABLE = { ip: 3, ip6: 4, icmpx: 1 } as const;

function reject(context: RuleContext): void {
  const { reader, steps, table, known } = context;
  const push = (type: number, code?: number) =>
    void steps.push({
      name: "reject",
      fill: (data) => {
        data.be32(NFTA.REJECT.TYPE, type);
        if (code !== undefined) data.u8(NFTA.REJECT.CODE, code);
      },
    });
  const isOfOne = table.family === "ip" || table.family === "ip6";
  if (!reader.take("with")) {
    if (isOfOne) push(REJECT.UNREACH, PORT_UNREACHABLE[known.network === "ip6" ? "ip6" : "ip"]);
    else push(REJECT.ICMPX, PORT_UNREACHABLE.icmpx);
    return;
  }
  const word = reader.next();
  if (word === "tcp") {
    reader.expect("reset");
    require(context, { transport: 6 });
    push(REJECT.RESET, 0);
    return;
  }
  const kinds = {
    icmp: { codes: icmpCodes, network: "ip" },
    icmpv6: { codes: icmpv6Codes, network: "ip6" },
    icmpx: { codes: icmpxCodes, network: undefined },
  } as const;
  if (!(word in kinds)) throw reader.unknown(word);
  reader.take("type");
  const { codes, network } = kinds[word as keyof typeof kinds];
  const name = reader.next();
  const code = (codes as Readonly<Record<string, number>>)[name] ?? (/^\d+$/.test(name) ? Number(name) : undefined);
  if (code === undefined) throw reader.unknown(name);
  if (network !== undefined) require(context, { network });
  push(network === undefined ? REJECT.ICMPX : REJECT.UNREACH, code);
}

/** `meta mark set …`: a value, something else that is known, changed by masks or led to by a map. */
function set(context: RuleContext, { setter, type, size }: Selector): void {
  const { reader, steps, names } = context;
  if (setter === undefined) throw reader.unknown("set");
  const from = readSelector(reader);
  if (from === undefined) {
    const span = readSpan(reader, type, names);
    if (span.from !== span.to) throw reader.unknown("a range to be set");
    steps.push(immediate(bytesOf(span.from, size, type.isHost === true)));
  } else {
    const selectors = readSelectors(reader, from);
    load(context, selectors);
    if (reader.take("map")) lookUpNext(context, selectors, { data: [type], into: REGISTER.FIRST });
    else if (selectors.length > 1 || from.size !== size) throw reader.unknown("set");
    else {
      change(context, from);
      if (from.type.isHost && !type.isHost && size > 1) steps.push(toNetworkOrder(size));
    }
  }
  steps.push(setter(REGISTER.FIRST));
}

/** `& a | b ^ c`, which is (value & mask) ^ xor. */
function change({ reader, steps, names }: RuleContext, { type, size }: Selector): void {
  const all = (1n << BigInt(8 * size)) - 1n;
  let [mask, xor] = [all, 0n];
  for (;;) {
    const op = reader.oneOf(["&", "|", "^"]);
    if (op === undefined) break;
    const span = readSpan(reader, type, names);
    const value = span.from;
    if (op === "&") [mask, xor] = [mask & value, xor & value];
    else if (op === "|") [mask, xor] = [mask & (all ^ value), (xor & (all ^ value)) | value];
    else xor ^= value;
  }
  const bytes = (value: bigint) => bytesOf(value, size, type.isHost === true);
  if (mask !== all || xor !== 0n) steps.push(bitwise(bytes(mask), bytes(xor)));
}

const UPDATES = { add: 0, update: 1, delete: 2 } as const;

/** `add @set { ip saddr timeout 5m limit rate 3/minute }` */
function update(context: RuleContext, op: keyof typeof UPDATES): void {
  const { reader, steps } = context;
  const word = reader.next();
  const name = word.slice(1);
  const kind = context.sets.get(name);
  if (!word.startsWith("@") || kind === undefined || kind.data !== undefined) throw reader.unknown(word);
  reader.expect("{");
  const first = readSelector(reader);
  if (first === undefined) throw reader.unknown();
  const selectors = readSelectors(reader, first);
  if (selectors.some(({ mask }) => mask !== undefined)) throw reader.unknown("bits of a field in a set");
  load(context, selectors);
  const timeout = reader.take("timeout") ? readTime(reader) : undefined;
  const state = readStateful(reader);
  reader.expect("}");
  const { NAME, OP, KEY, TIMEOUT, EXPR } = NFTA.DYNSET;
  steps.push({
    name: "dynset",
    fill: (data) => {
      data.text(NAME, name).be32(OP, UPDATES[op]).be32(KEY, REGISTER.FIRST);
      if (timeout !== undefined) data.attribute(TIMEOUT, be64(timeout));
      if (state) writeExpression(data, state, EXPR);
    },
  });
}

/** What iptables' `-m comment` is, which nft lists in the midst of a rule. */
function comment(text: string): Expression {
  const info = new Uint8Array(256);
  info.set(new TextEncoder().encode(text).subarray(0, 255));
  const { NAME, REV, INFO } = { NAME: 1, REV: 2, INFO: 3 };
  return { name: "match", fill: (data) => void data.text(NAME, "comment").be32(REV, 0).attribute(INFO, info) };
}

/** Reads a rule up to its end. @returns its comment */
export function readStatements(context: RuleContext): string | undefined {
  const { reader, steps } = context;
  while (!reader.isAtStatementsEnd) {
    if (reader.take("comment")) {
      const text = reader.next();
      if (reader.isAtStatementsEnd) return text;
      steps.push(comment(text));
      continue;
    }
    const helper = readHelperSet(reader);
    if (helper) {
      steps.push(helper);
      continue;
    }
    const selector = readSelector(reader);
    if (selector) {
      if (reader.take("set")) set(context, selector);
      else readMatch(context, selector);
      continue;
    }
    const simpleStep = readStateful(reader) ?? (reader.take("notrack") ? simple("notrack", []) : undefined);
    if (simpleStep) {
      steps.push(simpleStep);
      continue;
    }
    const verdict = readVerdict(reader);
    const op = verdict ? undefined : reader.oneOf(["add", "update", "delete"]);
    if (verdict) steps.push(decide(verdict));
    else if (op) update(context, op);
    else if (reader.take("log")) log(context);
    else if (reader.take("reset")) steps.push(readReset(reader));
    else if (reader.take("reject")) reject(context);
    else if (!readNat(context)) throw reader.unknown(reader.next());
  }
  return undefined;
}
