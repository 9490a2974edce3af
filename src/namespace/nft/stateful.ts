/** What counts: counters, limits, quotas, as statements of a rule, parts of an element, or objects of a name. */
import { NFT_OBJECT, NFTA } from "../../kernel/uapi/nft-expressions.ts";
import { be64, type Expression } from "./build.ts";
import type { Reader } from "./reader.ts";

const SECONDS = { second: 1n, minute: 60n, hour: 3600n, day: 86_400n, week: 604_800n } as const;
const BYTES = { bytes: 1n, kbytes: 1n << 10n, mbytes: 1n << 20n } as const;
const INVERSE = 1;
/** What nft takes, and leaves out, for packets. */
const BURST = 5;

function counter(reader: Reader): Expression {
  const { PACKETS, BYTES: COUNTED } = NFTA.COUNTER;
  const packets = reader.take("packets") ? reader.bigint() : 0n;
  const bytes = reader.take("bytes") ? reader.bigint() : 0n;
  return {
    name: "counter",
    fill: (data) => void data.attribute(COUNTED, be64(bytes)).attribute(PACKETS, be64(packets)),
  };
}

function unitOf<T extends Readonly<Record<string, bigint>>>(reader: Reader, word: string, units: T): bigint {
  const unit = units[word];
  if (unit === undefined) throw reader.unknown(word);
  return unit;
}

/** `rate [over] 3/second [burst 5 packets]`, `rate 10 mbytes/second [burst 5 kbytes]` */
function limit(reader: Reader): Expression {
  const { RATE, UNIT, BURST: ATTRIBUTE, TYPE, FLAGS } = NFTA.LIMIT;
  reader.expect("rate");
  const isOver = reader.take("over");
  const word = reader.next();
  const [, count = "", slashed] = /^(\d+)(?:\/([a-z]+))?$/.exec(word) ?? [];
  if (count === "") throw reader.unknown(word);
  const isBytes = slashed === undefined;
  const [size = "", time = ""] = isBytes ? reader.next().split("/") : ["", slashed];
  const rate = BigInt(count) * (isBytes ? unitOf(reader, size, BYTES) : 1n);
  const unit = unitOf(reader, time, SECONDS);
  let burst = isBytes ? 0n : BigInt(BURST);
  if (reader.take("burst")) {
    burst = reader.bigint();
    if (isBytes) burst *= unitOf(reader, reader.next(), BYTES);
    else reader.expect("packets");
  }
  return {
    name: "limit",
    fill: (data) =>
      void data
        .attribute(RATE, be64(rate))
        .attribute(UNIT, be64(unit))
        .be32(ATTRIBUTE, Number(burst))
        .be32(TYPE, isBytes ? 1 : 0)
        .be32(FLAGS, isOver ? INVERSE : 0),
  };
}

/** `over 10 mbytes [used 100 bytes]` */
function quota(reader: Reader): Expression {
  const { BYTES: ATTRIBUTE, FLAGS, CONSUMED } = NFTA.QUOTA;
  const isOver = reader.oneOf(["over", "until"]) === "over";
  const amount = () => reader.bigint() * unitOf(reader, reader.next(), BYTES);
  const bytes = amount();
  const used = reader.take("used") ? amount() : 0n;
  return {
    name: "quota",
    fill: (data) =>
      void data
        .attribute(ATTRIBUTE, be64(bytes))
        .be32(FLAGS, isOver ? INVERSE : 0)
        .attribute(CONSUMED, be64(used)),
  };
}

const KINDS = { counter, limit, quota } as const;
export const objectKinds = Object.keys(KINDS) as (keyof typeof KINDS)[];

/** What an object of a name is. */
export function readObject(reader: Reader, kind: keyof typeof KINDS): Expression {
  return KINDS[kind](reader);
}

/** A statement that counts, or leads to an object that does. */
export function readStateful(reader: Reader): Expression | undefined {
  const kind = reader.oneOf(objectKinds);
  if (kind === undefined) return undefined;
  if (!reader.take("name")) return KINDS[kind](reader);
  const name = reader.next();
  const { TYPE, NAME } = NFTA.OBJREF;
  return { name: "objref", fill: (data) => void data.be32(TYPE, NFT_OBJECT[kind]).text(NAME, name) };
}
