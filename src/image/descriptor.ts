import { enums, messages, WORDS } from "./descriptor.gen.ts";
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

/** Of a scalar. */
function wireOf(type: string): number {
  if (type === "string" || type === "bytes") return Wire.bytes;
  if (type.endsWith("fixed64")) return Wire.fixed64;
  return type.endsWith("fixed32") ? Wire.fixed32 : Wire.varint;
}

/** There are hundreds at each start: what only some ask for is made when they do. */
class OneField implements Field {
  readonly number: number;
  readonly name: string;
  readonly label: Field["label"];
  readonly isList: boolean;
  readonly type: string;
  readonly kind: Field["kind"];
  readonly scalar: Scalar;
  readonly wire: number;
  readonly tag: number;
  readonly plain: number;
  private held: Descriptor | undefined;
  private shown: Field["show"] | undefined;

  /** @param words of all fields of a message */
  constructor(
    private readonly words: readonly (string | number)[],
    readonly index: number,
  ) {
    const at = index * WORDS;
    const kind = words[at + 2] as Field["kind"];
    const type = words[at + 3] as string;
    this.number = words[at] as number;
    this.label = words[at + 1] as Field["label"];
    this.isList = this.label === "repeated" || this.label === "packed";
    this.kind = kind;
    this.type = type;
    this.name = words[at + 4] as string;
    this.scalar = scalar(kind === "enum" ? "enum" : kind === "message" ? "bytes" : type);
    this.wire = kind === "message" ? Wire.bytes : kind === "enum" ? Wire.varint : wireOf(type);
    this.tag = this.number * 8 + (this.label === "packed" ? Wire.bytes : this.wire);
    this.plain = this.isList ? -1 : (this.scalar.plain ?? -1);
  }

  get message(): Descriptor {
    this.held ??= descriptor(this.type);
    return this.held;
  }

  get show(): Field["show"] {
    const words = String(this.words[this.index * WORDS + 5])
      .split(" ")
      .filter(Boolean);
    this.shown ??= new Map(words.map((word) => [word.split("=")[0] ?? word, word.split("=")[1] ?? ""]));
    return this.shown;
  }
}

const known = new Map<string, Descriptor>();

/** The descriptor of a message, made on first use. */
export function descriptor(name: string): Descriptor {
  const found = known.get(name);
  if (found) return found;
  const words = messages[name]?.();
  if (words === undefined) throw new Error(`there is no message ${name} in proto/`);
  const [fields, repeated, required]: [Field[], string[], string[]] = [[], [], []];
  const byNumber = new Map<number, Field>();
  for (let index = 0; index * WORDS < words.length; index++) {
    const field = new OneField(words, index);
    fields.push(field);
    byNumber.set(field.number, field);
    if (field.isList) repeated.push(field.name);
    if (field.label === "required") required.push(field.name);
  }
  const made: Descriptor = { name, fields, byNumber, repeated, required };
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
