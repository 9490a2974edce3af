/** A set of images that somebody changed: what is said of one is a row of data. */
import { copyFileSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { Entry } from "../../../src/image/codec.ts";
import { decodeImage, encodeImage } from "../../../src/image/framing.ts";
import type { KindName } from "../../../src/image/kinds.ts";

/**
 * What is wrong; the image, by the beginning of its name; which entry, as "field=value", "#number", "+" for one more like the first
 * or "*" for all; and what its fields say instead, by their paths ("reg.name"), undefined for nothing.
 */
export type Row = readonly [what: string, image: string, which: string, change: Readonly<Record<string, unknown>>];

export interface Variant {
  readonly what: string;
  /** It may come back as well, as long as it touches nothing outside. */
  readonly stays?: boolean;
  change(set: HostileSet): void;
}

function pathOf(path: string): { readonly above: readonly string[]; readonly last: string } {
  const above = path.split(".");
  return { above, last: above.pop() ?? "" };
}

const isEntry = (value: unknown): value is Entry => typeof value === "object" && value !== null;

function follow(entry: Entry, names: readonly string[]): Entry {
  let at = entry;
  for (const name of names) {
    const next = at[name];
    if (!isEntry(next)) throw new Error(`there is no field ${names.join(".")}`);
    at = next;
  }
  return at;
}

function said(entry: Entry, path: string): string {
  const { above, last } = pathOf(path);
  try {
    return String(follow(entry, above)[last]);
  } catch {
    return "";
  }
}

function put(entry: Entry, path: string, value: unknown): void {
  const { above, last } = pathOf(path);
  const at = follow(entry, above);
  if (value === undefined) delete at[last];
  else at[last] = value;
}

export class HostileSet {
  readonly #touched = new Set<string>();

  /** @param whole the set as it was dumped @param directory where the changed one lies */
  constructor(
    readonly whole: string,
    readonly directory: string,
  ) {
    for (const name of readdirSync(whole)) this.#reset(name);
  }

  #reset(name: string): void {
    copyFileSync(`${this.whole}/${name}`, `${this.directory}/${name}`);
  }

  /** Everything is as it was dumped. */
  reset(): void {
    const names = readdirSync(this.whole);
    for (const name of this.#touched) {
      rmSync(`${this.directory}/${name}`, { force: true });
      if (names.includes(name)) this.#reset(name);
    }
    this.#touched.clear();
  }

  /** The one image whose name begins so. */
  name(start: string): string {
    const all = readdirSync(this.whole);
    const exact = all.find((name) => name === `${start}.img`);
    const found = exact ?? all.find((name) => name.startsWith(`${start}-`) && name.endsWith(".img"));
    if (found === undefined) throw new Error(`there is no image ${start}`);
    return found;
  }

  edit(start: string, change: (entries: Entry[], kind: KindName) => Entry[]): void {
    const name = this.name(start);
    const path = `${this.directory}/${name}`;
    const { kind, entries } = decodeImage(new Uint8Array(readFileSync(path)), path);
    this.put(name, encodeImage(kind, change(structuredClone(entries), kind)));
  }

  raw(start: string, change: (bytes: Uint8Array) => Uint8Array): void {
    const name = this.name(start);
    this.put(name, change(new Uint8Array(readFileSync(`${this.directory}/${name}`))));
  }

  put(name: string, bytes: Uint8Array): void {
    this.#touched.add(name);
    writeFileSync(`${this.directory}/${name}`, bytes);
  }

  remove(start: string): void {
    const name = this.name(start);
    this.#touched.add(name);
    rmSync(`${this.directory}/${name}`);
  }

  link(name: string, target: string): void {
    this.#touched.add(name);
    symlinkSync(target, `${this.directory}/${name}`);
  }

  apply([, image, which, change]: Row): void {
    this.edit(image, (entries) => {
      const all = which === "+" ? [...entries, structuredClone(entries[0] ?? {})] : entries;
      const [field = "", value = ""] = which.split("=");
      const chosen = all.filter((entry, i) => {
        if (which === "*") return true;
        if (which === "+") return i === all.length - 1;
        return which.startsWith("#") ? i === Number(which.slice(1)) : said(entry, field) === value;
      });
      if (chosen.length === 0) throw new Error(`${image} has no entry ${which}`);
      for (const entry of chosen) for (const [path, to] of Object.entries(change)) put(entry, path, to);
      return all;
    });
  }
}

export const variantsOf = (rows: readonly Row[]): Variant[] =>
  rows.map((row) => ({ what: `${row[1]}: ${row[0]}`, change: (set) => set.apply(row) }));

/** A variant that may come back as well. */
export const staying = (variants: readonly Variant[]): Variant[] => variants.map((one) => ({ ...one, stays: true }));
