import type { U64 } from "./schema.gen.ts";
import type { Reader } from "./wire-reader.ts";
import type { Writer } from "./wire-writer.ts";

/** One scalar type of the schema. `write` writes nothing and says what it wants when the value does not fit. */
export interface Scalar {
  /** Any integer of 32 bits without sign is written as such. */
  readonly unsigned?: true;
  /** Integers from 0 to this are written as varints. */
  readonly plain?: number;
  read(reader: Reader): unknown;
  write(writer: Writer, value: unknown): string | undefined;
}

const maxU64 = 0xffffffffffffffffn;
const minI64 = -0x8000000000000000n;
const maxI64 = 0x7fffffffffffffffn;

function narrowInt(min: number, max: number, read: Scalar["read"], write: (w: Writer, v: number) => void): Scalar {
  return {
    read,
    write(writer, value) {
      if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max)
        return `wants an integer from ${min} to ${max}`;
      write(writer, value);
    },
  };
}

function wideInt(min: bigint, max: bigint, read: Scalar["read"], write: (w: Writer, v: U64) => void): Scalar {
  return {
    read,
    write(writer, value) {
      const fits =
        typeof value === "number"
          ? Number.isSafeInteger(value) && (value >= 0 || min < 0n)
          : typeof value === "bigint" && value >= min && value <= max;
      if (!fits) return `wants an exact integer from ${min} to ${max}`;
      write(writer, value as U64);
    },
  };
}

const int32: Scalar = {
  plain: 0x7fffffff,
  ...narrowInt(
    -0x80000000,
    0x7fffffff,
    (r) => r.int32(),
    (w, v) => w.int32(v),
  ),
};

const table: Readonly<Record<string, Scalar>> = {
  int32,
  enum: int32,
  uint32: {
    unsigned: true,
    plain: 0xffffffff,
    ...narrowInt(
      0,
      0xffffffff,
      (r) => r.uint32(),
      (w, v) => w.uint32(v),
    ),
  },
  sint32: narrowInt(
    -0x80000000,
    0x7fffffff,
    (r) => r.sint32(),
    (w, v) => w.sint32(v),
  ),
  fixed32: narrowInt(
    0,
    0xffffffff,
    (r) => r.fixed32(),
    (w, v) => w.fixed32(v),
  ),
  sfixed32: narrowInt(
    -0x80000000,
    0x7fffffff,
    (r) => r.fixed32() | 0,
    (w, v) => w.fixed32(v),
  ),
  uint64: {
    unsigned: true,
    plain: Number.MAX_SAFE_INTEGER,
    ...wideInt(
      0n,
      maxU64,
      (r) => r.uint64(),
      (w, v) => w.uint64(v),
    ),
  },
  int64: {
    plain: Number.MAX_SAFE_INTEGER,
    ...wideInt(
      minI64,
      maxI64,
      (r) => r.int64(),
      (w, v) => w.int64(v),
    ),
  },
  sint64: wideInt(
    minI64,
    maxI64,
    (r) => r.sint64(),
    (w, v) => w.sint64(v),
  ),
  fixed64: wideInt(
    0n,
    maxU64,
    (r) => r.fixed64(),
    (w, v) => w.fixed64(v),
  ),
  sfixed64: wideInt(
    minI64,
    maxI64,
    (r) => r.sfixed64(),
    (w, v) => w.fixed64(v),
  ),
  bool: {
    read: (reader) => reader.bool(),
    write(writer, value) {
      if (typeof value !== "boolean") return "wants true or false";
      writer.bool(value);
    },
  },
  string: {
    read: (reader) => reader.text(),
    write(writer, value) {
      if (typeof value !== "string") return "wants text";
      writer.text(value);
    },
  },
  bytes: {
    read: (reader) => reader.take(reader.length()),
    write(writer, value) {
      if (!(value instanceof Uint8Array)) return "wants bytes";
      writer.bytes(value);
    },
  },
};

/** The codec of a scalar type of the schema (`enum` for every enum). */
export function scalar(type: string): Scalar {
  const found = table[type];
  if (found === undefined) throw new Error(`the schema has no scalar type ${type}`);
  return found;
}
