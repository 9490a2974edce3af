/** Sets and maps of the kernel as words that nft reads. */
import { attributeList, parseAttributes } from "../../kernel/netlink.ts";
import { DATA_VERDICT, NFT_SET, NFT_SET_ELEM, NFTA, VERDICT } from "../../kernel/uapi/nft-expressions.ts";
import { keyLength } from "./sets.ts";
import { tellState } from "./tell-state.ts";
import {
  be32,
  be64,
  bytesWords,
  NO_BYTES,
  name,
  numberFrom,
  quoted,
  text,
  typeOf,
  typeWord,
  Untold,
  valueWords,
} from "./tell-values.ts";
import { type DataType, padded } from "./types.ts";

type Attributes = ReadonlyMap<number, Uint8Array>;

export interface ToldSet {
  readonly name: string;
  readonly flags: number;
  readonly key: readonly DataType[];
  /** What it leads to; undefined for a set. */
  readonly data: readonly DataType[] | "verdict" | "object" | undefined;
  /** `10.0.0.0/8, …` */
  readonly elements: readonly string[];
  readonly attributes: Attributes;
}

/** 6 bits for each part. */
function typesOf(number: number): DataType[] {
  const types: DataType[] = [];
  for (let left = number; left > 0; left >>>= 6) types.unshift(typeOf(left & 63));
  return types;
}

export function verdictWords(value: Uint8Array | undefined): string {
  const attributes = parseAttributes(value ?? NO_BYTES);
  const code = (be32(attributes.get(NFTA.VERDICT.CODE)) ?? 0) | 0;
  const word = Object.entries(VERDICT).find(([, one]) => one === code)?.[0];
  if (word === undefined) throw new Untold(`the verdict ${code}`);
  const chain = attributes.get(NFTA.VERDICT.CHAIN);
  return chain === undefined ? word : `${word} ${name(chain)}`;
}

export const dataOf = (value: Uint8Array | undefined) => parseAttributes(value ?? NO_BYTES);

function joinedWords(bytes: Uint8Array, types: readonly DataType[], isOfIntervals: boolean): string[] {
  let at = 0;
  return types.map((type) => {
    const part = bytes.subarray(at, at + type.size);
    at += types.length > 1 ? padded(type.size) : type.size;
    return bytesWords(part, type, type.isHost === true && !isOfIntervals);
  });
}

/** What stands behind a key: its timeout, what it counts, a comment, what it leads to. */
function restWords(of: Attributes, data: ToldSet["data"]): string {
  const { TIMEOUT, EXPIRATION, USERDATA, EXPR, DATA, OBJREF } = NFTA.SET_ELEM;
  const [timeout, expires] = [be64(of.get(TIMEOUT)), be64(of.get(EXPIRATION))];
  const kept = of.get(USERDATA);
  const comment = kept?.[0] === 0 ? text(kept.subarray(2, 2 + (kept[1] ?? 0))) : undefined;
  const state = of.get(EXPR);
  const value = dataOf(of.get(DATA));
  const to =
    data === undefined
      ? []
      : data === "object"
        ? [":", quoted(text(of.get(OBJREF)))]
        : data === "verdict"
          ? [":", verdictWords(value.get(NFTA.DATA.VERDICT))]
          : [":", joinedWords(value.get(NFTA.DATA.VALUE) ?? NO_BYTES, data, false).join(" . ")];
  return [
    ...(state ? [tellState(state)] : []),
    ...(timeout === undefined ? [] : [`timeout ${timeout}ms`]),
    ...(expires === undefined ? [] : [`expires ${expires}ms`]),
    ...(comment === undefined ? [] : [`comment ${quoted(comment)}`]),
    ...to,
  ].join(" ");
}

function elementWords(all: readonly Attributes[], set: Omit<ToldSet, "elements">): string[] {
  const { KEY, KEY_END, FLAGS } = NFTA.SET_ELEM;
  const { key: types, data, flags } = set;
  const isOfIntervals = (flags & NFT_SET.INTERVAL) !== 0;
  const keyOf = (one: Attributes, which: number) => dataOf(one.get(which)).get(NFTA.DATA.VALUE) ?? NO_BYTES;
  const flagsOf = (one: Attributes) => be32(one.get(FLAGS)) ?? 0;
  const own = all.filter((one) => (flagsOf(one) & NFT_SET_ELEM.INTERVAL_END) === 0);
  const words = (one: Attributes, key: string) => [key, restWords(one, data)].filter(Boolean).join(" ");
  const [type] = types;
  if (!isOfIntervals || types.length > 1 || type === undefined)
    return own.map((one) => {
      if (flagsOf(one) & NFT_SET_ELEM.CATCHALL) return words(one, "*");
      const from = joinedWords(keyOf(one, KEY), types, isOfIntervals);
      const to = one.has(KEY_END) ? joinedWords(keyOf(one, KEY_END), types, isOfIntervals) : from;
      return words(one, from.map((part, i) => (part === to[i] ? part : `${part}-${to[i]}`)).join(" . "));
    });
  const ends = all.filter((one) => !own.includes(one)).map((one) => numberFrom(keyOf(one, KEY), false));
  ends.sort((one, other) => (one < other ? -1 : 1));
  const last = (1n << BigInt(8 * type.size)) - 1n;
  return own.map((one) => {
    if (flagsOf(one) & NFT_SET_ELEM.CATCHALL) return words(one, "*");
    const from = numberFrom(keyOf(one, KEY), false);
    const next = ends.find((end) => end > from);
    const to = next === undefined ? last : next - 1n;
    const key = valueWords(from, type);
    return words(one, from === to ? key : `${key}-${valueWords(to, type)}`);
  });
}

