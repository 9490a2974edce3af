/** What the user asked for in the end: all occurrences of all sources, later ones overriding earlier ones. */
import { CrError } from "../error.ts";
import type { Occurrence } from "./getopt.ts";
import { appliesTo, type OptionName, specOf } from "./options.ts";
import { usageError } from "./usage-error.ts";
import { readVerbosity } from "./value.ts";

/** CRIU's default: errors and warnings. */
const defaultLogLevel = 2;

export class Settings {
  readonly occurrences: readonly Occurrence[];

  /** Throws a usage error when a value is none of its option's words. */
  constructor(occurrences: readonly Occurrence[]) {
    for (const { name, value, from } of occurrences) {
      const { choices, reads } = specOf(name);
      if (choices && value !== undefined && !choices.includes(value)) {
        throw usageError(`${from}: \`${value}\` is not one of ${choices.join(", ")}`);
      }
      // a client says what it likes of fields that its request does not use
      if (value !== undefined && !from.startsWith("RPC ")) reads?.(name, value);
    }
    this.occurrences = occurrences;
  }

  private all(name: OptionName): Occurrence[] {
    return this.occurrences.filter((o) => (specOf(o.name).same ?? o.name) === name);
  }

  /** The switch's last state, or what it is when nobody touches it. */
  flag(name: OptionName, otherwise = false): boolean {
    const last = this.all(name).at(-1);
    return last ? !last.off : otherwise;
  }

  given(name: OptionName): boolean {
    return this.all(name).length > 0;
  }

  /** The last value. */
  text(name: OptionName): string | undefined {
    return this.all(name).at(-1)?.value;
  }

  /** Every value, in order; undefined for an optional one left out. */
  values(name: OptionName): (string | undefined)[] {
    return this.all(name).map((o) => o.value);
  }

  texts(name: OptionName): string[] {
    return this.values(name).flatMap((value) => (value === undefined ? [] : [value]));
  }

  get logLevel(): number {
    return this.values("verbosity").reduce((level, value) => readVerbosity(value, level), defaultLogLevel);
  }

  /** One error for everything asked of this command that is not there yet; nothing asked for is ever dropped. */
  requireSupport(command: string): void {
    const missing = new Map<string, CrError>();
    for (const { name, value, off, from } of this.occurrences) {
      const { support, strict, repeatable } = specOf(name);
      if (!repeatable) missing.delete(name);
      if (!appliesTo(name, command)) {
        if (strict) throw usageError(`${from} means nothing to ${command}`);
        continue;
      }
      const why =
        off || support === "yes" ? undefined : typeof support === "string" ? support : support(value ?? "", command);
      if (why !== undefined) missing.set(name, new CrError(`${from}: ${why}`, { code: "NOT_YET" }));
    }
    const [first, ...rest] = missing.values();
    if (!first) return;
    if (rest.length === 0) throw first;
    throw new CrError([first, ...rest].map((e) => e.message).join("; "), { code: "NOT_YET" });
  }

  /** Options of the command line that mean nothing to this command; CRIU takes them in silence. */
  meaningless(command: string): string[] {
    return this.occurrences.filter((o) => o.from.startsWith("-") && !appliesTo(o.name, command)).map((o) => o.from);
  }
}
