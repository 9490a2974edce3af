/** Rules of the kernel as words that nft reads. */
import { attributeList, parseAttributes } from "../../kernel/netlink.ts";
import { CMP, NFT_SET, NFTA } from "../../kernel/uapi/nft-expressions.ts";
import { type Known, type Looked, lookedAt, settable } from "./tell-fields.ts";
import { dataOf, keptOf, type ToldSet, verdictWords } from "./tell-sets.ts";
import { stateWords, tellState } from "./tell-state.ts";
import { tellStatement } from "./tell-statements.ts";
import { be32, be64, NO_BYTES, numberFrom, quoted, text, Untold, valueWords } from "./tell-values.ts";

type Attributes = ReadonlyMap<number, Uint8Array>;

/** What lies in a register. */
interface Held {
  readonly looked?: Looked;
  /** Ready words: of a value, of what a map leads to. */
  readonly words?: string;
  readonly bytes?: Uint8Array;
  readonly mask?: { readonly mask: Uint8Array; readonly xor: Uint8Array };
  /** It was brought to network order. */
  readonly isTurned?: boolean;
}

/** The register from which something is set. */
const SOURCE = { meta: NFTA.META.SREG, ct: NFTA.CT.SREG, exthdr: NFTA.EXTHDR.SREG } as const;

const place = (register: number) => (register >= 8 ? register - 8 : 4 * (register - 1));

/** One rule on its way to words. */
export class Telling {
  readonly words: string[] = [];
  readonly known: Known;
  readonly #sets: ReadonlyMap<string, ToldSet>;
  readonly #held = new Map<number, Held>();
  /** The first of two comparisons that are one range. */
  #from: { readonly register: number; readonly value: bigint } | undefined;

  constructor(family: string, sets: ReadonlyMap<string, ToldSet>) {
    this.known = ["ip", "ip6", "arp"].includes(family) ? { network: family } : {};
    this.#sets = sets;
  }

  held(register: number | undefined): Held {
    const found = register === undefined ? undefined : this.#held.get(place(register));
    if (found === undefined) throw new Untold("a register");
    return found;
  }

  hold(register: number | undefined, held: Held): void {
    if (register === undefined) throw new Untold("a register");
    this.#held.set(place(register), held);
  }

  /** What lies there as something that can be set. */
  valueWords(register: number | undefined, looked: Looked): string {
    const { words, bytes, looked: from, mask } = this.held(register);
    if (words !== undefined) return words;
    if (bytes) return valueWords(numberFrom(bytes, looked.type.isHost === true), looked.type, bytes.length);
    if (from === undefined) throw new Untold("a register");
    return this.#masked(from, mask);
  }

