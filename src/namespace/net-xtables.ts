/** Tables of the iptables that were before nf_tables: saved as the kernel gives them, counters included. */
import type { TscriuXtable } from "../image/schema.gen.ts";
import { COUNTER, kindOf, readXtable, replaceXtable, type Xtable, xtables, xtEntries } from "../kernel/xtables.ts";

export function readXtables(): TscriuXtable[] {
  return xtables().map(({ kind, name }) => {
    const { entries_of, policies, ...table } = readXtable(kind, name);
    return { ...table, entries_of: [...entries_of], policies: [...policies] };
  });
}

/** Makes the tables again in the namespace that we are in. */
export function writeXtables(tables: readonly TscriuXtable[]): void {
  for (const table of tables) replaceXtable(table, () => countersOf(table));
}

function countersOf(table: Xtable): Uint8Array {
  const at = kindOf(table.family)?.counterAt ?? 0;
  return Buffer.concat(xtEntries(table).map(({ bytes }) => bytes.subarray(at, at + COUNTER)));
}
