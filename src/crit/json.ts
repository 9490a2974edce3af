import { CrError } from "../error.ts";

/** JSON whose integers are exact at any size. */
export type Json = null | boolean | number | bigint | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/**
 * Text of a value in the form of Python's json module, which is crit's: `indent` spaces per level, or all on one line
 * when it is 0; everything beyond ASCII escaped.
 */
export function formatJson(value: Json, indent: number): string {
  const parts: string[] = [];
  format(value, indent, "\n", parts);
  return parts.join("");
}

function format(value: Json, indent: number, newline: string, parts: string[]): void {
  if (typeof value === "string") parts.push(quote(value));
  else if (typeof value !== "object" || value === null) parts.push(String(value));
  else {
    const inner = newline + " ".repeat(indent);
    const [open, close] = Array.isArray(value) ? "[]" : "{}";
    const separator = indent > 0 ? `,${inner}` : ", ";
    let first = true;
    parts.push(open ?? "");
    const begin = (): void => {
      if (!first) parts.push(separator);
      else if (indent > 0) parts.push(inner);
      first = false;
    };
    if (Array.isArray(value))
      for (const item of value) {
        begin();
        format(item, indent, inner, parts);
      }
    else
      for (const [key, item] of Object.entries(value)) {
        begin();
        parts.push(quote(key), ": ");
        format(item, indent, inner, parts);
      }
    if (!first && indent > 0) parts.push(newline);
    parts.push(close ?? "");
  }
}

function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Nesting beyond this is no image. */
const maxDepth = 400;

/** Reads JSON; integers beyond 2^53 - 1 become bigints. Errors: CrError BAD_JSON with line and column. */
export function parseJson(text: string, path: string): Json {
  return new Parser(text, path).whole();
}

class Parser {
  #at = 0;

  constructor(
    readonly text: string,
    readonly path: string,
  ) {}

  whole(): Json {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.text.length) this.#fail("nothing more is expected");
    return value;
  }

  #fail(problem: string): never {
    const before = this.text.slice(0, this.#at).split("\n");
    throw new CrError(`no valid JSON: ${problem}`, {
      code: "BAD_JSON",
      subject: { path: this.path, line: before.length, column: (before[before.length - 1]?.length ?? 0) + 1 },
      remedy: "encode takes what `crit decode` prints",
    });
  }

  #space(): void {
    while (this.#at < this.text.length && " \t\r\n".includes(this.text.charAt(this.#at))) this.#at++;
  }

  #value(depth: number): Json {
    if (depth > maxDepth) this.#fail(`nested more than ${maxDepth} times`);
    this.#space();
    const char = this.text.charAt(this.#at);
    if (char === "{") return this.#object(depth);
    if (char === "[") return this.#array(depth);
    if (char === '"') return this.#string();
    for (const [word, value] of words)
      if (this.text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    return this.#number();
  }

  #number(): Json {
    number.lastIndex = this.#at;
    const found = number.exec(this.text)?.[0];
    if (found === undefined)
      return this.#fail(this.#at < this.text.length ? "a value is expected" : "the text ends early");
    this.#at += found.length;
    if (/[.eE]/.test(found)) return Number(found);
    const exact = Number(found);
    return Number.isSafeInteger(exact) ? exact : BigInt(found);
  }

  #string(): string {
    const start = this.#at;
    let end = start;
    let escaped = true;
    while (escaped) {
      end = this.text.indexOf('"', end + 1);
      if (end < 0) this.#fail("a string has no end");
      let slash = end;
      while (this.text[slash - 1] === "\\") slash--;
      escaped = (end - slash) % 2 === 1;
    }
    this.#at = end + 1;
    try {
      return JSON.parse(this.text.slice(start, end + 1)) as string;
    } catch {
      this.#at = start;
      this.#fail("a string holds what is not allowed there");
    }
  }

  #array(depth: number): Json[] {
    const list: Json[] = [];
    this.#at++;
    for (let more = !this.#takes("]"); more; more = this.#more("]")) list.push(this.#value(depth + 1));
    return list;
  }

  #object(depth: number): JsonObject {
    const entries: [string, Json][] = [];
    this.#at++;
    for (let more = !this.#takes("}"); more; more = this.#more("}")) {
      this.#space();
      if (this.text.charAt(this.#at) !== '"') this.#fail("a name in quotes is expected");
      const key = this.#string();
      if (!this.#takes(":")) this.#fail("a colon is expected");
      entries.push([key, this.#value(depth + 1)]);
    }
    return Object.fromEntries(entries);
  }

  #takes(char: string): boolean {
    this.#space();
    if (this.text.charAt(this.#at) !== char) return false;
    this.#at++;
    return true;
  }

  #more(close: string): boolean {
    if (this.#takes(",")) return true;
    if (!this.#takes(close)) this.#fail(`a comma or ${close} is expected`);
    return false;
  }
}

const words = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;
const number = /-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
