import { CrError } from "../error.ts";
import { AREA, readArea, writeArea } from "./area.ts";
import { type Descriptor, descriptor, type Field } from "./descriptor.ts";
import type { Messages } from "./schema.gen.ts";
import { Wire } from "./wire.ts";
import { Reader } from "./wire-reader.ts";
import { Writer } from "./wire-writer.ts";

/** A decoded message by field names; absent optional fields are absent, repeated ones are arrays. */
export type Entry = Record<string, unknown>;

/** A message to encode: as decoded, but repeated fields may be left out, or be typed arrays. */
export type Init<T> = T extends Uint8Array | number | bigint | string | boolean | undefined
  ? T
  : T extends (infer U)[]
    ? Init<U>[] | ([U] extends [number | bigint] ? BigUint64Array | Uint32Array : never)
    : { [K in keyof T as T[K] extends unknown[] ? never : K]: Init<T[K]> } & {
        [K in keyof T as T[K] extends unknown[] ? K : never]?: Init<T[K]>;
      };

/**
 * Bytes of a message up to which it is worth a look whether the next one is the same, and beyond which whether the one before of
 * its type was, in whatever image.
 */
const SHORT = 64;
/** Nesting of recursive messages beyond this is damage. */
const maxDepth = 100;

/** Decodes one message. Errors: CrError BAD_IMAGE for what is no such message or lacks a required field. */
export function decode<K extends keyof Messages>(
  name: K,
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
): Messages[K] {
  return decodeEntry(name, bytes, start, end) as unknown as Messages[K];
}

/** Encodes one message. Errors: CrError BAD_VALUE for a field that is missing, out of range or of the wrong type. */
export function encode<K extends keyof Messages>(name: K, value: Init<Messages[K]>): Uint8Array {
  return encodeEntry(name, value as Entry);
}

/** `encode` for a name known only at run time. */
function encodeEntry(name: string, entry: Entry): Uint8Array {
  const writer = new Writer();
  writeMessage(writer, descriptor(name), entry);
  return writer.finish();
}

/** `decode` for a name known only at run time. */
export function decodeEntry(name: string, bytes: Uint8Array, start = 0, end = bytes.length): Entry {
  return readMessage(new Reader(bytes, start, end), descriptor(name), 0);
}

function readMessage(reader: Reader, type: Descriptor, depth: number): Entry {
  if (depth > maxDepth) reader.fail(`${type.name} is nested more than ${maxDepth} times`);
  const entry: Entry = {};
  const { fields, repeated, required, byNumber } = type;
  for (let i = 0; i < repeated.length; i++) entry[repeated[i] ?? ""] = [];
  let next = 0;
  while (reader.pos < reader.end) {
    const tag = reader.uint32();
    // they come in order, and most are there
    let field = fields[next];
    if (field?.tag !== tag) field = byNumber.get(tag >>> 3);
    if (field) next = field.index + 1;
    const wire = tag & 7;
    if (tag >>> 3 === 0) reader.fail(`field 0 in ${type.name}`);
    if (field === undefined) reader.skip(wire);
    else if (field.isList) readRepeated(reader, field, wire, entry[field.name] as unknown[], depth);
    else {
      if (wire !== field.wire) reader.fail(`${type.name}.${field.name} has wire type ${wire}`);
      const small = field.plain > 0 ? reader.small() : -1;
      entry[field.name] = small >= 0 ? small : readValue(reader, field, depth);
    }
  }
  for (let i = 0; i < required.length; i++) {
    const name = required[i] ?? "";
    if (entry[name] === undefined) reader.fail(`${type.name} lacks its required field ${name}`);
  }
  return entry;
}

function readRepeated(reader: Reader, field: Field, wire: number, into: unknown[], depth: number): void {
  if (wire === field.wire) {
    if (field.kind === "message") readMessages(reader, field, into, depth);
    else {
      into.push(readValue(reader, field, depth));
      if (field.scalar.unsigned) reader.more(field.tag, into);
    }
    return;
  }
  // A reader takes both forms of a repeated scalar, whatever the schema says.
  if (wire !== Wire.bytes) reader.fail(`${field.name} has wire type ${wire}`);
  const length = reader.length();
  const { end } = reader;
  reader.end = reader.pos + length;
  while (reader.pos < reader.end) into.push(readValue(reader, field, depth));
  reader.end = end;
}

