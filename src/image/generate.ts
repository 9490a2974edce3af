/**
 * Makes `schema.gen.ts` and `descriptor.gen.ts` from `proto/*.proto`: run `bun src/image/generate.ts` after a change
 * there. The results are committed, so that neither type checking nor the finished file needs a protobuf parser.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";

const protoDir = join(import.meta.dir, "../../proto");

const tsTypes: Record<string, string> = {
  bool: "boolean",
  string: "string",
  bytes: "Uint8Array",
  int32: "number",
  uint32: "number",
  sint32: "number",
  fixed32: "number",
  sfixed32: "number",
  int64: "U64",
  uint64: "U64",
  sint64: "U64",
  fixed64: "U64",
  sfixed64: "U64",
};

const header = "// Made by generate.ts from proto/*.proto: change those, not this.\n";

function parseAll(): protobuf.Root {
  const root = new protobuf.Root();
  for (const file of readdirSync(protoDir).sort())
    if (file.endsWith(".proto") && file !== "options.proto")
      protobuf.parse(readFileSync(join(protoDir, file), "utf8"), root, { keepCase: true });
  root.resolveAll();
  return root;
}

/** `core_entry.march` as a name of TypeScript: `CoreEntryMarch`. */
function tsName(full: string): string {
  return full
    .replace(/^\./, "")
    .split(/[_.]/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}

function fullName(of: protobuf.ReflectionObject): string {
  return of.fullName.replace(/^\./, "");
}

function collect(root: protobuf.NamespaceBase, types: protobuf.Type[], enums: protobuf.Enum[]): void {
  for (const nested of root.nestedArray) {
    if (nested instanceof protobuf.Type) types.push(nested);
    if (nested instanceof protobuf.Enum) enums.push(nested);
    if (nested instanceof protobuf.Namespace) collect(nested, types, enums);
  }
}

function byNumber(type: protobuf.Type): protobuf.Field[] {
  return [...type.fieldsArray].sort((a, b) => a.id - b.id);
}

function fieldType(field: protobuf.Field): string {
  const base = field.resolvedType ? tsName(fullName(field.resolvedType)) : tsTypes[field.type];
  if (base === undefined) throw new Error(`${field.fullName}: no such type ${field.type}`);
  return field.repeated ? `${base}[]` : base;
}

function schemaSource(types: protobuf.Type[], enums: protobuf.Enum[]): string {
  let out = `${header}
/** A 64-bit integer: a number where that is exact (up to 2^53 - 1 either way), else a bigint. */
export type U64 = number | bigint;
`;
  for (const e of enums) {
    const name = tsName(fullName(e));
    out += `\nexport type ${name} = number;\nexport const ${name} = {\n`;
    for (const [key, value] of Object.entries(e.values)) out += `  ${key}: ${value},\n`;
    out += "} as const;\n";
  }
  for (const type of types) {
    out += `\nexport interface ${tsName(fullName(type))} {\n`;
    for (const field of byNumber(type)) {
      const fallback = field.options?.default;
      if (fallback !== undefined) out += `  /** Meant when absent: ${String(fallback)}. */\n`;
      out += `  ${field.name}${field.required || field.repeated ? "" : "?"}: ${fieldType(field)};\n`;
    }
    out += "}\n";
  }
  out += "\n/** Every message by its name in proto/. */\nexport interface Messages {\n";
  for (const type of types) out += `  ${wireName(type)}: ${tsName(fullName(type))};\n`;
  return `${out}}\n`;
}

function wireName(of: protobuf.ReflectionObject): string {
  const name = fullName(of);
  return name.includes(".") ? `"${name}"` : name;
}

/** Of each field in what is made. */
const WORDS = 6;

/** The words of one field; see `messages` in what is made. */
function fieldWords(field: protobuf.Field): (string | number)[] {
  const kind = field.resolvedType instanceof protobuf.Enum ? "enum" : field.resolvedType ? "message" : "scalar";
  const type = field.resolvedType ? fullName(field.resolvedType) : field.type;
  const label = field.required ? "required" : field.repeated ? (field.packed ? "packed" : "repeated") : "optional";
  const shown = Object.entries(field.options ?? {})
    .filter(([key]) => key.startsWith("(criu)."))
    .map(([key, value]) => (value === true ? key.slice(7) : `${key.slice(7)}=${String(value)}`));
  return [field.id, label, kind, type, field.name, shown.join(" ")];
}

function descriptorSource(types: protobuf.Type[], enums: protobuf.Enum[]): string {
  let out = `${header}// biome-ignore-all format: one line is one field\nimport * as schema from "./schema.gen.ts";\n
export const WORDS = ${WORDS};\n
/**
 * Messages by name, so many words for each field: number, label, kind, type, name, how crit shows it. Functions, since a run needs few
 * of them.
 */
export const messages: Readonly<Record<string, () => readonly (string | number)[]>> = {\n`;
  for (const type of types) {
    const lines = byNumber(type).map((field) =>
      fieldWords(field)
        .map((word) => JSON.stringify(word))
        .join(", "),
    );
    out += `  ${wireName(type)}: () => [${lines.map((line) => `\n    ${line},`).join("")}${lines.length > 0 ? "\n  " : ""}],\n`;
  }
  out += `};\n\n/** Enums by name. */\nexport const enums: Readonly<Record<string, Readonly<Record<string, number>>>> = {\n`;
  for (const e of enums) out += `  ${wireName(e)}: schema.${tsName(fullName(e))},\n`;
  return `${out}};\n`;
}

/** The text of both generated modules, by file name. */
export function generate(): Record<"schema.gen.ts" | "descriptor.gen.ts", string> {
  const types: protobuf.Type[] = [];
  const enums: protobuf.Enum[] = [];
  collect(parseAll(), types, enums);
  const names = [...types, ...enums].map((t) => tsName(fullName(t)));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`two messages or enums become ${twice}`);
  return { "schema.gen.ts": schemaSource(types, enums), "descriptor.gen.ts": descriptorSource(types, enums) };
}

if (import.meta.main)
  for (const [file, text] of Object.entries(generate())) writeFileSync(join(import.meta.dir, file), text);
