/** Who looks into connections of a protocol for others that belong to them (FTP and such), under a name that rules give. */
import { parseAttributes } from "../../kernel/netlink.ts";
import { NFTA } from "../../kernel/uapi/nft-expressions.ts";
import type { Expression } from "./build.ts";
import type { Reader } from "./reader.ts";
import { NO_BYTES, quoted, text, Untold } from "./tell-values.ts";
import { TYPES } from "./types.ts";

/** NFT_OBJECT_CT_HELPER */
export const CT_HELPER = 3;
/** NFPROTO_* */
const NETWORKS = { ip: 2, ip6: 10, inet: 1 } as const;
const networks = Object.keys(NETWORKS) as (keyof typeof NETWORKS)[];
const protocols: Readonly<Record<string, number>> = TYPES.inet_proto.words;

/** What stands in its braces, up to the closing one. */
export function readHelper(reader: Reader): Expression {
  const { NAME, L3PROTO, L4PROTO } = NFTA.CT_HELPER;
  const said: { name?: string; transport?: number; network: number } = { network: NETWORKS.inet };
  for (;;) {
    reader.skipEnds();
    if (reader.take("}")) break;
    if (reader.take("type")) {
      said.name = reader.next();
      reader.expect("protocol");
      const word = reader.next();
      said.transport = protocols[word];
      if (said.transport === undefined) throw reader.unknown(word);
    } else {
      reader.expect("l3proto");
      const network = reader.oneOf(networks);
      if (network === undefined) throw reader.unknown();
      said.network = NETWORKS[network];
    }
  }
  const { name, transport, network } = said;
  if (name === undefined || transport === undefined) throw reader.unknown("ct helper");
  return { name: "", fill: (data) => void data.text(NAME, name).be16(L3PROTO, network).u8(L4PROTO, transport) };
}

/** `ct helper set "name"`; undefined for anything else. */
export function readHelperSet(reader: Reader): Expression | undefined {
  if (["ct", "helper", "set"].some((word, ahead) => reader.peek(ahead) !== word)) return undefined;
  for (const word of ["ct", "helper", "set"]) reader.expect(word);
  const name = reader.next();
  const { TYPE, NAME } = NFTA.OBJREF;
  return { name: "objref", fill: (data) => void data.be32(TYPE, CT_HELPER).text(NAME, name) };
}

/** The words in its braces. */
export function helperWords(bytes: Uint8Array | undefined): string {
  const data = parseAttributes(bytes ?? NO_BYTES);
  const { NAME, L3PROTO, L4PROTO } = NFTA.CT_HELPER;
  const [transport, network] = [data.get(L4PROTO)?.[0], data.get(L3PROTO)?.[1]];
  const [protocol] = Object.entries(protocols).find(([, number]) => number === transport) ?? [];
  const family = networks.find((name) => NETWORKS[name] === network);
  if (protocol === undefined || family === undefined) throw new Untold("ct helper");
  return `type ${quoted(text(data.get(NAME)))} protocol ${protocol};\n\t\tl3proto ${family};`;
}
