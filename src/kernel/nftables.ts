/** nf_tables over netlink: batches of changes, which the kernel makes as a whole or not at all, and what tables there are. */
import type { Subject } from "../error.ts";
import { type NetlinkMessage, NetlinkSocket, PayloadBuilder, parseAttributes } from "./netlink.ts";
import {
  NETLINK_NETFILTER,
  NFNL_MSG,
  NFPROTO,
  NFT_META,
  NFT_MSG,
  NFT_PAYLOAD,
  NFT_REG,
  NFTA_CHAIN,
  NFTA_CMP,
  NFTA_DATA,
  NFTA_EXPR,
  NFTA_HOOK,
  NFTA_IMMEDIATE,
  NFTA_LIST_ELEM,
  NFTA_LOOKUP,
  NFTA_META,
  NFTA_PAYLOAD,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_DESC,
  NFTA_SET_ELEM,
  NFTA_SET_ELEM_LIST,
  NFTA_TABLE,
  NFTA_VERDICT,
} from "./uapi/netfilter.ts";

// linux/netlink.h
const NLM_F_CREATE = 0x400;
const NLM_F_EXCL = 0x200;
const NLM_F_APPEND = 0x800;
const SUBSYSTEM = 10;
/** An attribute holds less than 64 KiB: elements of a set go in portions. */
const PORTION = 500;
/** A comment among a table's user data: type, length, text with its NUL (libnftnl's convention, which nft shows). */
const COMMENT = 0;

/** struct nfgenmsg */
function general(family: number, resource = 0): Uint8Array {
  return Uint8Array.of(family, 0, resource >> 8, resource & 0xff);
}

/** With its edges. */
function batchOf(messages: readonly Message[]): Message[] {
  const edge = (type: number): Message => ({ type, flags: 0, payload: general(0, SUBSYSTEM) });
  return [edge(NFNL_MSG.BATCH_BEGIN), ...messages, edge(NFNL_MSG.BATCH_END)];
}

export type Message = Pick<NetlinkMessage, "type" | "flags" | "payload">;

/** One step of a rule. */
export type Expression = (to: PayloadBuilder) => void;

function expression(name: string, fill: (data: PayloadBuilder) => void): Expression {
  return (to) => to.nest(NFTA_LIST_ELEM, (element) => element.text(NFTA_EXPR.NAME, name).nest(NFTA_EXPR.DATA, fill));
}

/** Loads something about the packet (NFT_META) into the first register. */
export function meta(key: number): Expression {
  return expression("meta", (data) => data.be32(NFTA_META.KEY, key).be32(NFTA_META.DREG, NFT_REG.R32_00));
}

/** Goes on only when the first register holds these bytes. */
export function equals(bytes: Uint8Array): Expression {
  return expression("cmp", (data) =>
    data
      .be32(NFTA_CMP.SREG, NFT_REG.R32_00)
      .be32(NFTA_CMP.OP, 0)
      .nest(NFTA_CMP.DATA, (value) => value.attribute(NFTA_DATA.VALUE, bytes)),
  );
}

/** Goes on only for packets of an IP version (NFPROTO) and a protocol on top of it (IPPROTO). */
export function protocols(version: number, protocol: number): Expression[] {
  const one = (value: number) => equals(Uint8Array.of(value));
  return [meta(NFT_META.NFPROTO), one(version), meta(NFT_META.L4PROTO), one(protocol)];
}

export interface Field {
  readonly base: keyof typeof NFT_PAYLOAD;
  /** Bytes. */
  readonly offset: number;
  readonly length: number;
}

function load({ base, offset, length }: Field, register: number): Expression {
  return expression("payload", (data) =>
    data
      .be32(NFTA_PAYLOAD.DREG, register)
      .be32(NFTA_PAYLOAD.BASE, NFT_PAYLOAD[base])
      .be32(NFTA_PAYLOAD.OFFSET, offset)
      .be32(NFTA_PAYLOAD.LEN, length),
  );
}

