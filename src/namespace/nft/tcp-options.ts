/** Options of TCP, and what the way of a packet has: what rules look at, set and take away. */
import { NFTA } from "../../kernel/uapi/nft-expressions.ts";
import { type Expression, simple } from "./build.ts";
import type { Selector } from "./fields.ts";
import type { Reader } from "./reader.ts";
import type { Looked } from "./tell-fields.ts";
import { be32, Untold } from "./tell-values.ts";
import { TYPES, type TypeName } from "./types.ts";

type Attributes = ReadonlyMap<number, Uint8Array>;

/** NFT_EXTHDR_OP_TCPOPT, NFT_EXTHDR_F_PRESENT */
const OF_TCP = 1;
const PRESENT = 1;

/** Where in the option, in bytes, and of which type. */
type Field = readonly [at: number, type: TypeName];
interface Kind {
  readonly kind: number;
  readonly fields: Readonly<Record<string, Field>>;
}
const whole: Kind["fields"] = { length: [1, "word1"] };
const KINDS: Readonly<Record<string, Kind>> = {
  eol: { kind: 0, fields: {} },
  nop: { kind: 1, fields: {} },
  maxseg: { kind: 2, fields: { ...whole, size: [2, "word2"] } },
  window: { kind: 3, fields: { ...whole, count: [2, "word1"] } },
  "sack-perm": { kind: 4, fields: whole },
  sack: { kind: 5, fields: { ...whole, left: [2, "integer"], right: [6, "integer"] } },
  timestamp: { kind: 8, fields: { ...whole, tsval: [2, "integer"], tsecr: [6, "integer"] } },
  md5sig: { kind: 19, fields: whole },
  mptcp: { kind: 30, fields: whole },
  fastopen: { kind: 34, fields: whole },
};

function expression(kind: number, more: readonly (readonly [attribute: number, value: number])[]): Expression {
  const { TYPE, OP } = NFTA.EXTHDR;
  return {
    name: "exthdr",
    fill: (data) => {
      data.u8(TYPE, kind).be32(OP, OF_TCP);
      for (const [attribute, value] of more) data.be32(attribute, value);
    },
  };
}

function readKind(reader: Reader): Kind {
  const word = reader.next();
  const kind = KINDS[word];
  if (kind === undefined) throw reader.unknown(`tcp option ${word}`);
  return kind;
}

/** What stands behind `tcp option`. */
export function readTcpOption(reader: Reader): Selector {
  const { DREG, OFFSET, LEN, FLAGS, SREG } = NFTA.EXTHDR;
  const { kind, fields } = readKind(reader);
  const isAsked = ["exists", "missing"].includes(reader.peek());
  const word = isAsked ? "" : reader.next();
  const [at, name]: Field = isAsked ? [0, "boolean"] : (fields[word] ?? [-1, "word1"]);
  if (at < 0) throw reader.unknown(word);
  const size = isAsked ? 1 : TYPES[name].size;
  const place = [
    [OFFSET, at],
    [LEN, size],
  ] as const;
  return {
    type: TYPES[name],
    size,
    shift: 0,
    needs: {},
    ...(!isAsked && { setter: (register: number) => expression(kind, [...place, [SREG, register]]) }),
    load: (register) => expression(kind, [...place, [DREG, register], ...(isAsked ? [[FLAGS, PRESENT] as const] : [])]),
  };
}

/** What stands behind `reset`: the option is made one that says nothing. */
export function readReset(reader: Reader): Expression {
  for (const word of ["tcp", "option"]) reader.expect(word);
  return expression(readKind(reader).kind, []);
}

const ROUTES = { classid: [0, "number"], mtu: [3, "number2"] } as const;

/** What stands behind `rt`. */
export function readRoute(reader: Reader): Selector {
  const word = reader.next();
  const [key, name] = ROUTES[word as keyof typeof ROUTES] ?? [];
  if (key === undefined || name === undefined) throw reader.unknown(`rt ${word}`);
  const { DREG, KEY } = NFTA.RT;
  const type = TYPES[name];
  return {
    ...{ type, size: type.size, shift: 0, needs: {} },
    load: (register) =>
      simple("rt", [
        [DREG, register],
        [KEY, key],
      ]),
  };
}

export function tellRoute(data: Attributes): Looked {
  const number = be32(data.get(NFTA.RT.KEY));
  const [word, [, name]] = Object.entries(ROUTES).find(([, [key]]) => key === number) ?? ["", [0, "number"]];
  if (word === "") throw new Untold(`rt ${number}`);
  return { words: `rt ${word}`, type: TYPES[name], size: TYPES[name].size, others: [] };
}

/** An option of TCP, or a field of one. */
export function tellTcpOption(data: Attributes): Looked {
  const { TYPE, OP, OFFSET, LEN, FLAGS } = NFTA.EXTHDR;
  const [number, at = 0, size = 0] = [data.get(TYPE)?.[0], be32(data.get(OFFSET)), be32(data.get(LEN))];
  const [name, kind] = Object.entries(KINDS).find(([, one]) => one.kind === number) ?? [];
  if (be32(data.get(OP)) !== OF_TCP || kind === undefined) throw new Untold("a header of IPv6, or an unknown option");
  if (size === 0) return { words: `tcp option ${name}`, type: TYPES.boolean, size, others: [] };
  if (be32(data.get(FLAGS)) === PRESENT)
    return { words: `tcp option ${name}`, type: TYPES.boolean, size, isAsked: true, others: [] };
  const [field, [, type]] = Object.entries(kind.fields).find(
    ([, [from, one]]) => from === at && TYPES[one].size === size,
  ) ?? ["", [0, "word1"]];
  if (field === "") throw new Untold(`a part of the option ${name}`);
  return { words: `tcp option ${name} ${field}`, type: TYPES[type], size, others: [] };
}
