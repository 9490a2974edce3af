import type { RecordReader } from "./record.ts";
import { Reader } from "./wire-reader.ts";

/** Flags of a pagemap entry. */
export const PageFlag = {
  /** The content is in the parent set. */
  parent: 1,
  /** The content may come on demand. */
  lazy: 2,
  /** The content is in this set's pages file. */
  present: 4,
} as const;

/** A page map as columns: sets of millions of entries cost no objects. Ascending, without overlap. */
export interface Pagemap {
  /** Names the pages file that holds the content. */
  pagesId: number;
  count: number;
  /** First byte of each range: an address, or an offset within a shared segment. */
  vaddr: Float64Array;
  /** Pages of each range. */
  pages: Float64Array;
  /** PageFlag bits of each range, those of old sets being brought into today's form. */
  flags: Uint8Array;
}

/** Reads the entries of a page map; `reader` stands after the head record. Errors: CrError BAD_IMAGE. */
export function readPagemap(reader: RecordReader): Pagemap {
  const head = reader.record("pagemap_head");
  if (head === undefined) return reader.fail("the head record is missing");
  // The smallest entry has a length, an address and a count.
  let capacity = Math.max(16, Math.ceil(reader.remaining / 12));
  let vaddr = new Float64Array(capacity);
  let pages = new Float64Array(capacity);
  let flags = new Uint8Array(capacity);
  let count = 0;
  let end = 0;
  const entry = new EntryFields(reader.bytes);
  while (reader.remaining > 0) {
    const start = reader.offset;
    entry.read(reader);
    if (entry.vaddr % 4096 !== 0) reader.fail(`address 0x${entry.vaddr.toString(16)} is no start of a page`, start);
    if (entry.vaddr < end) reader.fail(`address 0x${entry.vaddr.toString(16)} is not after the range before it`, start);
    if (count === capacity) {
      capacity *= 2;
      vaddr = grown(vaddr, new Float64Array(capacity));
      pages = grown(pages, new Float64Array(capacity));
      flags = grown(flags, new Uint8Array(capacity));
    }
    vaddr[count] = entry.vaddr;
    pages[count] = entry.pages;
    flags[count] = entry.flags;
    end = entry.vaddr + entry.pages * 4096;
    count++;
  }
  return {
    pagesId: Number(head.pages_id),
    count,
    vaddr: vaddr.subarray(0, count),
    pages: pages.subarray(0, count),
    flags: flags.subarray(0, count),
  };
}

function grown<T extends Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** One pagemap_entry, decoded without making an object. */
class EntryFields {
  vaddr = 0;
  pages = 0;
  flags = 0;
  readonly #reader: Reader;

  constructor(bytes: Uint8Array) {
    this.#reader = new Reader(bytes);
  }

  read(records: RecordReader): void {
    const start = records.offset;
    const length = records.u32("the length of a record");
    if (length > records.remaining) records.fail(`a record announces ${length} bytes past the end of the file`, start);
    const from = records.offset;
    records.offset += length;
    let vaddr = -1;
    let compat = -1;
    let pages = -1;
    let flags = -1;
    let inParent = false;
    try {
      const reader = this.#reader;
      reader.pos = from;
      reader.end = records.offset;
      while (reader.pos < reader.end) {
        const tag = reader.uint32();
        if (tag === 8) vaddr = Number(reader.uint64());
        else if (tag === 16) compat = reader.uint32();
        else if (tag === 24) inParent = reader.bool();
        else if (tag === 32) flags = reader.uint32();
        else if (tag === 40) pages = Number(reader.uint64());
        else reader.skip(tag & 7);
      }
    } catch (error) {
      records.fail("no record of type pagemap_entry", start, error);
    }
    if (vaddr < 0 || compat < 0) records.fail("a pagemap_entry lacks a required field", start);
    this.vaddr = vaddr;
    this.pages = pages < 0 ? compat : pages;
    this.flags = (inParent ? PageFlag.parent : 0) | (flags >= 0 ? flags : inParent ? 0 : PageFlag.present);
    if (!Number.isSafeInteger(vaddr + this.pages * 4096)) records.fail("a range passes the end of memory", start);
    if (this.flags > 255) records.fail(`unknown flags 0x${this.flags.toString(16)}`, start);
  }
}