/** Goes on only when a field of the packet holds these bytes. */
export function holds(field: Field, bytes: Uint8Array): Expression[] {
  return [load(field, NFT_REG.R32_00), equals(bytes)];
}

/** Goes on only when these fields of the packet, one behind the other, are in a set. Each takes whole registers. */
export function inSet(set: string, fields: readonly Field[]): Expression[] {
  let register: number = NFT_REG.R32_00;
  const loads = fields.map((field) => {
    const into = register;
    register += Math.ceil(field.length / 4);
    return load(field, into);
  });
  const look = expression("lookup", (data) => data.text(NFTA_LOOKUP.SET, set).be32(NFTA_LOOKUP.SREG, NFT_REG.R32_00));
  return [...loads, look];
}

/** Ends the packet's way through the chain. @param code NF.* */
export function verdict(code: number): Expression {
  return expression("immediate", (data) =>
    data
      .be32(NFTA_IMMEDIATE.DREG, NFT_REG.VERDICT)
      .nest(NFTA_IMMEDIATE.DATA, (value) =>
        value.nest(NFTA_DATA.VERDICT, (inner) => inner.be32(NFTA_VERDICT.CODE, code)),
      ),
  );
}

/** Changes to one table of family inet. */
export class TableChanges {
  readonly messages: Message[] = [];

  constructor(readonly table: string) {}

  #add(type: number, flags: number, fill: (body: PayloadBuilder) => void): this {
    const body = new PayloadBuilder().raw(general(NFPROTO.INET));
    fill(body);
    this.messages.push({ type, flags, payload: body.build() });
    return this;
  }

  /** @param flags NFT_TABLE_F */
  create(flags: number, comment: string): this {
    const text = new TextEncoder().encode(`${comment}\0`);
    return this.#add(NFT_MSG.NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, (body) =>
      body
        .text(NFTA_TABLE.NAME, this.table)
        .be32(NFTA_TABLE.FLAGS, flags)
        .attribute(NFTA_TABLE.USERDATA, Uint8Array.of(COMMENT, text.length, ...text)),
    );
  }

  /** The table with all that is in it. */
  remove(): this {
    return this.#add(NFT_MSG.DELTABLE, 0, (body) => body.text(NFTA_TABLE.NAME, this.table));
  }

  /** A chain that packets pass at a hook (NF_INET); without one they never do. */
  chain(name: string, hook?: { readonly number: number; readonly priority: number; readonly policy: number }): this {
    return this.#add(NFT_MSG.NEWCHAIN, NLM_F_CREATE, (body) => {
      body.text(NFTA_CHAIN.TABLE, this.table).text(NFTA_CHAIN.NAME, name);
      if (hook === undefined) return;
      body
        .nest(NFTA_CHAIN.HOOK, (inner) =>
          inner.be32(NFTA_HOOK.HOOKNUM, hook.number).be32(NFTA_HOOK.PRIORITY, hook.priority),
        )
        .be32(NFTA_CHAIN.POLICY, hook.policy)
        .text(NFTA_CHAIN.TYPE, "filter");
    });
  }

  rule(chain: string, expressions: readonly Expression[]): this {
    return this.#add(NFT_MSG.NEWRULE, NLM_F_CREATE | NLM_F_APPEND, (body) =>
      body
        .text(NFTA_RULE.TABLE, this.table)
        .text(NFTA_RULE.CHAIN, chain)
        .nest(NFTA_RULE.EXPRESSIONS, (list) => {
          for (const one of expressions) one(list);
        }),
    );
  }

  /**
   * @param id a number for the set within this batch
   * @param type numbers of nft for the key's parts, 6 bits each: only nft's listings use them
   * @param length bytes of a key
   */
  set(name: string, id: number, type: number, length: number, keys: readonly Uint8Array[]): this {
    this.#add(NFT_MSG.NEWSET, NLM_F_CREATE, (body) =>
      body
        .text(NFTA_SET.TABLE, this.table)
        .text(NFTA_SET.NAME, name)
        .be32(NFTA_SET.ID, id)
        .be32(NFTA_SET.KEY_TYPE, type)
        .be32(NFTA_SET.KEY_LEN, length)
        .nest(NFTA_SET.DESC, (desc) => desc.be32(NFTA_SET_DESC.SIZE, Math.max(1, keys.length))),
    );
    for (let at = 0; at < keys.length; at += PORTION) {
      this.#add(NFT_MSG.NEWSETELEM, NLM_F_CREATE, (body) =>
        body
          .text(NFTA_SET_ELEM_LIST.TABLE, this.table)
          .text(NFTA_SET_ELEM_LIST.SET, name)
          .nest(NFTA_SET_ELEM_LIST.ELEMENTS, (list) => {
            for (const key of keys.slice(at, at + PORTION)) {
              list.nest(NFTA_LIST_ELEM, (element) =>
                element.nest(NFTA_SET_ELEM.KEY, (value) => value.attribute(NFTA_DATA.VALUE, key)),
              );
            }
          }),
      );
    }
    return this;
  }

  /** All changes as the messages of one batch. */
  get batch(): Message[] {
    return batchOf(this.messages);
  }
}

