import { enums, messages } from "./descriptor.gen.ts";
import { type Scalar, scalar } from "./scalar.ts";
import { Wire } from "./wire.ts";

export interface Field {
  readonly number: number;
  /** Among the fields of its message. */
  readonly index: number;
  readonly name: string;
  readonly label: "required" | "optional" | "repeated" | "packed";
  /** Repeated, or packed. */
  readonly isList: boolean;
  /** Names a message for kind "message", an enum for kind "enum". */
  readonly type: string;
  readonly kind: "message" | "enum" | "scalar";
  /** Of the value itself; unused for messages. */
  readonly scalar: Scalar;
  readonly wire: number;
  /** Number and wire type as they stand before the value. */
  readonly tag: number;
  /** Integers from 0 to this are written as such behind the tag; -1 for lists, and types of which that is not so. */
  readonly plain: number;
  /** Of the message that it holds, for kind "message". */
  readonly message: Descriptor;
  /** How crit shows it: `hex`, `flags=mmap.prot`, ... as a name and its argument ("" when it has none). */
  readonly show: ReadonlyMap<string, string>;
}

export interface Descriptor {
  readonly name: string;
  /** By number: the order on the wire. */
  readonly fields: readonly Field[];
  readonly byNumber: ReadonlyMap<number, Field>;
  readonly repeated: readonly string[];
  readonly required: readonly string[];
}

function wireOf(type: string): number {
  if (type.startsWith(".") || type === "string" || type === "bytes") return Wire.bytes;
  if (type.endsWith("fixed64")) return Wire.fixed64;
  return type.endsWith("fixed32") ? Wire.fixed32 : Wire.varint;
}

function parseField(line: string, index: number): Field {
  const [number = "", label = "", type = "", name = "", ...shown] = line.split(" ");
  const wire = wireOf(type);
  const kind = type.startsWith(".") ? "message" : type.startsWith("#") ? "enum" : "scalar";
  const isList = label === "repeated" || label === "packed";
  const coder = scalar(kind === "enum" ? "enum" : kind === "message" ? "bytes" : type);
  let show: Field["show"] | undefined;
  let message: Descriptor | undefined;
  return {
    number: Number(number),
    index,
    name,
    label: label as Field["label"],
    isList,
    type: kind === "scalar" ? type : type.slice(1),
    kind,
    scalar: coder,
    wire,
    tag: Number(number) * 8 + (label === "packed" ? Wire.bytes : wire),
    plain: isList ? -1 : (coder.plain ?? -1),
    get message() {
      message ??= descriptor(type.slice(1));
      return message;
    },
    // only people ask
    get show() {
      show ??= new Map(shown.map((s) => [s.split("=")[0] ?? s, s.split("=")[1] ?? ""]));
      return show;
    },
  };
}

const known = new Map<string, Descriptor>();

/** The descriptor of a message, made on first use. */
export function descriptor(name: string): Descriptor {
  const found = known.get(name);
  if (found) return found;
  const text = messages[name];
  if (text === undefined) throw new Error(`there is no message ${name} in proto/`);
  const fields = text === "" ? [] : text.split("\n").map(parseField);
  const made: Descriptor = {
    name,
    fields,
    byNumber: new Map(fields.map((f) => [f.number, f])),
    repeated: fields.filter((f) => f.isList).map((f) => f.name),
    required: fields.filter((f) => f.label === "required").map((f) => f.name),
  };
  known.set(name, made);
  return made;
}

/** The name of an enum's value; undefined for a number that this schema does not know. */
export function enumName(type: string, value: number): string | undefined {
  for (const [name, number] of Object.entries(enums[type] ?? {})) if (number === value) return name;
  return undefined;
}

/** The value of an enum's name; undefined for a name that this schema does not know. */
export function enumValue(type: string, name: string): number | undefined {
  return enums[type]?.[name];
}
