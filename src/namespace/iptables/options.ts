/** Words of rules as iptables-save writes them, and the bytes that matches and targets are. */
import { CrError } from "../../error.ts";

/** `[!] --name value value` */
export interface Option {
  readonly name: string;
  readonly isInverse: boolean;
  readonly values: readonly string[];
}

/** A match or a target: its words, and its bytes, in both directions. */
export interface Extension {
  readonly name: string;
  readonly revision: number;
  /** Of one version of IP alone. */
  readonly version?: 4 | 6;
  /** Bytes, before they are padded. */
  readonly size: number;
  read(options: readonly Option[], to: Bytes): void;
  /** Errors: `Unsaid` for what it has no words for. */
  write(from: Bytes): Option[];
}

/** There are no words for it, or none that are understood. */
export class Unsaid extends Error {}

/** Numbers at places. */
export class Bytes {
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  static of(size: number): Bytes {
    return new Bytes(new Uint8Array(size));
  }

  u8(at: number): number {
    return this.#view.getUint8(at);
  }

  u16(at: number): number {
    return this.#view.getUint16(at, true);
  }

  be16(at: number): number {
    return this.#view.getUint16(at, false);
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  i32(at: number): number {
    return this.#view.getInt32(at, true);
  }

  slice(at: number, length: number): Uint8Array {
    return this.bytes.subarray(at, at + length);
  }

  text(at: number, length: number): string {
    return Buffer.from(this.slice(at, length)).toString().replace(/\0.*$/s, "");
  }

  set8(at: number, value: number): void {
    this.#view.setUint8(at, value);
  }

  set16(at: number, value: number): void {
    this.#view.setUint16(at, value, true);
  }

  setBe16(at: number, value: number): void {
    this.#view.setUint16(at, value, false);
  }

  set32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  put(at: number, value: Uint8Array): void {
    this.bytes.set(value, at);
  }

  /** NUL-terminated, within its room. */
  putText(at: number, room: number, value: string): void {
    const bytes = new TextEncoder().encode(value);
    if (bytes.length >= room) throw new Unsaid(value);
    this.put(at, bytes);
  }
}

export function number(text: string | undefined, last: number): number {
  const value = text !== undefined && /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!(value <= last)) throw new Unsaid(text ?? "");
  return value;
}

export const hex = (value: number, digits = 1): string => `0x${value.toString(16).padStart(digits, "0")}`;

/** `5` or `5:9`. */
export function range(text: string | undefined, mark: string, last = 0xffff): [from: number, to: number] {
  const [from, to = from, ...more] = text?.split(mark) ?? [];
  const both: [number, number] = [number(from, last), number(to, last)];
  if (more.length > 0 || both[0] > both[1]) throw new Unsaid(text ?? "");
  return both;
}

export const rangeWords = (from: number, to: number, mark: string) => (from === to ? `${from}` : `${from}${mark}${to}`);

/** Names of bits, in the order in which they are written. */
export function bits(text: string | undefined, names: Readonly<Record<string, number>>): number {
  return (text ?? "").split(",").reduce((all, name) => {
    const bit = names[name];
    if (bit === undefined) throw new Unsaid(name);
    return all | bit;
  }, 0);
}

export function bitWords(value: number, names: Readonly<Record<string, number>>): string {
  const found = Object.entries(names).filter(([, bit]) => bit !== 0 && (value & bit) === bit);
  if (found.reduce((all, [, bit]) => all | bit, 0) !== value) throw new Unsaid(hex(value));
  return found.map(([name]) => name).join(",");
}

export function oneOf(text: string | undefined, names: Readonly<Record<string, number>>): number {
  const value = names[text ?? ""];
  if (value === undefined) throw new Unsaid(text ?? "");
  return value;
}

export function nameOf(value: number, names: Readonly<Record<string, number>>): string {
  const found = Object.entries(names).find(([, one]) => one === value)?.[0];
  if (found === undefined) throw new Unsaid(hex(value));
  return found;
}

export interface Word {
  readonly text: string;
  readonly isQuoted: boolean;
}

const WORDS = /\s*(?:"((?:[^"\\]|\\.)*)"|(\S+))/gy;

export function wordsOf(line: string): Word[] {
  return [...line.matchAll(WORDS)].map(([, quoted, plain]) => ({
    text: quoted === undefined ? (plain ?? "") : quoted.replaceAll(/\\(.)/g, "$1"),
    isQuoted: quoted !== undefined,
  }));
}

/** As iptables-save quotes. */
function quote(text: string): string {
  if (/^[^\s"'\\]+$/.test(text)) return text;
  return `"${text.replaceAll(/["\\']/g, "\\$&")}"`;
}

/** Reads the options that stand next, up to the next part of the rule. */
export function readOptions(words: Word[]): Option[] {
  const options: Option[] = [];
  const startsOption = (at: number) => words[at]?.isQuoted === false && words[at]?.text.startsWith("--") === true;
  const isNot = (at: number) => words[at]?.isQuoted === false && words[at]?.text === "!";
  for (;;) {
    const isInverse = isNot(0) && startsOption(1);
    if (!isInverse && !startsOption(0)) return options;
    const [word] = words.splice(0, isInverse ? 2 : 1).slice(-1);
    const values: string[] = [];
    while (words[0] && !startsOption(0) && !isNot(0) && (words[0].isQuoted || !/^-[a-z]$/.test(words[0].text)))
      values.push(words.shift()?.text ?? "");
    options.push({ name: word?.text.slice(2) ?? "", isInverse, values });
  }
}

export function optionWords(options: readonly Option[]): string[] {
  return options.flatMap(({ name, isInverse, values }) => [
    ...(isInverse ? ["!"] : []),
    `--${name}`,
    ...values.map(quote),
  ]);
}

export const option = (name: string, value: string | readonly string[] = [], isInverse = false): Option => ({
  name,
  isInverse,
  values: typeof value === "string" ? [value] : value,
});

/** The error for a line that says what is not known. */
export function unknownLine(image: string, line: number, text: string, what: string): CrError {
  return new CrError(`tscriu does not know what the saved packet filter says: ${what}`, {
    code: "UNSUPPORTED",
    subject: { image, line, text: text.trim() },
    remedy: "restore with criu, or with --empty-ns net and fill the network namespace by a setup-namespaces script",
  });
}

/** Whatever an extension does not know is told by its name. */
export const unknown = ({ name }: Option) => new Unsaid(`--${name}`);
