import { textToBytes } from "../text.ts";
import type { U64 } from "./schema.gen.ts";
import { two28 } from "./wire.ts";

/** Writes protobuf primitives into a buffer that grows. The mirror of Reader. */
export class Writer {
  #bytes: Uint8Array;
  pos = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** What was written so far; valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.pos);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.pos);
  }

  reset(): void {
    this.pos = 0;
  }

  #room(count: number): void {
    if (this.pos + count <= this.#bytes.length) return;
    const bigger = new Uint8Array(Math.max(this.#bytes.length * 2, this.pos + count));
    bigger.set(this.#bytes.subarray(0, this.pos));
    this.#bytes = bigger;
  }

  uint32(value: number): void {
    this.#room(5);
    const bytes = this.#bytes;
    let rest = value >>> 0;
    while (rest > 0x7f) {
      bytes[this.pos++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.pos++] = rest;
  }

  int32(value: number): void {
    if (value >= 0) this.uint32(value);
    else this.#negative(value);
  }

  /** Ten bytes: the value is filled up to 64 bits. */
  #negative(value: number): void {
    this.#room(10);
    const bytes = this.#bytes;
    let inverse = -1 - value;
    for (let i = 0; i < 9; i++) {
      bytes[this.pos++] = (~inverse & 0x7f) | 0x80;
      inverse = Math.floor(inverse / 0x80);
    }
    bytes[this.pos++] = 1;
  }

  sint32(value: number): void {
    this.uint32((value << 1) ^ (value >> 31));
  }

  /** `value` is not negative. */
  uint64(value: U64): void {
    this.#room(10);
    const bytes = this.#bytes;
    if (typeof value === "number") {
      let rest = value;
      while (rest >= two28) {
        const low = rest % two28;
        const at = this.pos;
        bytes[at] = (low & 0x7f) | 0x80;
        bytes[at + 1] = ((low >>> 7) & 0x7f) | 0x80;
        bytes[at + 2] = ((low >>> 14) & 0x7f) | 0x80;
        bytes[at + 3] = (low >>> 21) | 0x80;
        this.pos = at + 4;
        rest = (rest - low) / two28;
      }
      this.uint32(rest);
      return;
    }
    // by halves: operations of bigints are slow
    let low = Number(BigInt.asUintN(32, value));
    let high = Number(BigInt.asUintN(32, value >> 32n));
    while (high > 0) {
      bytes[this.pos++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.uint32(low);
  }

  /**
   * Appends values, each with a tag before it, up to the first that is no integer of 32 bits without sign; returns its index.
   * The hot loop of registers.
   */
  tagged(tag: number, values: ArrayLike<unknown>, from: number): number {
    const count = values.length;
    this.#room((count - from) * 10);
    const bytes = this.#bytes;
    let { pos } = this;
    let i = from;
    const short = tag <= 0x7f;
    for (; i < count; i++) {
      const value = values[i];
      if (value === 0 && short) {
        // most are
        bytes[pos] = tag;
        bytes[pos + 1] = 0;
        pos += 2;
        continue;
      }
      if (typeof value !== "number" || value >>> 0 !== value) break;
      let rest = tag;
      for (; rest > 0x7f; rest >>>= 7) bytes[pos++] = (rest & 0x7f) | 0x80;
      bytes[pos++] = rest;
      for (rest = value; rest > 0x7f; rest >>>= 7) bytes[pos++] = (rest & 0x7f) | 0x80;
      bytes[pos++] = rest;
    }
    this.pos = pos;
    return i;
  }

  /** Appends a tag and an integer from 0 to `most` behind it; false for any other number. */
  plain(tag: number, value: number, most: number): boolean {
    if (value < 0 || value > most || value % 1 !== 0) return false;
    this.#room(15);
    const bytes = this.#bytes;
    let { pos } = this;
    let rest = tag;
    for (; rest > 0x7f; rest >>>= 7) bytes[pos++] = (rest & 0x7f) | 0x80;
    bytes[pos++] = rest;
    rest = value;
    while (rest >= two28) {
      const low = rest % two28;
      bytes[pos] = (low & 0x7f) | 0x80;
      bytes[pos + 1] = ((low >>> 7) & 0x7f) | 0x80;
      bytes[pos + 2] = ((low >>> 14) & 0x7f) | 0x80;
      bytes[pos + 3] = (low >>> 21) | 0x80;
      pos += 4;
      rest = (rest - low) / two28;
    }
    for (; rest > 0x7f; rest >>>= 7) bytes[pos++] = (rest & 0x7f) | 0x80;
    bytes[pos++] = rest;
    this.pos = pos;
    return true;
  }

  /** As `plain`; false for what is no number, too. */
  plainly(tag: number, value: unknown, most: number): boolean {
    return typeof value === "number" && this.plain(tag, value, most);
  }

  int64(value: U64): void {
    if (typeof value === "number" && value < 0) this.#negative(value);
    else this.uint64(value < 0 ? BigInt.asUintN(64, BigInt(value)) : value);
  }

  sint64(value: U64): void {
    if (typeof value === "number" && Math.abs(value) < 2 ** 51) {
      this.uint64(value < 0 ? -2 * value - 1 : 2 * value);
      return;
    }
    const wide = BigInt(value);
    this.uint64(BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n)));
  }

  bool(value: boolean): void {
    this.uint32(value ? 1 : 0);
  }

  fixed32(value: number): void {
    this.#room(4);
    const bytes = this.#bytes;
    bytes[this.pos++] = value;
    bytes[this.pos++] = value >>> 8;
    bytes[this.pos++] = value >>> 16;
    bytes[this.pos++] = value >>> 24;
  }

  fixed64(value: U64): void {
    const wide = BigInt.asUintN(64, BigInt(value));
    this.fixed32(Number(wide & 0xffffffffn));
    this.fixed32(Number(wide >> 32n));
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.pos);
    this.pos += bytes.length;
  }

  zeros(count: number): void {
    this.#room(count);
    this.#bytes.fill(0, this.pos, this.pos + count);
    this.pos += count;
  }

  bytes(value: Uint8Array): void {
    this.uint32(value.length);
    this.raw(value);
  }

  text(value: string): void {
    this.bytes(textToBytes(value));
  }

  /** Begins a part whose length stands before it as a varint; give the result to `endLength`. */
  beginLength(): number {
    this.#room(1);
    return ++this.pos;
  }

  endLength(start: number): void {
    const length = this.pos - start;
    if (length < 0x80) {
      this.#bytes[start - 1] = length;
      return;
    }
    // Most parts are short; a long one is moved up to make room for the rest of its length.
    const extra = length < 0x4000 ? 1 : length < 0x200000 ? 2 : length < 0x10000000 ? 3 : 4;
    this.#room(extra);
    this.#bytes.copyWithin(start + extra, start, this.pos);
    this.pos = start - 1;
    this.uint32(length);
    this.pos += length;
  }

  /** Begins a part whose length stands before it as a u32; give the result to `endLength32`. */
  beginLength32(): number {
    this.fixed32(0);
    return this.pos;
  }

  endLength32(start: number): void {
    const end = this.pos;
    this.pos = start - 4;
    this.fixed32(end - start);
    this.pos = end;
  }
}
