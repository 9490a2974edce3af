import { CrError } from "../error.ts";
import { bytesToText } from "../text.ts";
import type { U64 } from "./schema.gen.ts";
import { narrow, two28, Wire } from "./wire.ts";

const two32 = 0x100000000;
const two56 = 0x100000000000000;

/** Reads protobuf primitives from a byte range. Every read is bounds-checked: a short one is a CrError BAD_IMAGE. */
export class Reader {
  pos: number;
  /** The three parts of the last varint: 28, 28 and 8 bits. */
  #a = 0;
  #b = 0;
  #c = 0;

  constructor(
    readonly bytes: Uint8Array,
    start = 0,
    /** Where what is read now ends: that of a message within another, too. */
    public end = bytes.length,
  ) {
    this.pos = start;
  }

  fail(expected: string): never {
    throw new CrError(`no valid message: ${expected}`, { code: "BAD_IMAGE", subject: { offset: this.pos } });
  }

  #varint(): void {
    const bytes = this.bytes;
    let a = 0;
    let b = 0;
    let c = 0;
    for (let i = 0; i < 10; i++) {
      if (this.pos >= this.end) this.fail("an integer is cut short");
      const byte = bytes[this.pos++] ?? 0;
      const bits = byte & 0x7f;
      if (i < 4) a |= bits << (7 * i);
      else if (i < 8) b |= bits << (7 * (i - 4));
      else c |= bits << (7 * (i - 8));
      if (byte < 0x80) {
        this.#a = a;
        this.#b = b;
        this.#c = c & 0xff;
        return;
      }
    }
    this.fail("an integer is longer than ten bytes");
  }

  uint32(): number {
    const byte = this.pos < this.end ? (this.bytes[this.pos] ?? 0) : 0x80;
    if (byte < 0x80) {
      this.pos++;
      return byte;
    }
    this.#varint();
    return (this.#a | (this.#b << 28)) >>> 0;
  }

  /** An integer below 128 of any varint type but sint and bool; -1, and nothing is read, for all else. */
  small(): number {
    const byte = this.pos < this.end ? (this.bytes[this.pos] ?? 0) : 0x80;
    if (byte > 0x7f) return -1;
    this.pos++;
    return byte;
  }

  int32(): number {
    return this.uint32() | 0;
  }

  sint32(): number {
    const raw = this.uint32();
    return (raw >>> 1) ^ -(raw & 1);
  }

  #wide(): bigint {
    return BigInt(this.#a) + (BigInt(this.#b) << 28n) + (BigInt(this.#c) << 56n);
  }

  uint64(): U64 {
    // up to seven bytes, which most are: addresses, small numbers
    const { bytes, pos, end } = this;
    const byte = pos < end ? (bytes[pos] ?? 0) : 0x80;
    if (byte < 0x80) {
      this.pos++;
      return byte;
    }
    if (pos + 7 <= end) {
      let value = byte & 0x7f;
      for (let i = 1, scale = 0x80; i < 7; i++, scale *= 0x80) {
        const next = bytes[pos + i] ?? 0;
        value += (next & 0x7f) * scale;
        if (next < 0x80) {
          this.pos = pos + i + 1;
          return value;
        }
      }
    }
    this.#varint();
    const low = this.#a + this.#b * two28;
    return this.#c === 0 && low <= Number.MAX_SAFE_INTEGER ? low : this.#wide();
  }

  int64(): U64 {
    this.#varint();
    const low = this.#a + this.#b * two28;
    if (this.#c === 0 && low <= Number.MAX_SAFE_INTEGER) return low;
    // a small negative one: -1 stands in every area of memory
    const high = ~this.#b & (two28 - 1);
    if (this.#c === 0xff && high < 1 << 24) return -1 - (~this.#a & (two28 - 1)) - high * two28;
    return narrow(BigInt.asIntN(64, this.#wide()));
  }

  sint64(): U64 {
    const raw = this.uint64();
    if (typeof raw === "number") return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
    return narrow((raw >> 1n) ^ -(raw & 1n));
  }

  /**
   * Appends the values that follow with this tag before each, up to the first that is no integer of 32 bits without sign.
   * The hot loop of registers.
   */
  more(tag: number, into: unknown[]): void {
    const { bytes, end } = this;
    const isLong = tag > 0x7f;
    const first = isLong ? (tag & 0x7f) | 0x80 : tag;
    const second = tag >>> 7;
    let { pos } = this;
    let count = into.length;
    while (bytes[pos] === first) {
      let at = pos + 1;
      if (isLong && bytes[at++] !== second) break;
      // beyond the end of what we read there may be more bytes, or none
      let value = bytes[at++] ?? 0x80;
      if (value > 0x7f) {
        let byte = value;
        value &= 0x7f;
        for (let shift = 7; byte > 0x7f && shift < 28; shift += 7) {
          byte = bytes[at++] ?? 0x80;
          value |= (byte & 0x7f) << shift;
        }
        if (byte > 0x7f) {
          byte = bytes[at++] ?? 0x80;
          if (byte > 0xf) break;
          value = (value | (byte << 28)) >>> 0;
        }
      }
      if (at > end) break;
      into[count++] = value;
      pos = at;
    }
    this.pos = pos;
  }

  /** The integer without sign behind this tag of one byte, which comes next; -1, and nothing is read, where it does not. */
  behind(tag: number): U64 {
    if (this.pos >= this.end || this.bytes[this.pos] !== tag) return -1;
    this.pos++;
    return this.uint64();
  }

  /** Whether this tag comes next; passes over it. */
  follows(tag: number): boolean {
    const { bytes, pos } = this;
    const isLong = tag > 0x7f;
    if (pos + 1 >= this.end || bytes[pos] !== (isLong ? (tag & 0x7f) | 0x80 : tag)) return false;
    if (isLong && bytes[pos + 1] !== tag >>> 7) return false;
    this.pos = pos + (isLong ? 2 : 1);
    return true;
  }

  /** Passes over this tag and what follows it, if that is the same `size` bytes that were read last. */
  again(tag: number, size: number): boolean {
    const { bytes, pos } = this;
    const isLong = tag > 0x7f;
    const at = pos + (isLong ? 2 : 1);
    if (at + size > this.end || bytes[pos] !== (isLong ? (tag & 0x7f) | 0x80 : tag)) return false;
    if (isLong && bytes[pos + 1] !== tag >>> 7) return false;
    for (let i = 0; i < size; i++) if (bytes[at + i] !== bytes[pos - size + i]) return false;
    this.pos = at + size;
    return true;
  }

  bool(): boolean {
    this.#varint();
    return this.#a !== 0 || this.#b !== 0 || this.#c !== 0;
  }

  /** A length, checked against what is left. */
  length(): number {
    const byte = this.pos < this.end ? (this.bytes[this.pos] ?? 0) : 0x80;
    let length = byte;
    if (byte < 0x80) this.pos++;
    else {
      this.#varint();
      length = this.#a + this.#b * two28 + this.#c * two56;
    }
    if (length > this.end - this.pos)
      this.fail(`a field announces ${length} bytes where ${this.end - this.pos} are left`);
    return length;
  }

  #need(count: number): void {
    if (this.end - this.pos < count) this.fail(`${count} bytes are needed where ${this.end - this.pos} are left`);
  }

  fixed32(): number {
    this.#need(4);
    const at = this.pos;
    this.pos += 4;
    const { bytes } = this;
    return (
      ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>>
      0
    );
  }

  fixed64(): U64 {
    this.#need(8);
    const low = this.fixed32();
    const high = this.fixed32();
    return high < 0x200000 ? high * two32 + low : (BigInt(high) << 32n) | BigInt(low);
  }

  sfixed64(): U64 {
    return narrow(BigInt.asIntN(64, BigInt(this.fixed64())));
  }

  /** A copy: it outlives the file's buffer. */
  take(length: number): Uint8Array {
    this.#need(length);
    const at = this.pos;
    this.pos += length;
    return this.bytes.slice(at, this.pos);
  }

  text(): string {
    const length = this.length();
    const at = this.pos;
    this.pos += length;
    return bytesToText(this.bytes.subarray(at, this.pos));
  }

  skip(wire: number): void {
    if (wire === Wire.varint) this.#varint();
    else if (wire === Wire.fixed64 || wire === Wire.fixed32) {
      this.#need(wire === Wire.fixed64 ? 8 : 4);
      this.pos += wire === Wire.fixed64 ? 8 : 4;
    } else if (wire === Wire.bytes) {
      const length = this.length();
      this.pos += length;
    } else this.fail(`there is no wire type ${wire} in images`);
  }
}
