import { CrError } from "../error.ts";
import { descriptor, enumName, enumValue, type Field } from "../image/descriptor.ts";
import { narrow } from "../image/wire.ts";
import { fromBase64, fromQuotedPrintable, toBase64, toQuotedPrintable } from "./encoding.ts";
import type { Json } from "./json.ts";
import { dictTables, flagTables } from "./tables.ts";

type Int = number | bigint;

function bad(field: Field, problem: string): never {
  throw new CrError(`field ${field.name}: ${problem}`, {
    code: "BAD_JSON",
    remedy: "encode takes what `crit decode` prints",
  });
}

/** One form in which --pretty shows integers; `parse` gives undefined for text that is not of this form. */
interface Form {
  format(value: Int, field: Field): string | undefined;
  parse(text: string, field: Field): Int | undefined;
}

const flags: Form = {
  format(value, field) {
    const parts: string[] = [];
    let rest = BigInt(value);
    for (const [name, bit] of flagTables.get(field.show.get("flags") ?? "") ?? [])
      if ((rest & BigInt(bit)) !== 0n) {
        parts.push(name);
        rest &= ~BigInt(bit);
      }
    return [...parts, ...(rest === 0n ? [] : [hexadecimal.format(rest, field)])].join(" | ");
  },
  parse(text, field) {
    const table = new Map(flagTables.get(field.show.get("flags") ?? ""));
    let value = 0n;
    for (const part of text.split("|").map((p) => p.trim())) {
      const one = part === "" && text.trim() === "" ? 0 : (table.get(part) ?? integer(part));
      if (one === undefined) return undefined;
      value |= BigInt(one);
    }
    return narrow(value);
  },
};

function dictOf(field: Field): readonly (readonly [string, number])[] {
  return dictTables.get(`${field.show.get("dict")}.${field.name}`) ?? [];
}

const dict: Form = {
  format: (value, field) => dictOf(field).find(([, number]) => number === value)?.[0],
  parse: (text, field) => new Map(dictOf(field)).get(text),
};

/** Kernel-internal numbers: 20 bits of minor. */
const device: Form = {
  format: (value) => `${BigInt(value) >> 20n}:${BigInt(value) & 0xfffffn}`,
  parse(text) {
    const parts = /^(\d+):(\d+)$/.exec(text);
    return parts ? narrow((BigInt(parts[1] ?? 0) << 20n) | BigInt(parts[2] ?? 0)) : undefined;
  },
};

/** Numbers as the C library splits them: makedev(3). */
const libcDevice: Form = {
  format(value) {
    const wide = BigInt(value);
    return `${((wide >> 8n) & 0xfffn) | ((wide >> 32n) & ~0xfffn)}:${(wide & 0xffn) | ((wide >> 12n) & 0xffffff00n)}`;
  },
  parse(text) {
    const parts = /^(\d+):(\d+)$/.exec(text);
    if (!parts) return undefined;
    const [major, minor] = [BigInt(parts[1] ?? 0), BigInt(parts[2] ?? 0)];
    return narrow(((major & 0xfffn) << 8n) | ((major & ~0xfffn) << 32n) | (minor & 0xffn) | ((minor & ~0xffn) << 12n));
  },
};

