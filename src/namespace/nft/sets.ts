/** Sets and maps: their elements, and intervals as the kernel keeps them. */
import { PayloadBuilder } from "../../kernel/netlink.ts";
import type { Message } from "../../kernel/nftables.ts";
import { NFT_MSG } from "../../kernel/uapi/netfilter.ts";
import {
  DATA_VERDICT,
  ITEM,
  NFT_OBJECT,
  NFT_SET,
  NFT_SET_ELEM,
  NFTA,
  VERDICT,
} from "../../kernel/uapi/nft-expressions.ts";
import { be64, type Expression, type Verdict, writeExpression, writeVerdict } from "./build.ts";
import { type Data, FAMILIES, type SetKind, type TableName } from "./context.ts";
import type { Reader } from "./reader.ts";
import { readStateful } from "./stateful.ts";
import { bytesOf, type DataType, padded } from "./types.ts";
import { type Names, readSpan, readTime, type Span } from "./values.ts";

export interface Element {
  /** Part by part; undefined for the one that stands for all others. */
  readonly key: readonly Span[] | undefined;
  readonly data: readonly Span[] | Verdict | string | undefined;
  readonly timeout: bigint | undefined;
  readonly expires: bigint | undefined;
  readonly comment: string | undefined;
  readonly state: Expression | undefined;
}

export function readVerdict(reader: Reader): Verdict | undefined {
  const code = reader.oneOf(Object.keys(VERDICT) as (keyof typeof VERDICT)[]);
  if (code === undefined) return undefined;
  return { code, chain: code === "jump" || code === "goto" ? reader.next() : undefined };
}

/** Values of several types, joined by dots. */
function readJoined(reader: Reader, types: readonly DataType[], names: Names): Span[] {
  return types.map((type, index) => {
    if (index > 0) reader.expect(".");
    return readSpan(reader, type, names);
  });
}

function readData(reader: Reader, data: Data, names: Names): Element["data"] {
  if (data !== "verdict") return typeof data === "string" ? reader.next() : readJoined(reader, data, names);
  const verdict = readVerdict(reader);
  if (verdict === undefined) throw reader.unknown();
  return verdict;
}

export function readElement(reader: Reader, { key: types, data: leadsTo }: SetKind, names: Names): Element {
  const key = reader.take("*") ? undefined : readJoined(reader, types, names);
  let timeout: bigint | undefined;
  let expires: bigint | undefined;
  let comment: string | undefined;
  let state: Expression | undefined;
  for (;;) {
    if (reader.take("timeout")) timeout = readTime(reader);
    else if (reader.take("expires")) expires = readTime(reader);
    else if (reader.take("comment")) comment = reader.next();
    else {
      const found: Expression | undefined = state === undefined ? readStateful(reader) : undefined;
      if (found === undefined) break;
      state = found;
    }
  }
  if (leadsTo !== undefined) reader.expect(":");
  const data = leadsTo === undefined ? undefined : readData(reader, leadsTo, names);
  return { key, data, timeout, expires, comment, state };
}

export const isInterval = ({ key }: Element): boolean => key?.some(({ from, to }) => from !== to) === true;

const joined = (parts: readonly Uint8Array[]) =>
  Buffer.concat(
    parts.map((part) =>
      Buffer.concat([part, new Uint8Array(parts.length > 1 ? padded(part.length) - part.length : 0)]),
    ),
  );

export const keyLength = (types: readonly DataType[]): number =>
  types.length === 1 ? (types[0]?.size ?? 0) : types.reduce((all, { size }) => all + padded(size), 0);

/** What nft keeps with an element for its own listings: a comment, and that an interval has no end. */
const USERDATA = { COMMENT: 0, FLAGS: 1 } as const;
const OPEN = Uint8Array.of(USERDATA.FLAGS, 4, 1, 0, 0, 0);

export function commentData(comment: string, type: number = USERDATA.COMMENT): Uint8Array {
  const text = new TextEncoder().encode(`${comment}\0`);
  return Uint8Array.of(type, text.length, ...text);
}

interface Piece {
  readonly key: Uint8Array | undefined;
  readonly keyEnd?: Uint8Array;
  readonly flags: number;
  readonly of?: Element;
  readonly isOpen?: boolean;
}

