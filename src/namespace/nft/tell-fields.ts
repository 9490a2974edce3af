/** What rules look at, as words that nft reads. */
import { NFTA } from "../../kernel/uapi/nft-expressions.ts";
import { CT, FIB, FIB_PRESENT, FIB_RESULTS, HEADERS, META, type Needs } from "./fields.ts";
import { tellRoute, tellTcpOption } from "./tcp-options.ts";
import { be32, Untold } from "./tell-values.ts";
import { type DataType, TYPES } from "./types.ts";

type Attributes = ReadonlyMap<number, Uint8Array>;

/** What is known of packets that come so far in the rule. */
export interface Known {
  network?: string;
  transport?: number;
  isEther?: boolean;
}

/** Something that was loaded. */
export interface Looked {
  readonly words: string;
  readonly type: DataType;
  /** Bytes. */
  readonly size: number;
  readonly tells?: "network" | "transport" | "ether";
  /** Whether it is there is asked, which takes no sign. */
  readonly isAsked?: boolean;
  /** The same by other names: for sets, which are of one type. */
  readonly others: readonly { readonly words: string; readonly type: DataType }[];
}

function fits(known: Known, { network, transport, isEther }: Needs): boolean {
  const isAbove = transport !== undefined && transport === known.transport;
  return (
    (network === undefined || network === known.network || isAbove) &&
    (transport === undefined || isAbove) &&
    (!isEther || known.isEther === true)
  );
}

const BASES = ["ll", "nh", "th"] as const;

/** By a name where what it stands for is known already: nft would ask for that otherwise. */
function payload(data: Attributes, known: Known): Looked {
  const [base = -1, offset = 0, size = 0] = [NFTA.PAYLOAD.BASE, NFTA.PAYLOAD.OFFSET, NFTA.PAYLOAD.LEN].map((type) =>
    be32(data.get(type)),
  );
  const header = BASES[base];
  if (header === undefined || size === 0 || size > 16) throw new Untold("a part of a packet");
  const named = Object.entries(HEADERS).flatMap(([protocol, { base: at, needs, fields }]) =>
    at !== base || !fits(known, needs)
      ? []
      : Object.entries(fields).flatMap(([field, [bit, bits, type]]) =>
          bit === 8 * offset && bits === 8 * size
            ? [{ words: `${protocol} ${field}`, type: TYPES[type] as DataType, field }]
            : [],
        ),
  );
  const raw = { words: `@${header},${8 * offset},${8 * size}`, type: { id: 4, size } as DataType };
  const [first] = named;
  const isProtocol = first?.field === "protocol" || first?.field === "nexthdr";
  // bits of flags, and types that some versions know more of than others, are plain numbers
  const isPlain = first !== undefined && [TYPES.ipv4_addr.id, TYPES.ipv6_addr.id].some((id) => id === first.type.id);
  const chosen = isPlain || isProtocol ? first : raw;
  return { ...chosen, size, others: named, ...(isProtocol && { tells: "transport" }) };
}

function key(name: "meta" | "ct", data: Attributes): Looked {
  if (name === "ct" && data.has(NFTA.CT.DIRECTION)) throw new Untold("ct by direction");
  const number = be32(data.get(name === "meta" ? NFTA.META.KEY : NFTA.CT.KEY));
  const table: Readonly<Record<string, readonly [key: number, type: keyof typeof TYPES, tells?: Looked["tells"]]>> =
    name === "meta" ? META : CT;
  const found = Object.entries(table).find(([, [one]]) => one === number);
  if (found === undefined) throw new Untold(`${name} ${number}`);
  const [word, [, type, tells]] = found;
  const says = word === "iiftype" ? ("ether" as const) : tells;
  return {
    words: `${name} ${word}`,
    type: TYPES[type],
    size: TYPES[type].size,
    others: [],
    ...(says && { tells: says }),
  };
}

function fib(data: Attributes): Looked {
  const [result = 0, flags = 0] = [be32(data.get(NFTA.FIB.RESULT)), be32(data.get(NFTA.FIB.FLAGS))];
  const isAsked = (flags & FIB_PRESENT) !== 0;
  const [word] = Object.entries(FIB_RESULTS).find(([, [one]]) => one === result) ?? [];
  const by = Object.entries(FIB).flatMap(([name, bit]) => (flags & bit ? [name] : []));
  const type = isAsked ? TYPES.boolean : FIB_RESULTS[word ?? ""]?.[1];
  if (word === undefined || type === undefined) throw new Untold("fib");
  return { words: `fib ${by.join(" . ")} ${isAsked ? "oif" : word}`, type, size: type.size, isAsked: true, others: [] };
}

/** Undefined for an expression that loads nothing. */
export function lookedAt(name: string, data: Attributes, known: Known): Looked | undefined {
  if (name === "payload" && data.has(NFTA.PAYLOAD.DREG)) return payload(data, known);
  if (name === "meta" && data.has(NFTA.META.DREG)) return key("meta", data);
  if (name === "ct" && data.has(NFTA.CT.DREG)) return key("ct", data);
  if (name === "exthdr" && data.has(NFTA.EXTHDR.DREG)) return tellTcpOption(data);
  if (name === "rt") return tellRoute(data);
  return name === "fib" ? fib(data) : undefined;
}

/** What a `set` statement sets. */
export function settable(name: "meta" | "ct" | "exthdr", data: Attributes): Looked {
  return name === "exthdr" ? tellTcpOption(data) : key(name, data);
}
