/** Rules of iptables as words, and as entries of a table (struct ipt_entry, ip6t_entry). */
import { TYPES } from "../nft/types.ts";
import { networkWords, readNetwork } from "./addresses.ts";
import { matches } from "./matches.ts";
import { Bytes, type Extension, number, type Option, optionWords, readOptions, Unsaid, type Word } from "./options.ts";
import { kernelName, targets } from "./targets.ts";

export type Version = 4 | 6;

/** Where an entry has what it asks of the packet itself. */
export const LAYOUT = {
  4: {
    address: 4,
    interfaces: 16,
    protocol: 80,
    flags: 82,
    inverse: 83,
    targetAt: 88,
    nextAt: 90,
    counters: 96,
    end: 112,
  },
  6: {
    address: 16,
    interfaces: 64,
    protocol: 128,
    flags: 131,
    inverse: 132,
    targetAt: 140,
    nextAt: 142,
    counters: 152,
    end: 168,
  },
} as const;
/** IP6T_F_PROTO, and *_F_GOTO. */
const F_PROTOCOL = 1;
const F_GOTO = { 4: 2, 6: 4 } as const;
const F_FRAGMENT = 1;
const INVERSE = { IN: 1, OUT: 2, SOURCE: 8, DESTINATION: 16, FRAGMENT: 32, PROTOCOL: 64 } as const;
const NAME = 16;
const HEAD = 32;

const aligned = (size: number) => (size + 7) & ~7;

/** struct xt_entry_match and xt_entry_target. */
export function partOf(name: string, revision: number, info: Uint8Array): Uint8Array {
  const part = Bytes.of(HEAD + aligned(info.length));
  part.set16(0, part.bytes.length);
  part.putText(2, 29, name);
  part.set8(31, revision);
  part.put(HEAD, info);
  return part.bytes;
}

export interface Rule {
  /** The entry up to its target. */
  readonly head: Uint8Array;
  readonly target: Uint8Array;
  /** Of the standard target: the chain that it leads to, or a verdict; undefined where it leads on. */
  readonly to?: string;
  readonly isStandard: boolean;
}

const protocols = TYPES.inet_proto.words;
// of two names the first is the usual one
const protocolNames = new Map(
  Object.entries(protocols)
    .reverse()
    .map(([name, value]) => [value, name]),
);

function readProtocol(text: string): number {
  return (protocols as Readonly<Record<string, number>>)[text] ?? number(text, 255);
}

function readInterface(text: string, to: Bytes, at: number, maskAt: number): void {
  const isOpen = text.endsWith("+");
  const name = new TextEncoder().encode(isOpen ? text.slice(0, -1) : text);
  if (name.length >= NAME) throw new Unsaid(text);
  to.put(at, name);
  to.put(maskAt, new Uint8Array(isOpen ? name.length : name.length + 1).fill(255));
}

function find(list: readonly Extension[], name: string, version: Version): Extension {
  const found = list.find((one) => one.name === name && (one.version ?? version) === version);
  if (found === undefined) throw new Unsaid(name);
  return found;
}

function infoOf({ read, size }: Extension, options: readonly Option[]): Uint8Array {
  const to = Bytes.of(size);
  read(options, to);
  return to.bytes;
}