/** As the kernel keeps them: intervals by where they begin and where the next thing begins, joined keys by both ends. */
function piecesOf(elements: readonly Element[], { key: types, flags }: SetKind): Piece[] {
  const whole = (element: Element): Piece[] =>
    element.key ? [] : [{ key: undefined, flags: NFT_SET_ELEM.CATCHALL, of: element }];
  const others = elements.flatMap(whole);
  const own = elements.flatMap((of) => (of.key ? [{ of, key: of.key }] : []));
  const [type] = types;
  const isOfIntervals = (flags & NFT_SET.INTERVAL) !== 0;
  const bytes = (key: readonly Span[], end: "from" | "to") =>
    joined(key.map((part, i) => bytesOf(part[end], types[i]?.size ?? 0, types[i]?.isHost === true && !isOfIntervals)));
  if (!isOfIntervals) return [...own.map(({ of, key }) => ({ key: bytes(key, "from"), flags: 0, of })), ...others];
  if (types.length > 1 || type === undefined)
    return [
      ...own.map(({ of, key }) => ({ key: bytes(key, "from"), keyEnd: bytes(key, "to"), flags: 0, of })),
      ...others,
    ];
  const last = (1n << BigInt(8 * type.size)) - 1n;
  const spans = own.flatMap(({ of, key: [span] }) => (span ? [{ of, ...span }] : []));
  spans.sort((one, other) => (one.from < other.from ? -1 : 1));
  const at = (value: bigint) => bytesOf(value, type.size, false);
  const pieces: Piece[] = [];
  if (spans[0] !== undefined && spans[0].from > 0n) pieces.push({ key: at(0n), flags: NFT_SET_ELEM.INTERVAL_END });
  for (const { of, from, to } of spans) {
    pieces.push({ key: at(from), flags: 0, of, isOpen: to === last });
    if (to !== last) pieces.push({ key: at(to + 1n), flags: NFT_SET_ELEM.INTERVAL_END });
  }
  return [...pieces, ...others];
}

function writeData(to: PayloadBuilder, data: Element["data"], { data: leadsTo }: SetKind): void {
  const { DATA, OBJREF } = NFTA.SET_ELEM;
  if (data === undefined || leadsTo === undefined) return;
  if (typeof data === "string") to.text(OBJREF, data);
  else if ("code" in data) writeVerdict(to, DATA, data);
  else if (typeof leadsTo !== "string") {
    const parts = data.map(({ from }, i) => bytesOf(from, leadsTo[i]?.size ?? 0, leadsTo[i]?.isHost === true));
    to.nest(DATA, (value) => value.attribute(NFTA.DATA.VALUE, joined(parts)));
  }
}

function writePiece(to: PayloadBuilder, { key, keyEnd, flags, of, isOpen }: Piece, kind: SetKind): void {
  const { KEY, KEY_END, FLAGS, TIMEOUT, EXPIRATION, USERDATA: KEPT, EXPR } = NFTA.SET_ELEM;
  to.nest(ITEM, (element) => {
    if (key) element.nest(KEY, (value) => value.attribute(NFTA.DATA.VALUE, key));
    if (keyEnd) element.nest(KEY_END, (value) => value.attribute(NFTA.DATA.VALUE, keyEnd));
    if (flags !== 0) element.be32(FLAGS, flags);
    if (of === undefined) return;
    writeData(element, of.data, kind);
    if (of.timeout !== undefined) element.attribute(TIMEOUT, be64(of.timeout));
    if (of.expires !== undefined) element.attribute(EXPIRATION, be64(of.expires));
    const kept = [...(of.comment === undefined ? [] : commentData(of.comment)), ...(isOpen ? OPEN : [])];
    if (kept.length > 0) element.attribute(KEPT, Uint8Array.from(kept));
    if (of.state) writeExpression(element, of.state, EXPR);
  });
}

export const headOf = ({ family }: TableName): Uint8Array => Uint8Array.of(FAMILIES[family], 0, 0, 0);

/** A message holds so many of them. */
const PORTION = 100;