/** Short ones that come one after the other, or one. */
function readMessages(reader: Reader, field: Field, into: unknown[], depth: number): void {
  let size: number;
  do {
    const start = reader.pos;
    const value = readValue(reader, field, depth);
    into.push(value);
    // neighbours that are alike, as signal handlers mostly are, are one object
    size = reader.pos - start;
    while (size <= SHORT && reader.again(field.tag, size)) into.push(value);
  } while (size <= SHORT && reader.follows(field.tag));
}

function readValue(reader: Reader, field: Field, depth: number): unknown {
  if (field.kind !== "message") return field.scalar.read(reader);
  const length = reader.length();
  const from = reader.pos;
  const before = length > SHORT ? longOnes.get(field.type) : undefined;
  if (before?.bytes.length === length && before.depth === depth) {
    if (Buffer.compare(before.bytes, reader.bytes.subarray(from, from + length)) === 0) {
      reader.pos += length;
      return before.entry;
    }
  }
  const { end } = reader;
  reader.end = from + length;
  const area = field.type === AREA ? readArea(reader) : undefined;
  const entry = area ?? readMessage(reader, field.message, depth + 1);
  reader.end = end;
  if (length > SHORT) longOnes.set(field.type, { bytes: reader.bytes.slice(from, from + length), depth, entry });
  return entry;
}

/** The last long message of each type: what threads do not differ in, as registers that they do not use, is one object. */
const longOnes = new Map<string, { readonly bytes: Uint8Array; readonly depth: number; readonly entry: Entry }>();

/** Parts that were given to `keep`, and their bytes with the tag before them once they have been written. */
const kept = new WeakMap<object, Uint8Array | null>();

/**
 * A message or list that is the same in many entries, always in the same field, and never changes: it is encoded once. Returns
 * it. Small ones that are written a few times are not worth it.
 */
export function keep<Part extends object>(part: Part): Part {
  if (!kept.has(part)) kept.set(part, null);
  return part;
}

/** Appends a message, without any length before it. Errors: CrError BAD_VALUE. */
export function writeMessage(writer: Writer, type: Descriptor, entry: Entry): void {
  const { fields } = type;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i];
    if (!field) return;
    const value = entry[field.name];
    // most are such numbers
    if (typeof value === "number" && writer.plain(field.tag, value, field.plain)) continue;
    if (value === undefined || value === null) {
      if (field.label === "required") badValue(type, field, value, "is required");
    } else if (typeof value === "object") writePart(writer, type, field, value);
    else writeField(writer, type, field, value);
  }
}

/** A field that may have been kept. */
function writePart(writer: Writer, type: Descriptor, field: Field, value: object): void {
  const bytes = kept.get(value);
  if (bytes) {
    writer.raw(bytes);
    return;
  }
  const start = writer.pos;
  writeField(writer, type, field, value);
  if (bytes === null) kept.set(value, writer.view().slice(start));
}

function writeField(writer: Writer, type: Descriptor, field: Field, value: unknown): void {
  if (field.isList) {
    writeRepeated(writer, type, field, value);
    return;
  }
  writer.uint32(field.tag);
  writeValue(writer, type, field, value);
}

function writeRepeated(writer: Writer, type: Descriptor, field: Field, value: unknown): void {
  const list = Array.isArray(value) || value instanceof BigUint64Array || value instanceof Uint32Array;
  if (!list) badValue(type, field, value, "wants a list");
  if (value.length === 0) return;
  if (field.label !== "packed") {
    for (let i = 0; i < value.length; i++) {
      if (field.scalar.unsigned) i = writer.tagged(field.tag, value, i);
      if (i >= value.length) return;
      writer.uint32(field.tag);
      writeValue(writer, type, field, value[i]);
    }
    return;
  }
  writer.uint32(field.tag);
  const start = writer.beginLength();
  for (const one of value) writeValue(writer, type, field, one);
  writer.endLength(start);
}

function writeValue(writer: Writer, type: Descriptor, field: Field, value: unknown): void {
  if (field.kind === "message") {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      badValue(type, field, value, `wants a ${field.type}`);
    const start = writer.beginLength();
    const isDone = field.type === AREA && writeArea(writer, value as Entry);
    if (!isDone) writeMessage(writer, field.message, value as Entry);
    writer.endLength(start);
    return;
  }
  const wants = field.scalar.write(writer, value);
  if (wants !== undefined) badValue(type, field, value, wants);
}

function badValue(type: Descriptor, field: Field, value: unknown, wants: string): never {
  const shown = typeof value === "object" && value !== null ? "an object" : String(value);
  throw new CrError(`${type.name}.${field.name} ${wants}, got ${shown}`, {
    code: "BAD_VALUE",
    subject: { message: type.name, field: field.name },
  });
}