/** @param words what follows the name of the chain */
export function readRule(words: Word[], version: Version): Rule {
  const { address, interfaces, protocol, flags, inverse, end } = LAYOUT[version];
  const to = Bytes.of(end);
  const parts: Uint8Array[] = [];
  const mark = (at: number, bit: number) => to.set8(at, to.u8(at) | bit);
  let target: Pick<Rule, "target" | "to" | "isStandard"> = { target: new Uint8Array(0), isStandard: true };
  while (words.length > 0) {
    const isInverse = words[0]?.text === "!" && words.shift() !== undefined;
    const option = words.shift()?.text ?? "";
    const isFragment = option === "-f";
    const value = isFragment ? "" : (words.shift()?.text ?? "");
    const not = (bit: number) => (isInverse ? mark(inverse, bit) : undefined);
    if (option === "-s" || option === "-d") {
      const { address: bytes, mask } = readNetwork(value);
      if (bytes.length !== address) throw new Unsaid(value);
      const index = option === "-s" ? 0 : 1;
      to.put(
        index * address,
        bytes.map((byte, i) => byte & (mask[i] ?? 0)),
      );
      to.put((2 + index) * address, mask);
      not(index === 0 ? INVERSE.SOURCE : INVERSE.DESTINATION);
    } else if (option === "-i" || option === "-o") {
      const at = interfaces + (option === "-i" ? 0 : NAME);
      readInterface(value, to, at, at + 2 * NAME);
      not(option === "-i" ? INVERSE.IN : INVERSE.OUT);
    } else if (option === "-p") {
      to.set16(protocol, readProtocol(value));
      if (version === 6) mark(flags, F_PROTOCOL);
      not(INVERSE.PROTOCOL);
    } else if (isFragment && version === 4) {
      mark(flags, F_FRAGMENT);
      not(INVERSE.FRAGMENT);
    } else if (option === "-m" && !isInverse) {
      // states are asked for by what also knows the rest of a connection
      const match = find(matches, value === "state" ? "conntrack" : value, version);
      parts.push(partOf(match.name, match.revision, infoOf(match, readOptions(words))));
    } else if ((option === "-j" || option === "-g") && !isInverse) {
      if (option === "-g") mark(flags, F_GOTO[version]);
      const known = targets.some(({ name }) => name === value) ? find(targets, value, version) : undefined;
      target = known
        ? {
            target: partOf(kernelName(known.name), known.revision, infoOf(known, readOptions(words))),
            isStandard: false,
          }
        : { target: new Uint8Array(0), to: value, isStandard: true };
    } else throw new Unsaid(option);
  }
  return { head: Buffer.concat([to.bytes, ...parts]), ...target };
}

function interfaceWords(from: Bytes, at: number, maskAt: number): string | undefined {
  const mask = from.slice(maskAt, NAME).indexOf(0);
  const length = mask < 0 ? NAME : mask;
  if (length === 0) return undefined;
  const name = from.text(at, NAME);
  return length > name.length ? name : `${name.slice(0, length)}+`;
}

function partWords(list: readonly Extension[], bytes: Bytes, version: Version): { name: string; options: Option[] } {
  const [name, revision] = [bytes.text(2, 29), bytes.u8(31)];
  let failure: unknown = new Unsaid(name);
  for (const one of list) {
    const isIt = kernelName(one.name) === name && one.revision === revision && (one.version ?? version) === version;
    if (!isIt || bytes.bytes.length < HEAD + one.size) continue;
    try {
      return { name: one.name, options: one.write(new Bytes(bytes.slice(HEAD, one.size))) };
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/**
 * The words of an entry.
 * @param leads the chain that a place in the table is the beginning of; undefined for the next entry
 */
export function ruleWords(
  entry: Uint8Array,
  version: Version,
  leads: (verdict: number) => string | undefined,
): string[] {
  const { address, interfaces, protocol, flags, inverse, targetAt, end } = LAYOUT[version];
  const from = new Bytes(entry);
  const words: string[] = [];
  const say = (option: string, value: string | undefined, bit: number) => {
    if (value === undefined) return;
    words.push(...(from.u8(inverse) & bit ? ["!"] : []), option, ...(value === "" ? [] : [value]));
  };
  const field = (index: number) => from.slice(index * address, address);
  say("-s", networkWords(field(0), field(2)), INVERSE.SOURCE);
  say("-d", networkWords(field(1), field(3)), INVERSE.DESTINATION);
  say("-i", interfaceWords(from, interfaces, interfaces + 2 * NAME), INVERSE.IN);
  say("-o", interfaceWords(from, interfaces + NAME, interfaces + 3 * NAME), INVERSE.OUT);
  const number = from.u16(protocol);
  say("-p", number === 0 ? undefined : (protocolNames.get(number) ?? `${number}`), INVERSE.PROTOCOL);
  if (version === 4 && from.u8(flags) & F_FRAGMENT) say("-f", "", INVERSE.FRAGMENT);
  const start = from.u16(targetAt);
  for (let at = end; at < start; ) {
    const size = from.u16(at);
    if (size < HEAD) throw new Unsaid("a match");
    const { name, options } = partWords(matches, new Bytes(from.slice(at, size)), version);
    const isState = options.some((one) => one.name === "state");
    words.push("-m", isState ? "state" : name, ...optionWords(options));
    at += size;
  }
  const target = new Bytes(from.slice(start, entry.length - start));
  if (target.text(2, 29) === "") {
    const to = leads(target.i32(HEAD));
    if (to !== undefined) words.push(from.u8(flags) & F_GOTO[version] ? "-g" : "-j", to);
  } else {
    const { name, options } = partWords(targets, target, version);
    words.push("-j", name, ...optionWords(options));
  }
  return words;
}
