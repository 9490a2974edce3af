import { CrError } from "../error.ts";
import { decodeEntry, type Entry, writeMessage } from "./codec.ts";
import { descriptor } from "./descriptor.ts";
import type { Messages } from "./schema.gen.ts";
import type { Writer } from "./wire-writer.ts";

const remedy = "take the whole set from its origin again, or dump again";

/** Walks the records of one image in memory. Every step is bounds-checked: errors are CrError BAD_IMAGE. */
export class RecordReader {
  offset = 0;
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    /** Path of the image, for errors. */
    readonly image: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  /** Throws: `problem` says what is not as it should be. */
  fail(problem: string, offset = this.offset, cause?: unknown): never {
    throw new CrError(`the image is damaged: ${problem}`, {
      code: "BAD_IMAGE",
      subject: { image: this.image, offset },
      remedy,
      cause,
    });
  }

  u32(what: string): number {
    if (this.remaining < 4) this.fail(`${what} should be 4 bytes, the file ends after ${this.remaining}`);
    const value = this.#view.getUint32(this.offset, true);
    this.offset += 4;
    return value;
  }

  /** A copy of the next bytes. */
  take(length: number, what: string): Uint8Array {
    if (!(length <= this.remaining))
      this.fail(`${what} should be ${length} bytes, the file ends after ${this.remaining}`);
    this.offset += length;
    return this.bytes.slice(this.offset - length, this.offset);
  }

  /** The next record, or undefined at the end of the file. */
  record(message: keyof Messages): Entry | undefined {
    if (this.remaining === 0) return undefined;
    const start = this.offset;
    const length = this.u32("the length of a record");
    if (length > this.remaining)
      this.fail(`a record of type ${message} announces ${length} bytes, the file ends after ${this.remaining}`, start);
    const from = this.offset;
    this.offset += length;
    try {
      return decodeEntry(message, this.bytes, from, this.offset);
    } catch (error) {
      const at = error instanceof CrError ? Number(error.subject.offset ?? start) : start;
      this.fail(`no record of type ${message}`, at, error);
    }
  }
}

/** Appends one record: its length, then the message. Errors: CrError BAD_VALUE. */
export function recordOf(writer: Writer, message: keyof Messages, entry: Entry): void {
  const start = writer.beginLength32();
  writeMessage(writer, descriptor(message), entry);
  writer.endLength32(start);
}