/** A table of family inet as the kernel lists it. */
export interface Table {
  readonly name: string;
  /** NFT_TABLE_F */
  readonly flags: number;
  readonly comment: string | undefined;
}

function text(value: Uint8Array | undefined): string {
  return value === undefined ? "" : Buffer.from(value).toString().replace(/\0.*$/s, "");
}

function commentOf(data: Uint8Array | undefined): string | undefined {
  if (data === undefined || data[0] !== COMMENT) return undefined;
  return text(data.subarray(2, 2 + (data[1] ?? 0)));
}

/** nf_tables of one network namespace: ours, or that of the socket which is given. */
export class NfTables implements Disposable {
  readonly link: NetlinkSocket;

  /** @param fd a socket of AF_NETLINK, NETLINK_NETFILTER, which stays the caller's */
  constructor(fd?: number) {
    this.link = new NetlinkSocket(NETLINK_NETFILTER, fd);
  }

  [Symbol.dispose](): void {
    this.link[Symbol.dispose]();
  }

  /** Makes all changes, or none. Errors: CrError with what the kernel says of the first that it cannot make. */
  change(what: string, changes: TableChanges, subject: Subject = {}): void {
    this.link.batch(what, changes.batch, subject);
  }

  /** Tables of family inet. */
  tables(): Table[] {
    const rows = this.link.dump("cannot list the tables of nf_tables", NFT_MSG.GETTABLE, general(NFPROTO.INET));
    return rows.map(({ payload }) => {
      const attributes = parseAttributes(payload.subarray(4));
      const flags = attributes.get(NFTA_TABLE.FLAGS);
      return {
        name: text(attributes.get(NFTA_TABLE.NAME)),
        flags: flags === undefined ? 0 : new DataView(flags.buffer, flags.byteOffset).getUint32(0),
        comment: commentOf(attributes.get(NFTA_TABLE.USERDATA)),
      };
    });
  }

  /** Makes what these messages say, all of it or nothing. */
  make(what: string, messages: readonly Message[]): void {
    this.link.batch(what, batchOf(messages));
  }

  /** Objects of all families. @param more attributes of the question */
  list(what: string, type: number, family = 0, more: Uint8Array = new Uint8Array(0)): NetlinkMessage[] {
    return this.link.dump(what, type, Buffer.concat([general(family), more]));
  }

  /** Names of a table's chains. */
  chains(table: string): string[] {
    const rows = this.link.dump("cannot list the chains of nf_tables", NFT_MSG.GETCHAIN, general(NFPROTO.INET));
    return rows
      .map(({ payload }) => parseAttributes(payload.subarray(4)))
      .filter((attributes) => text(attributes.get(NFTA_CHAIN.TABLE)) === table)
      .map((attributes) => text(attributes.get(NFTA_CHAIN.NAME)));
  }
}
