/** Configuration files: one option per line, without dashes. */
import { readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import type { Environment } from "./environment.ts";
import { fileError } from "./file-error.ts";
import { findLong, type Occurrence } from "./getopt.ts";
import { type OptionName, specOf } from "./options.ts";
import { usageError } from "./usage-error.ts";

const systemFile = "/etc/criu/default.conf";
const notInFiles: ReadonlySet<OptionName> = new Set(["help", "version", "config", "no-default-config"]);

/** Splits a line into words: blanks separate, `#` ends it, double quotes keep blanks and `#`, `\"` is a quote in them. */
function splitLine(line: string, where: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i);
    if (quoted && c === "\\" && line.charAt(i + 1) === '"') {
      word = `${word ?? ""}"`;
      i++;
    } else if (c === '"') {
      quoted = !quoted;
      word ??= "";
    } else if (!quoted && c === "#") break;
    else if (!quoted && (c === " " || c === "\t" || c === "\r")) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + c;
  }
  if (quoted) throw usageError(`${where}: a quote is not closed`, 'put the value between two "; inside, write \\"');
  if (word !== undefined) words.push(word);
  return words;
}

/** @param file only for messages, as are line numbers */
export function parseConfig(text: string, file: string): Occurrence[] {
  const found: Occurrence[] = [];
  text.split("\n").forEach((line, index) => {
    const where = `${file}, line ${index + 1}`;
    const [first, ...values] = splitLine(line, where);
    if (first === undefined) return;
    if (first.startsWith("-"))
      throw usageError(`${where}: \`${first}\``, "options stand without leading dashes in a file");
    const equals = first.indexOf("=");
    const word = equals < 0 ? first : first.slice(0, equals);
    if (equals >= 0) values.unshift(first.slice(equals + 1));
    found.push(readOption(word, values, where));
  });
  return found;
}

function readOption(word: string, values: readonly string[], where: string): Occurrence {
  try {
    const { name, off } = findLong(word);
    if (notInFiles.has(name)) throw usageError(`option ${name} has no place in a configuration file`);
    const { arg, value: placeholder } = specOf(name);
    const shown = off ? `no-${name}` : name;
    if (values.length > 1) throw usageError(`option ${shown} has more than one value`, "put it in double quotes");
    const [value] = values;
    if (value !== undefined && (off || arg === "none")) throw usageError(`option ${shown} takes no value`);
    if (value === undefined && !off && arg === "required") {
      throw usageError(`option ${shown} needs a value: ${shown} ${placeholder ?? "VALUE"}`);
    }
    return { name, value, off, from: `${where}: ${shown}` };
  } catch (cause) {
    throw new CrError(where, { cause });
  }
}

/** Undefined when there is no such file; one that nobody asked for and that we may not read is as good as none. */
export function readConfig(file: string, asked: boolean): Occurrence[] | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR" || (code === "EACCES" && !asked)) return undefined;
    throw fileError("cannot read the configuration file", file, error);
  }
  return parseConfig(text, file);
}

/**
 * The occurrences of all configuration files, in order: system, user, CRIU_CONFIG_FILE, --config.
 * @returns with the explicitly named files that are not there
 */
export function readConfigs(
  argv: readonly Occurrence[],
  environment: Environment,
): { occurrences: Occurrence[]; absent: string[] } {
  const named = argv.findLast((o) => o.name === "config")?.value;
  const defaults = named === undefined && !argv.some((o) => o.name === "no-default-config");
  const files = defaults ? [systemFile, ...(environment.home ? [`${environment.home}/.criu/default.conf`] : [])] : [];
  const asked = [environment.configFile, named].filter((f): f is string => f !== undefined && f !== "");
  const absent: string[] = [];
  const occurrences = [...files, ...asked].flatMap((file) => {
    const found = readConfig(file, asked.includes(file));
    if (!found && asked.includes(file)) absent.push(file);
    return found ?? [];
  });
  return { occurrences, absent };
}
