/** Expressions of nf_tables, of which rules are made. */
import type { PayloadBuilder } from "../../kernel/netlink.ts";
import { ITEM, NFTA, VERDICT } from "../../kernel/uapi/nft-expressions.ts";
import { bytesOf } from "./types.ts";

export interface Expression {
  readonly name: string;
  readonly fill: (data: PayloadBuilder) => void;
}

/** Where values lie on their way: the first of the registers of 32 bits, and those of 128, of which the verdict is none. */
export const REGISTER = { FIRST: 8, VERDICT: 0, WIDE: [1, 2, 3, 4] } as const;

export function writeExpression(to: PayloadBuilder, { name, fill }: Expression, type: number = ITEM): void {
  to.nest(type, (element) => element.text(NFTA.EXPR.NAME, name).nest(NFTA.EXPR.DATA, fill));
}

export const be64 = (value: bigint): Uint8Array => bytesOf(value, 8, false);

const value = (to: PayloadBuilder, type: number, bytes: Uint8Array) =>
  to.nest(type, (data) => data.attribute(NFTA.DATA.VALUE, bytes));

export function compare(op: number, bytes: Uint8Array, register: number = REGISTER.FIRST): Expression {
  const { SREG, OP, DATA } = NFTA.CMP;
  return { name: "cmp", fill: (data) => value(data.be32(SREG, register).be32(OP, op), DATA, bytes) };
}

/** Goes on only with what is not between these two. */
export function outside(from: Uint8Array, to: Uint8Array): Expression {
  const { SREG, OP, FROM, TO } = NFTA.RANGE;
  const fill = (data: PayloadBuilder) => value(value(data.be32(SREG, REGISTER.FIRST).be32(OP, 1), FROM, from), TO, to);
  return { name: "range", fill };
}

/** (value & mask) ^ xor */
export function bitwise(mask: Uint8Array, xor: Uint8Array): Expression {
  const { SREG, DREG, LEN, MASK, XOR } = NFTA.BITWISE;
  const fill = (data: PayloadBuilder) => {
    data.be32(SREG, REGISTER.FIRST).be32(DREG, REGISTER.FIRST).be32(LEN, mask.length);
    value(value(data, MASK, mask), XOR, xor);
  };
  return { name: "bitwise", fill };
}

/** To network order, in which ranges are compared. */
export function toNetworkOrder(size: number): Expression {
  const { SREG, DREG, OP, LEN, SIZE } = NFTA.BYTEORDER;
  const fill = (data: PayloadBuilder) =>
    void data.be32(SREG, REGISTER.FIRST).be32(DREG, REGISTER.FIRST).be32(OP, 1).be32(LEN, size).be32(SIZE, size);
  return { name: "byteorder", fill };
}

export function immediate(bytes: Uint8Array, register: number = REGISTER.FIRST): Expression {
  const { DREG, DATA } = NFTA.IMMEDIATE;
  return { name: "immediate", fill: (data) => value(data.be32(DREG, register), DATA, bytes) };
}

export interface Verdict {
  readonly code: keyof typeof VERDICT;
  /** Of a jump or a goto. */
  readonly chain: string | undefined;
}

export function writeVerdict(to: PayloadBuilder, type: number, { code, chain }: Verdict): void {
  to.nest(type, (data) =>
    data.nest(NFTA.DATA.VERDICT, (verdict) => {
      verdict.be32(NFTA.VERDICT.CODE, VERDICT[code] >>> 0);
      if (chain !== undefined) verdict.text(NFTA.VERDICT.CHAIN, chain);
    }),
  );
}

export function decide(verdict: Verdict): Expression {
  const { DREG, DATA } = NFTA.IMMEDIATE;
  return { name: "immediate", fill: (data) => writeVerdict(data.be32(DREG, REGISTER.VERDICT), DATA, verdict) };
}

/** A set that a rule looks into: one of a name, or one of its own, which has a number in the batch. */
export interface SetName {
  readonly name: string;
  readonly id: number | undefined;
}

/** @param into register for what a map leads to */
export function lookUp({ name, id }: SetName, isInverse: boolean, into?: number): Expression {
  const { SET, SREG, DREG, SET_ID, FLAGS } = NFTA.LOOKUP;
  const fill = (data: PayloadBuilder) => {
    data.text(SET, name).be32(SREG, REGISTER.FIRST);
    if (into !== undefined) data.be32(DREG, into);
    if (id !== undefined) data.be32(SET_ID, id);
    if (isInverse) data.be32(FLAGS, 1);
  };
  return { name: "lookup", fill };
}

/** Several attributes of 32 bits, those that are defined. */
export function simple(name: string, attributes: readonly (readonly [type: number, value: number | undefined])[]) {
  const fill = (data: PayloadBuilder) => {
    for (const [type, number] of attributes) if (number !== undefined) data.be32(type, number);
  };
  return { name, fill } satisfies Expression;
}
