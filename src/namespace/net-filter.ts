/** Rules of nf_tables of a network namespace: read as the messages that make them again, but for what is the kernel's to say. */
import { CrError } from "../error.ts";
import {
  attributeList,
  encodeMessage,
  Fields,
  type NetlinkMessage,
  PayloadBuilder,
  parseAttributes,
  parseMessages,
} from "../kernel/netlink.ts";
import { type Message, NfTables } from "../kernel/nftables.ts";
import { NFT_MSG, NFT_TABLE_F, NFTA_SET, NFTA_SET_ELEM_LIST, NFTA_TABLE } from "../kernel/uapi/netfilter.ts";

/** struct nfgenmsg: family, version, and a number that changes with all. */
const HEADER = 4;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;

/**
 * What is listed, and what makes it again, in the order in which it is made, with the attributes that say what it is (NFTA_*):
 * handles, places and counts of users are the kernel's.
 */
const KINDS = [
  { what: "tables", list: NFT_MSG.GETTABLE, make: NFT_MSG.NEWTABLE, kept: new Set([1, 2, 6]) },
  { what: "objects", list: NFT_MSG.GETOBJ, make: NFT_MSG.NEWOBJ, kept: new Set([1, 2, 3, 4, 8]) },
  { what: "chains", list: NFT_MSG.GETCHAIN, make: NFT_MSG.NEWCHAIN, kept: new Set([1, 3, 4, 5, 7, 8, 10, 12]) },
  {
    what: "sets",
    list: NFT_MSG.GETSET,
    make: NFT_MSG.NEWSET,
    kept: new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 17, 18]),
  },
  { what: "rules", list: NFT_MSG.GETRULE, make: NFT_MSG.NEWRULE, kept: new Set([1, 2, 4, 5, 7]) },
] as const;
const ELEMENTS: ReadonlySet<number> = new Set([1, 2, 3]);

function text(value: Uint8Array | undefined): string {
  return value ? new Fields(value).text() : "";
}

/** Does the kernel have nf_tables at all? */
function open(): NfTables | undefined {
  const tables = new NfTables();
  try {
    tables.list("cannot list tables of nf_tables", NFT_MSG.GETTABLE);
    return tables;
  } catch (error) {
    tables[Symbol.dispose]();
    if (error instanceof CrError) return undefined;
    throw error;
  }
}

/** Tables that belong to whoever made them, and what moves packets past the rules: in words. */
export function filterProblems(): string[] {
  using tables = open();
  if (tables === undefined) return [];
  const owned = tables.list("cannot list tables of nf_tables", NFT_MSG.GETTABLE).flatMap(({ payload }) => {
    const attributes = parseAttributes(payload.subarray(HEADER));
    const flags = attributes.get(NFTA_TABLE.FLAGS);
    const isOwned =
      flags !== undefined && (new DataView(flags.buffer, flags.byteOffset).getUint32(0) & NFT_TABLE_F.OWNER) !== 0;
    return isOwned ? [`the table ${text(attributes.get(NFTA_TABLE.NAME))}, which belongs to a program's socket`] : [];
  });
  try {
    const flows = tables.list("cannot list flow tables", NFT_MSG.GETFLOWTABLE);
    return flows.length > 0 ? [...owned, "flow tables"] : owned;
  } catch (error) {
    if (error instanceof CrError) return owned;
    throw error;
  }
}

function only(payload: Uint8Array, kept: ReadonlySet<number>, id: number | undefined): Uint8Array {
  const built = new PayloadBuilder().raw(Uint8Array.of(payload[0] ?? 0, 0, 0, 0));
  // nested attributes carry a flag that lists of the kernel have, too
  for (const [type, value, isNested] of withFlags(payload.subarray(HEADER)))
    if (kept.has(type)) built.attribute(isNested ? type | NESTED : type, value);
  if (id !== undefined) built.be32(NFTA_SET.ID, id);
  return built.build();
}

const NESTED = 0x8000;

function withFlags(bytes: Uint8Array): [type: number, value: Uint8Array, isNested: boolean][] {
  let at = 0;
  return attributeList(bytes).map(([type, value]) => {
    const isNested = (new Fields(bytes).u16(at + 2) & NESTED) !== 0;
    at += (4 + value.length + 3) & ~3;
    return [type, value, isNested];
  });
}

/** All rules as messages; undefined where there are none. */
export function readFilter(): Uint8Array | undefined {
  using tables = open();
  if (tables === undefined) return undefined;
  const messages: Uint8Array[] = [];
  const add = (type: number, payload: Uint8Array) =>
    void messages.push(encodeMessage({ type, flags: 0, sequence: 0, port: 0, payload }));
  let sets = 0;
  for (const { what, list, make, kept } of KINDS) {
    for (const { payload } of tables.list(`cannot list ${what} of nf_tables`, list)) {
      const isSet = make === NFT_MSG.NEWSET;
      add(make, only(payload, kept, isSet ? ++sets : undefined));
      if (isSet)
        for (const some of elementsOf(tables, payload))
          add(NFT_MSG.NEWSETELEM, only(some.payload, ELEMENTS, undefined));
    }
  }
  return messages.length === 0 ? undefined : Buffer.concat(messages);
}

function elementsOf(tables: NfTables, set: Uint8Array): NetlinkMessage[] {
  const attributes = parseAttributes(set.subarray(HEADER));
  const question = new PayloadBuilder()
    .text(NFTA_SET_ELEM_LIST.TABLE, text(attributes.get(NFTA_SET.TABLE)))
    .text(NFTA_SET_ELEM_LIST.SET, text(attributes.get(NFTA_SET.NAME)));
  const found = tables.list("cannot list elements of a set", NFT_MSG.GETSETELEM, set[0], question.build());
  return found.filter(({ payload }) => parseAttributes(payload.subarray(HEADER)).has(NFTA_SET_ELEM_LIST.ELEMENTS));
}

/** Whether these are messages that make tables and what is in them, and no others. */
export function isFilter(bytes: Uint8Array): boolean {
  const made: ReadonlySet<number> = new Set([NFT_MSG.NEWSETELEM, ...KINDS.map(({ make }) => make)]);
  const messages = parseMessages(bytes);
  return messages.length > 0 && messages.every(({ type, payload }) => made.has(type) && payload.length >= HEADER);
}

/** Makes the rules again in the namespace that we are in. */
export function writeFilter(bytes: Uint8Array): void {
  const messages = parseMessages(bytes).map(({ type, payload }): Message => {
    const flags = type === NFT_MSG.NEWRULE ? NLM_F_CREATE | NLM_F_APPEND : NLM_F_CREATE;
    return { type, flags, payload };
  });
  using tables = new NfTables();
  tables.make("cannot make the packet filter of the tree's network namespace", messages);
}