/** Messages that fill a set. @param id its number in the batch */
export function elementsOf(
  table: TableName,
  set: { readonly name: string; readonly id: number },
  kind: SetKind,
  elements: readonly Element[],
): Message[] {
  const { TABLE, SET, ELEMENTS } = NFTA.SET_ELEM_LIST;
  const SET_ID = 4;
  const pieces = piecesOf(elements, kind);
  return Array.from({ length: Math.ceil(pieces.length / PORTION) }, (_, index): Message => {
    const some = pieces.slice(index * PORTION, (index + 1) * PORTION);
    const payload = new PayloadBuilder()
      .raw(headOf(table))
      .text(TABLE, table.name)
      .text(SET, set.name)
      .be32(SET_ID, set.id)
      .nest(ELEMENTS, (list) => {
        for (const piece of some) writePiece(list, piece, kind);
      })
      .build();
    return { type: NFT_MSG.NEWSETELEM, flags: 0, payload };
  });
}

export interface SetOptions {
  readonly timeout?: bigint;
  readonly gcInterval?: bigint;
  readonly size?: number;
  readonly policy?: number;
  readonly isMerged?: boolean;
  readonly comment?: string;
  readonly state?: Expression;
}

const typeNumber = (types: readonly DataType[]) => types.reduce((all, { id }) => (all << 6) | id, 0);
/** What nft keeps with a set: the order of bytes of keys and of what they lead to, that intervals are joined, a comment. */
const KEPT = { KEY_ORDER: 0, DATA_ORDER: 1, MERGED: 2, COMMENT: 7 } as const;
const [HOST, BIG] = [1, 2];

function keptOf({ key, data }: SetKind, { isMerged, comment }: SetOptions): Uint8Array {
  const number = (type: number, value: number) => [type, 4, value, 0, 0, 0];
  const order = (types: readonly DataType[]) =>
    types.length === 1 && (types[0]?.isHost || types[0]?.isName) ? HOST : BIG;
  return Uint8Array.from([
    ...number(KEPT.KEY_ORDER, order(key)),
    ...(data && typeof data !== "string" ? number(KEPT.DATA_ORDER, order(data)) : []),
    ...(isMerged ? number(KEPT.MERGED, 1) : []),
    ...(comment === undefined ? [] : commentData(comment, KEPT.COMMENT)),
  ]);
}

/** The message that makes a set. */
export function setOf(
  table: TableName,
  set: { readonly name: string; readonly id: number },
  kind: SetKind,
  options: SetOptions = {},
): Message {
  const { SET } = NFTA;
  const { key, data, flags } = kind;
  const built = new PayloadBuilder()
    .raw(headOf(table))
    .text(SET.TABLE, table.name)
    .text(SET.NAME, set.name)
    .be32(SET.FLAGS, flags)
    .be32(SET.ID, set.id)
    .be32(SET.KEY_TYPE, typeNumber(key))
    .be32(SET.KEY_LEN, keyLength(key));
  if (data === "verdict") built.be32(SET.DATA_TYPE, DATA_VERDICT).be32(SET.DATA_LEN, 16);
  else if (typeof data === "string") built.be32(SET.OBJ_TYPE, NFT_OBJECT[data]);
  else if (data) built.be32(SET.DATA_TYPE, typeNumber(data)).be32(SET.DATA_LEN, keyLength(data));
  if (options.policy !== undefined) built.be32(SET.POLICY, options.policy);
  built.nest(SET.DESC, (desc) => {
    if (options.size !== undefined) desc.be32(NFTA.SET_DESC.SIZE, options.size);
    if ((flags & NFT_SET.CONCAT) !== 0)
      desc.nest(NFTA.SET_DESC.CONCAT, (list) => {
        for (const { size } of key) list.nest(ITEM, (field) => field.be32(1, size));
      });
  });
  if (options.timeout !== undefined) built.attribute(SET.TIMEOUT, be64(options.timeout));
  if (options.gcInterval !== undefined) built.be32(SET.GC_INTERVAL, Number(options.gcInterval));
  if (options.state) writeExpression(built, options.state, SET.EXPR);
  return { type: NFT_MSG.NEWSET, flags: 0, payload: built.attribute(SET.USERDATA, keptOf(kind, options)).build() };
}
