import { type Entry, encodeEntry } from "./codec.ts";
import { descriptor, type Field } from "./descriptor.ts";

/** What every dump writes while the tree is frozen. */
const always = ["core_entry", "mm_entry", "file_entry", "fdinfo_entry", "fs_entry", "task_kobj_ids_entry"] as const;

/**
 * Encodes one made-up message of each kind that every dump writes, and forgets it: descriptors are parsed and code is
 * compiled before a tree is frozen instead of while it waits.
 */
export function warmUp(): void {
  for (const message of always) encodeEntry(message, madeUp(message, 0));
}

function madeUp(message: string, depth: number): Entry {
  const entry: Entry = {};
  for (const field of descriptor(message).fields) {
    // Other architectures' registers are many and never written here.
    if (depth > 4 || (field.label !== "required" && field.name.startsWith("ti_"))) continue;
    const value = field.kind === "message" ? madeUp(field.type, depth + 1) : someValue(field);
    entry[field.name] = field.label === "repeated" || field.label === "packed" ? [value, value] : value;
  }
  return entry;
}

function someValue(field: Field): unknown {
  if (field.type === "string") return "text";
  if (field.type === "bytes") return new Uint8Array(8);
  if (field.type === "bool") return true;
  return field.type.endsWith("64") ? 0x7fffffffffffffffn : 0x7fffffff;
}