const hexadecimal = {
  format: (value: Int, _field: Field): string =>
    value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`,
  parse: (text: string): Int | undefined => integer(text),
} satisfies Form;

/** An integer in any of Python's notations. */
function integer(text: string): Int | undefined {
  const parts = /^\s*([-+]?)(0x[0-9a-f]+|0o[0-7]+|0b[01]+|[0-9]+)\s*$/i.exec(text);
  if (!parts) return undefined;
  const value = BigInt((parts[2] ?? "").toLowerCase());
  return narrow(parts[1] === "-" ? -value : value);
}

function formOf(field: Field, hex: boolean): Form | undefined {
  if (field.show.has("flags")) return flags;
  if (field.show.has("dict")) return dict;
  if (field.show.has("odev")) return libcDevice;
  if (field.show.has("dev")) return device;
  return hex || field.show.has("hex") ? hexadecimal : undefined;
}

/** A scalar as crit prints it. `hex`: a message above says that its integers are hexadecimal. */
export function scalarToJson(field: Field, value: unknown, pretty: boolean, hex: boolean): Json {
  if (value instanceof Uint8Array)
    return field.show.get("conv") === "unix_name" ? toQuotedPrintable(value) : toBase64(value);
  if (typeof value === "number" || typeof value === "bigint") {
    if (field.kind === "enum") return enumName(field.type, Number(value)) ?? value;
    return (pretty ? formOf(field, hex)?.format(value, field) : undefined) ?? value;
  }
  return value as Json;
}

/** A scalar from JSON, in any of the forms that `scalarToJson` gives. Errors: CrError BAD_JSON. */
export function scalarFromJson(field: Field, json: Json): unknown {
  if (field.type === "bytes") {
    if (typeof json !== "string") return bad(field, "bytes stand as text");
    return field.show.get("conv") === "unix_name" ? fromQuotedPrintable(json) : fromBase64(json);
  }
  if (typeof json !== "string" || field.type === "string") return json;
  if (field.kind === "enum") return enumValue(field.type, json) ?? integer(json) ?? bad(field, `no value ${json}`);
  return formOf(field, true)?.parse(json, field) ?? integer(json) ?? bad(field, `${JSON.stringify(json)} is no number`);
}

/** Words of an address field as one text; undefined for what is no IPv4 or IPv6 address. */
export function addressToText(words: readonly number[]): string | undefined {
  if (words.length !== 1 && words.length !== 4) return undefined;
  const bytes = new Uint8Array(Uint32Array.from(words).buffer);
  return bytes.length === 4 ? bytes.join(".") : ipv6Text(bytes);
}

function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2] ?? 0) << 8) | (bytes[i * 2 + 1] ?? 0));
  const zeros = groups.findIndex((group) => group !== 0);
  // inet_ntop(3): addresses that hold an IPv4 one show it in its own form.
  const mapped = zeros === 5 && groups[5] === 0xffff;
  if (mapped || zeros === 6) return `${mapped ? "::ffff:" : "::"}${bytes.slice(12).join(".")}`;
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const text = groups.map((group) => group.toString(16));
  if (best.at < 0) return text.join(":");
  return `${text.slice(0, best.at).join(":")}::${text.slice(best.at + best.length).join(":")}`;
}

/** The words of an address field's text. Errors: CrError BAD_JSON. */
export function addressFromText(field: Field, text: string): number[] {
  const bytes = text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
  if (bytes === undefined) return bad(field, `${JSON.stringify(text)} is no address`);
  return [...new Uint32Array(Uint8Array.from(bytes).buffer)];
}

function ipv4Bytes(text: string): number[] | undefined {
  const bytes = text.split(".").map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  return bytes.length === 4 && bytes.every((byte) => byte < 256) ? bytes : undefined;
}

function ipv6Bytes(text: string): number[] | undefined {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const last = tail ? ipv4Bytes(tail[2] ?? "") : [];
  if (last === undefined) return undefined;
  const head = tail ? (tail[1] ?? "").replace(/([^:]):$/, "$1") : text;
  const [before = "", after, more] = head.split("::");
  const bytesOf = (part: string): number[] =>
    part === ""
      ? []
      : part.split(":").flatMap((group) => {
          const value = /^[0-9a-f]{1,4}$/i.test(group) ? Number.parseInt(group, 16) : -1;
          return [value < 0 ? -1 : value >> 8, value & 0xff];
        });
  const [left, right] = [bytesOf(before), [...bytesOf(after ?? ""), ...last]];
  const gap = 16 - left.length - right.length;
  const fits = after === undefined ? gap === 0 : gap >= 0;
  if (more !== undefined || !fits || [...left, ...right].includes(-1)) return undefined;
  return [...left, ...new Array<number>(gap).fill(0), ...right];
}

/** The field that a JSON name means. Errors: CrError BAD_JSON. */
export function fieldNamed(message: string, name: string): Field {
  const field = descriptor(message).fields.find((f) => f.name === name);
  if (field === undefined)
    throw new CrError(`${message} has no field ${name}`, {
      code: "BAD_JSON",
      remedy: "encode takes what `crit decode` prints",
    });
  return field;
}