function leadsTo(type: number | undefined, isObject: boolean): ToldSet["data"] {
  if (isObject) return "object";
  if (type === undefined) return undefined;
  return type === DATA_VERDICT ? "verdict" : typesOf(type);
}

/**
 * @param attributes of the message that makes it
 * @param elements attributes of those that fill it
 */
export function tellSet(attributes: Attributes, elements: readonly Attributes[]): ToldSet {
  const { NAME, FLAGS, KEY_TYPE, KEY_LEN, DATA_TYPE, OBJ_TYPE } = NFTA.SET;
  const number = (type: number) => be32(attributes.get(type));
  const key = typesOf(number(KEY_TYPE) ?? 0);
  const found = text(attributes.get(NAME));
  if (key.length === 0 || keyLength(key) !== number(KEY_LEN)) throw new Untold(`the set ${found}`);
  const leads = number(DATA_TYPE);
  const data = leadsTo(leads, number(OBJ_TYPE) !== undefined);
  const set = { name: found, flags: number(FLAGS) ?? 0, key, data, attributes };
  const list = elements.flatMap((one) => attributeList(one.get(NFTA.SET_ELEM_LIST.ELEMENTS) ?? NO_BYTES));
  return {
    ...set,
    elements: elementWords(
      list.map(([, element]) => parseAttributes(element)),
      set,
    ),
  };
}

const OBJECTS: Readonly<Record<number, string>> = { 1: "counter", 2: "quota", 4: "limit" };
const MERGED = 2;

/** Its declaration in a table. */
export function declaration({ flags, key, data, elements, attributes }: ToldSet): string {
  const { NAME, OBJ_TYPE, TIMEOUT, GC_INTERVAL, POLICY, DESC, USERDATA, EXPR } = NFTA.SET;
  const types = (all: readonly DataType[]) => all.map(typeWord).join(" . ");
  const object = OBJECTS[be32(attributes.get(OBJ_TYPE)) ?? 0];
  const to = typeof data === "string" ? (data === "object" ? object : data) : data && types(data);
  if (data !== undefined && to === undefined) throw new Untold("a map");
  const { CONSTANT, INTERVAL, TIMEOUT: TIMED, EVAL } = NFT_SET;
  const words = { constant: CONSTANT, interval: INTERVAL, timeout: TIMED, dynamic: EVAL };
  const flagged = Object.entries(words).flatMap(([word, bit]) => (flags & bit ? [word] : []));
  const timeout = be64(attributes.get(TIMEOUT));
  const collect = be32(attributes.get(GC_INTERVAL));
  const size = be32(dataOf(attributes.get(DESC)).get(NFTA.SET_DESC.SIZE));
  const kept = keptOf(attributes.get(USERDATA));
  const comment = kept.get(7);
  const state = attributes.get(EXPR);
  const lines = [
    `type ${types(key)}${to === undefined ? "" : ` : ${to}`}`,
    ...(size ? [`size ${size}`] : []),
    ...(be32(attributes.get(POLICY)) === 1 ? ["policy memory"] : []),
    ...(flagged.length > 0 ? [`flags ${flagged.join(",")}`] : []),
    ...(timeout ? [`timeout ${timeout}ms`] : []),
    ...(collect ? [`gc-interval ${collect}ms`] : []),
    ...(kept.has(MERGED) ? ["auto-merge"] : []),
    ...(comment ? [`comment ${quoted(text(comment))}`] : []),
    ...(state ? [tellState(state).replace(/ packets \d+ bytes \d+$/, "")] : []),
    ...(elements.length > 0 ? [`elements = { ${elements.join(", ")} }`] : []),
  ];
  const head = `${data === undefined ? "set" : "map"} ${name(attributes.get(NAME))} {`;
  return [`\t${head}`, ...lines.map((line) => `\t\t${line}`), "\t}"].join("\n");
}

/** Type, length, value. */
export function keptOf(bytes: Uint8Array = NO_BYTES): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at + 2 <= bytes.length; at += 2 + (bytes[at + 1] ?? 0))
    found.set(bytes[at] ?? 0, bytes.subarray(at + 2, at + 2 + (bytes[at + 1] ?? 0)));
  return found;
}
