/**
 * The option table: each option is declared once, and that feeds argv, configuration files, the help, completion words
 * and the manual page.
 */
import type { OptionSpec } from "./option.ts";
import { common } from "./table/common.ts";
import { memory } from "./table/memory.ts";
import { namespace } from "./table/namespace.ts";
import { resource } from "./table/resource.ts";
import { task } from "./table/task.ts";

const table = { ...common, ...task, ...resource, ...namespace, ...memory } as const;

export type OptionName = keyof typeof table;

export const optionNames = Object.keys(table) as OptionName[];

export function specOf(name: OptionName): OptionSpec {
  return table[name];
}

/** The option behind a single letter; where two share one, they share the switch too. */
export const shortOptions: ReadonlyMap<string, OptionName> = new Map(
  optionNames.flatMap((name): [string, OptionName][] => {
    const spec = specOf(name);
    return spec.short !== undefined && spec.same === undefined ? [[spec.short, name]] : [];
  }),
);

/** Does the option mean something to this command? */
export function appliesTo(name: OptionName, command: string): boolean {
  const spec = specOf(name);
  return spec.commands === "all" || (spec.commands as readonly string[]).includes(command);
}
