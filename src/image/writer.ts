import type { Entry, Init } from "./codec.ts";
import { messageAt, writeEntry, writeStart } from "./framing.ts";
import { type IdTranslation, translateIds } from "./ids.ts";
import { type EntriesOf, type KindName, kindOf } from "./kinds.ts";
import { writeFully } from "./storage.ts";
import { Writer } from "./wire-writer.ts";

/** Bytes that are gathered before they go to the file. */
const chunk = 256 * 1024;

/** Of images that are complete: fresh memory costs more than what is written there. */
const spares: Writer[] = [];

/** One image being written. Entries are appended; the directory closes the file at commit. */
export class ImageWriter<K extends KindName = KindName> {
  readonly #writer = spares.pop() ?? new Writer(4096);
  #count = 0;

  constructor(
    readonly kind: K,
    /** The file's descriptor. After `flush`, raw bytes may be written (or copied) at its position from outside. */
    readonly fd: number,
    /** Where the file will lie; until commit it has a hidden name. */
    readonly path: string,
    /** Of user and group ids, on their way into the image. */
    readonly ids?: IdTranslation,
  ) {
    if (kindOf(kind).start !== "raw") writeStart(this.#writer, kind);
  }

  /** Entries so far. */
  get count(): number {
    return this.#count;
  }

  /** Appends an entry, with its payload as `extra`. Errors: CrError BAD_VALUE; ENOSPC and the like. */
  append(entry: Init<EntriesOf<K>[number]>): void {
    const { ids, kind } = this;
    const own = ids ? translateIds(messageAt(kindOf(kind), this.#count), entry as Entry, ids) : (entry as Entry);
    writeEntry(this.#writer, kind, own, this.#count++);
    if (this.#writer.pos >= chunk) this.flush();
  }

  /** Appends bytes as they are. */
  raw(bytes: Uint8Array): void {
    if (bytes.length < chunk) this.#writer.raw(bytes);
    if (this.#writer.pos >= chunk || bytes.length >= chunk) this.flush();
    if (bytes.length >= chunk) writeFully(this.fd, bytes, this.path);
  }

  flush(): void {
    if (this.#writer.pos > 0) writeFully(this.fd, this.#writer.view(), this.path);
    this.#writer.reset();
  }

  /** Nothing is appended any more: the next image takes the buffer. */
  end(): void {
    this.flush();
    spares.push(this.#writer);
  }

  /**
   * Appends a pagemap_entry: the hot loop of a dump. Addresses (or offsets in a shared segment) are bytes and come in
   * ascending order; `flags` are PE_*.
   */
  page(vaddr: number, pages: number, flags: number): void {
    const writer = this.#writer;
    const start = writer.beginLength32();
    writer.uint32(1 << 3);
    writer.uint64(vaddr);
    writer.uint32(2 << 3);
    writer.uint32(0);
    writer.uint32(4 << 3);
    writer.uint32(flags);
    writer.uint32(5 << 3);
    writer.uint64(pages);
    writer.endLength32(start);
    this.#count++;
    if (writer.pos >= chunk) this.flush();
  }
}