  #masked({ words, type, size }: Looked, mask: Held["mask"]): string {
    if (mask === undefined) return words;
    const one = (bytes: Uint8Array) => valueWords(numberFrom(bytes, type.isHost === true), type, size);
    const isXor = mask.xor.some((byte) => byte !== 0);
    return `${words} & ${one(mask.mask)}${isXor ? ` ^ ${one(mask.xor)}` : ""}`;
  }

  step(name: string, data: Attributes): void {
    const looked = lookedAt(name, data, this.known);
    if (looked) this.hold(be32(data.get(NFTA.PAYLOAD.DREG)), { looked });
    else if (name === "cmp") this.#compare(data);
    else if (name === "range") this.#outside(data);
    else if (name === "bitwise") this.#bitwise(data);
    else if (name === "byteorder") {
      const register = be32(data.get(NFTA.BYTEORDER.SREG));
      this.hold(register, { ...this.held(register), isTurned: true });
    } else if (name === "lookup") this.#lookUp(data);
    else if (name === "immediate") this.#immediate(data);
    else if (name === "dynset") this.#update(data);
    else if (name === "exthdr" && !data.has(NFTA.EXTHDR.SREG)) this.words.push(`reset ${settable(name, data).words}`);
    else if (name === "meta" || name === "ct" || name === "exthdr") {
      const set = settable(name, data);
      const register = be32(data.get(SOURCE[name]));
      this.words.push(`${set.words} set ${this.valueWords(register, set)}`);
    } else this.words.push(stateWords(name, data) ?? tellStatement(name, data, this));
  }

  #compare(data: Attributes): void {
    const register = be32(data.get(NFTA.CMP.SREG)) ?? -1;
    const { looked, mask, isTurned } = this.held(register);
    const bytes = dataOf(data.get(NFTA.CMP.DATA)).get(NFTA.DATA.VALUE);
    const op = be32(data.get(NFTA.CMP.OP));
    if (looked === undefined || bytes === undefined) throw new Untold("a comparison");
    const { type, size } = looked;
    if (type.isName && bytes.length < size && op !== undefined && op <= CMP.NEQ) {
      this.words.push(`${looked.words} ${op === CMP.NEQ ? "!= " : ""}${quoted(`${text(bytes)}*`)}`);
      return;
    }
    if (bytes.length !== size) throw new Untold("a comparison");
    const value = numberFrom(bytes, type.isHost === true && !isTurned);
    const words = valueWords(value, type, size);
    if (this.#from !== undefined && (op !== CMP.LTE || this.#from.register !== register)) this.#flush(looked);
    if (op === CMP.GTE) this.#from = { register, value };
    else if (op === CMP.LTE && this.#from !== undefined) {
      this.words.push(`${looked.words} ${valueWords(this.#from.value, type, size)}-${words}`);
      this.#from = undefined;
    } else {
      const sign = ["==", "!=", "<", "<=", ">", ">="][op ?? -1];
      if (sign === undefined) throw new Untold("a comparison");
      const isQuestion = looked.isAsked === true && sign === "==";
      this.words.push(`${this.#masked(looked, mask)} ${isQuestion ? "" : `${sign} `}${words}`);
      if (op === CMP.EQ && mask === undefined) this.#learn(looked, value);
    }
  }

  /** A lower end that no upper one follows. */
  #flush({ words, type, size }: Looked): void {
    if (this.#from) this.words.push(`${words} >= ${valueWords(this.#from.value, type, size)}`);
    this.#from = undefined;
  }

  #learn({ tells }: Looked, value: bigint): void {
    if (tells === "transport") this.known.transport = Number(value);
    if (tells === "ether" && value === 1n) this.known.isEther = true;
    if (tells !== "network") return;
    const networks: Readonly<Record<string, string>> = { 2: "ip", 10: "ip6", 2048: "ip", 34525: "ip6", 2054: "arp" };
    const network = networks[`${value}`];
    if (network !== undefined) this.known.network = network;
  }

  #outside(data: Attributes): void {
    const { looked } = this.held(be32(data.get(NFTA.RANGE.SREG)));
    const [from, to] = [NFTA.RANGE.FROM, NFTA.RANGE.TO].map((type) => dataOf(data.get(type)).get(NFTA.DATA.VALUE));
    if (!looked || !from || !to) throw new Untold("a range");
    const sign = be32(data.get(NFTA.RANGE.OP)) === 1 ? "!= " : "";
    const one = (bytes: Uint8Array) => valueWords(numberFrom(bytes, false), looked.type, looked.size);
    this.words.push(`${looked.words} ${sign}${one(from)}-${one(to)}`);
  }

  #bitwise(data: Attributes): void {
    const { SREG, DREG, MASK, XOR } = NFTA.BITWISE;
    const held = this.held(be32(data.get(SREG)));
    const [mask, xor] = [MASK, XOR].map((type) => dataOf(data.get(type)).get(NFTA.DATA.VALUE));
    if (!mask || !xor || held.mask || held.looked === undefined) throw new Untold("bits");
    this.hold(be32(data.get(DREG)), { ...held, mask: { mask, xor } });
  }

  #immediate(data: Attributes): void {
    const value = dataOf(data.get(NFTA.IMMEDIATE.DATA));
    const verdict = value.get(NFTA.DATA.VERDICT);
    if (verdict !== undefined) this.words.push(verdictWords(verdict));
    else this.hold(be32(data.get(NFTA.IMMEDIATE.DREG)), { bytes: value.get(NFTA.DATA.VALUE) ?? NO_BYTES });
  }

  /** The words of what lies in the registers from there on, of the types of a set's key. */
  #keyWords(register: number | undefined, set: ToldSet): string {
    let at = place(register ?? -1);
    const parts = set.key.map((type) => {
      const { looked, mask } = this.held(at + 8);
      at += Math.ceil(type.size / 4);
      const same = looked && [looked, ...looked.others].find((one) => one.type.id === type.id);
      if (same === undefined || mask !== undefined) throw new Untold(`a key: ${looked?.words} in ${set.name}`);
      return same.words;
    });
    return parts.join(" . ");
  }

  #lookUp(data: Attributes): void {
    const { SET, SREG, DREG, FLAGS } = NFTA.LOOKUP;
    const set = this.#sets.get(text(data.get(SET)));
    if (set === undefined) throw new Untold("a set");
    const key = this.#keyWords(be32(data.get(SREG)), set);
    const own = (set.flags & NFT_SET.ANONYMOUS) !== 0 ? `{ ${set.elements.join(", ")} }` : `@${set.name}`;
    const into = be32(data.get(DREG));
    if (into === 0) this.words.push(`${key} vmap ${own}`);
    else if (into !== undefined) this.hold(into, { words: `${key} map ${own}` });
    else this.words.push(`${key} ${be32(data.get(FLAGS)) === 1 ? "!= " : ""}${own}`);
  }

  #update(data: Attributes): void {
    const { NAME, OP, KEY, DATA, TIMEOUT, EXPR } = NFTA.DYNSET;
    const set = this.#sets.get(text(data.get(NAME)));
    const op = ["add", "update", "delete"][be32(data.get(OP)) ?? -1];
    if (set === undefined || op === undefined || data.has(DATA)) throw new Untold("a set that is changed");
    const timeout = be64(data.get(TIMEOUT));
    const state = data.get(EXPR);
    const parts = [
      this.#keyWords(be32(data.get(KEY)), set),
      ...(timeout ? [`timeout ${timeout}ms`] : []),
      ...(state ? [tellState(state)] : []),
    ];
    this.words.push(`${op} @${set.name} { ${parts.join(" ")} }`);
  }

  end(): void {
    if (this.#from !== undefined) this.#flush(this.held(this.#from.register).looked ?? failed());
  }
}

function failed(): never {
  throw new Untold("a comparison");
}

/** @param attributes of the message that makes it */
export function tellRule(attributes: Attributes, family: string, sets: ReadonlyMap<string, ToldSet>): string {
  const telling = new Telling(family, sets);
  for (const [, expression] of attributeList(attributes.get(NFTA.RULE.EXPRESSIONS) ?? NO_BYTES)) {
    const parts = parseAttributes(expression);
    telling.step(text(parts.get(NFTA.EXPR.NAME)), parseAttributes(parts.get(NFTA.EXPR.DATA) ?? NO_BYTES));
  }
  telling.end();
  const comment = keptOf(attributes.get(NFTA.RULE.USERDATA)).get(0);
  return [...telling.words, ...(comment ? [`comment ${quoted(text(comment))}`] : [])].join(" ");
}
