/**
 * Reads a command line as getopt_long(3) with permutation does, driven by the option table: options before, between and
 * after the words, bundled letters, glued and separate values, unique prefixes of long names, `--` to end them.
 */
import { CrError } from "../error.ts";
import type { OptionSpec } from "./option.ts";
import { type OptionName, optionNames, shortOptions, specOf } from "./options.ts";
import { usageError } from "./usage-error.ts";

/** One use of an option. */
export interface Occurrence {
  name: OptionName;
  /** Undefined where there was no value. */
  value: string | undefined;
  /** Given as `--no-NAME`. */
  off: boolean;
  /** Where it stands, for messages: the word itself, or file and line. */
  from: string;
}

export interface CommandLine {
  /** In order, up to the first error. */
  occurrences: Occurrence[];
  /** What is no option: the command and its operands. */
  words: string[];
  /** The first thing that could not be understood; everything before it is in the other two. */
  error: CrError | undefined;
}

export interface LongName {
  name: OptionName;
  off: boolean;
}

const longNames: ReadonlyMap<string, LongName> = new Map(
  optionNames.flatMap((name): [string, LongName][] => [
    [name, { name, off: false }],
    ...(specOf(name).negatable ? [[`no-${name}`, { name, off: true }] as [string, LongName]] : []),
  ]),
);

/** Finds a long option by its whole name or by a prefix that no other one has. Throws a usage error. */
export function findLong(word: string): LongName {
  const exact = longNames.get(word);
  if (exact) return exact;
  const found: string[] = [];
  for (const [name, { name: option }] of longNames) {
    if (word !== "" && name.startsWith(word) && !specOf(option).own) found.push(name);
  }
  const [only] = found;
  const match = only === undefined ? undefined : longNames.get(only);
  if (!match) throw usageError(`there is no option --${word}`);
  if (found.length > 1) {
    throw usageError(`option --${word} is ambiguous`, `it could be ${found.map((f) => `--${f}`).join(", ")}`);
  }
  return match;
}

function takesValue(spec: OptionSpec, off: boolean): OptionSpec["arg"] {
  return off ? "none" : spec.arg;
}

/** @param args the words after the program's name */
export function getopt(args: readonly string[]): CommandLine {
  const line: CommandLine = { occurrences: [], words: [], error: undefined };
  let at = 0;
  const next = (): string | undefined => args[at++];
  const required = (shown: string, spec: OptionSpec): string => {
    const value = next();
    if (value === undefined) throw usageError(`option ${shown} needs a value: ${shown} ${spec.value ?? "VALUE"}`);
    return value;
  };

  const long = (word: string): void => {
    const equals = word.indexOf("=");
    const { name, off } = findLong(equals < 0 ? word.slice(2) : word.slice(2, equals));
    const spec = specOf(name);
    const shown = `--${off ? "no-" : ""}${name}`;
    let value = equals < 0 ? undefined : word.slice(equals + 1);
    const arg = takesValue(spec, off);
    if (arg === "none" && value !== undefined) throw usageError(`option ${shown} takes no value, but got \`${value}\``);
    if (arg === "required" && value === undefined) value = required(shown, spec);
    line.occurrences.push({ name, value, off, from: shown });
  };

  const letters = (word: string): void => {
    for (let i = 1; i < word.length; i++) {
      const letter = word.charAt(i);
      const name = shortOptions.get(letter);
      if (name === undefined)
        throw usageError(`there is no option -${letter}${word.length > 2 ? ` (in ${word})` : ""}`);
      const spec = specOf(name);
      const rest = word.slice(i + 1);
      if (spec.arg === "none") {
        line.occurrences.push({ name, value: undefined, off: false, from: `-${letter}` });
        continue;
      }
      let value = rest === "" ? undefined : rest;
      if (spec.arg === "required" && value === undefined) value = required(`-${letter}`, spec);
      line.occurrences.push({ name, value, off: false, from: `-${letter}` });
      return;
    }
  };

  try {
    for (let word = next(); word !== undefined; word = next()) {
      if (word === "--") {
        line.words.push(...args.slice(at));
        break;
      }
      if (word.startsWith("--")) long(word);
      else if (word.startsWith("-") && word !== "-") letters(word);
      else line.words.push(word);
    }
  } catch (error) {
    if (!(error instanceof CrError)) throw error;
    line.error = error;
  }
  return line;
}
