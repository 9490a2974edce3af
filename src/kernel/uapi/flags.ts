/** A table of flags or numbers by name. */
export type NameTable = Readonly<Record<string, number>>;

/** The bits of a value by name, joined with `|`; bits without a name as one hexadecimal number; `0` for none. */
export function flagsText(table: NameTable, value: number, prefix = ""): string {
  const names: string[] = [];
  let rest = value >>> 0;
  // a name of several bits comes before the names of its parts
  const entries = Object.entries(table).sort(([, a], [, b]) => bitCount(b) - bitCount(a));
  for (const [name, number] of entries) {
    const bits = number >>> 0;
    if (bits !== 0 && (rest & bits) >>> 0 === bits) {
      names.push(prefix + name);
      rest = (rest & ~bits) >>> 0;
    }
  }
  if (rest !== 0 || names.length === 0) names.push(rest === 0 ? "0" : `0x${rest.toString(16)}`);
  return names.join("|");
}

function bitCount(value: number): number {
  let count = 0;
  for (let rest = value >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}

/** The name of one number of a table, or the number itself. */
export function nameOf(table: NameTable, value: number, prefix = ""): string {
  for (const [name, number] of Object.entries(table)) if (number === value) return prefix + name;
  return String(value);
}
