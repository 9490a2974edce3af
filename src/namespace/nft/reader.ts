/** Words of a rule set as nft lists it, one after the other, and where each of them stands. */
import { CrError } from "../../error.ts";

export interface Word {
  readonly text: string;
  readonly isQuoted: boolean;
  /** From 1. */
  readonly line: number;
}

const END = "\n";
/** Quoted text, marks that stand for themselves, and what lies between blanks. A comma within a word is a part of it. */
const WORDS = /\s*(?:(#.*)|"([^"]*)"|([{}();,])|((?:[^\s{}();,"]|,(?=\S))+))/y;

function wordsOf(line: string, number: number): Word[] | undefined {
  const words: Word[] = [];
  const text = line.trimEnd();
  WORDS.lastIndex = 0;
  while (WORDS.lastIndex < text.length) {
    const found = WORDS.exec(text);
    if (found === null) return undefined;
    const [, comment, quoted, mark, word] = found;
    if (comment !== undefined) continue;
    if (quoted !== undefined) words.push({ text: quoted, isQuoted: true, line: number });
    else words.push({ text: mark ?? word ?? "", isQuoted: false, line: number });
  }
  return words;
}

/** Reads them. What cannot be understood is one error that names the line. */
export class Reader {
  readonly #words: Word[] = [];
  readonly #lines: readonly string[];
  #at = 0;

  /** @param image whose text it is */
  constructor(
    text: string,
    readonly image: string,
  ) {
    this.#lines = text.split("\n");
    this.#lines.forEach((line, index) => {
      const words = wordsOf(line, index + 1);
      if (words === undefined) throw this.#unknown(index + 1, line.trim());
      this.#words.push(...words, { text: END, isQuoted: false, line: index + 1 });
    });
  }

  #unknown(number: number, what: string): CrError {
    const line = this.#lines[number - 1]?.trim() ?? "";
    return new CrError(`tscriu does not know what the saved packet filter says: ${what}`, {
      code: "UNSUPPORTED",
      subject: { image: this.image, line: number, text: line },
      remedy: "restore with criu, or with --empty-ns net and fill the network namespace by a setup-namespaces script",
    });
  }

  /** The error for the word that was read last, or stands next. */
  unknown(what: string = this.peek()): CrError {
    const word = this.#words[Math.max(0, this.#at - 1)] ?? this.#words.at(-1);
    return this.#unknown(word?.line ?? 1, what);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#words.length;
  }

  #word(ahead = 0): Word | undefined {
    return this.#words[this.#at + ahead];
  }

  /** What stands next; "" at the end, and for quoted text, which is no word of the language. */
  peek(ahead = 0): string {
    const word = this.#word(ahead);
    return word === undefined || word.isQuoted ? "" : word.text;
  }

  get isQuoted(): boolean {
    return this.#word()?.isQuoted === true;
  }

  /** Any word or quoted text. */
  next(): string {
    const word = this.#word();
    if (word === undefined || (word.text === END && !word.isQuoted)) throw this.unknown("it ends too early");
    this.#at++;
    return word.text;
  }

  /** Takes a word if it stands next. */
  take(text: string): boolean {
    if (this.peek() !== text) return false;
    this.#at++;
    return true;
  }

  /** Takes one of these words if it stands next. */
  oneOf<T extends string>(texts: readonly T[]): T | undefined {
    const found = texts.find((text) => text === this.peek());
    if (found !== undefined) this.#at++;
    return found;
  }

  expect(text: string): void {
    if (!this.take(text)) throw this.unknown(`"${this.#word()?.text.trim() ?? ""}" where "${text}" should be`);
  }

  number(): number {
    const word = this.next();
    if (!/^\d+$/.test(word)) throw this.unknown(word);
    return Number(word);
  }

  bigint(): bigint {
    const word = this.next();
    if (!/^\d+$/.test(word)) throw this.unknown(word);
    return BigInt(word);
  }

  /** Ends of lines and statements. */
  skipEnds(): void {
    while (this.peek() === END || this.peek() === ";") this.#at++;
  }

  get isAtStatementsEnd(): boolean {
    const next = this.peek();
    return next === END || next === ";" || next === "}";
  }

  /** What stands in braces, by commas; lines may end there. */
  inBraces(one: () => void): void {
    this.expect("{");
    for (;;) {
      this.skipEnds();
      if (this.take("}")) return;
      one();
      this.skipEnds();
      if (!this.take(",") && this.peek() !== "}") throw this.unknown();
    }
  }
}
