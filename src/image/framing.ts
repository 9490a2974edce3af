import { CrError } from "../error.ts";
import type { Entry } from "./codec.ts";
import { commonMagic, type Kind, type KindName, kindByMagic, kindOf, serviceMagic } from "./kinds.ts";
import { payloads } from "./payload.ts";
import { RecordReader, recordOf } from "./record.ts";
import type { Messages } from "./schema.gen.ts";
import { Writer } from "./wire-writer.ts";

/** Version 1: only the kind's magic starts a file. Version 2: the common (or service) magic stands before it. */
export type ImageVersion = 1 | 2;

function hex(magic: number): string {
  return `0x${magic.toString(16).padStart(8, "0")}`;
}

function firstMagic(kind: Kind): number | undefined {
  return kind.start === "common" ? commonMagic : kind.start === "service" ? serviceMagic : undefined;
}

/** Reads what stands before the entries, for a kind that is known. */
export function readStart(reader: RecordReader, name: KindName, version: ImageVersion): void {
  const kind = kindOf(name);
  const first = version === 1 && kind.start === "common" ? undefined : firstMagic(kind);
  for (const expected of first === undefined ? [kind.magic] : [first, kind.magic]) {
    const found = reader.u32("the magic number");
    if (found !== expected)
      reader.fail(`a file of kind ${name} has ${hex(expected)} here, this one has ${hex(found)}`, reader.offset - 4);
  }
}

/** Finds out what an image is from its magic numbers alone. Errors: CrError BAD_IMAGE. */
function identify(reader: RecordReader): { kind: KindName; version: ImageVersion } {
  const first = reader.u32("the magic number");
  const prefixed = first === commonMagic || first === serviceMagic;
  const magic = prefixed ? reader.u32("the second magic number") : first;
  const kind = kindByMagic(magic);
  if (kind === undefined)
    throw new CrError(`unknown magic number ${hex(magic)}`, {
      code: "BAD_IMAGE",
      subject: { image: reader.image },
      remedy: "is it a raw file (pages, tar, output of other programs)? Those have no records",
    });
  return { kind, version: prefixed || kindOf(kind).start === "own" ? 2 : 1 };
}

/** All records of a file, its start being read; payloads stand in `extra`. Errors: CrError BAD_IMAGE. */
export function readEntries(reader: RecordReader, name: KindName): Entry[] {
  const kind = kindOf(name);
  const payload = kind.payload && payloads[kind.payload];
  const entries: Entry[] = [];
  while (true) {
    const entry = reader.record(messageAt(kind, entries.length));
    if (entry === undefined) break;
    const extra = payload?.read(reader, entry, entries.length);
    if (extra !== undefined) entry.extra = extra;
    entries.push(entry);
    if (!kind.many && reader.remaining > 0) reader.fail(`${reader.remaining} bytes follow the only record`);
  }
  if (entries.length === 0 && (!kind.many || kind.head)) reader.fail("the record is missing");
  return entries;
}

/** What the record with this number is. */
export function messageAt(kind: Kind, index: number): keyof Messages {
  const message = index === 0 ? (kind.head ?? kind.entry) : kind.entry;
  if (message === "") throw new Error(`${kind.file} has no records`);
  return message;
}

/** Appends what stands before the entries, in version 2. */
export function writeStart(writer: Writer, name: KindName): void {
  const kind = kindOf(name);
  const first = firstMagic(kind);
  if (first !== undefined) writer.fixed32(first);
  writer.fixed32(kind.magic);
}

/** Appends one entry and its payload; `index` counts the file's records from 0. Errors: CrError BAD_VALUE. */
export function writeEntry(writer: Writer, name: KindName, entry: Entry, index: number): void {
  const kind = kindOf(name);
  recordOf(writer, messageAt(kind, index), entry);
  if (kind.payload) payloads[kind.payload].write(writer, entry, entry.extra, index);
}

/** A whole image in memory. Errors: CrError BAD_VALUE. */
export function encodeImage(name: KindName, entries: readonly Entry[]): Uint8Array {
  const writer = new Writer();
  writeStart(writer, name);
  entries.forEach((entry, index) => {
    writeEntry(writer, name, entry, index);
  });
  return writer.finish();
}

/** A whole image of unknown kind, told by its magic numbers. Errors: CrError BAD_IMAGE. */
export function decodeImage(bytes: Uint8Array, image: string): { kind: KindName; entries: Entry[] } {
  const reader = new RecordReader(bytes, image);
  const { kind } = identify(reader);
  return { kind, entries: readEntries(reader, kind) };
}
