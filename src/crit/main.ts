import { readFileSync, writeFileSync } from "node:fs";
import { CrError, errorLines } from "../error.ts";
import { decodeImage, encodeImage } from "../image/framing.ts";
import { kindOf } from "../image/kinds.ts";
import { storageError } from "../image/storage.ts";
import { bytesToText } from "../text.ts";
import { imageFromJson, imageToJson } from "./convert.ts";
import { explore } from "./explore.ts";
import { formatJson, parseJson } from "./json.ts";
import { usage } from "./usage.ts";

/** Where crit reads and writes when no file is named. */
export interface CritIo {
  /** All of standard input. */
  stdin(): Uint8Array;
  stdout(data: string | Uint8Array): void;
  stderr(text: string): void;
}

interface Command {
  /** Names of the arguments that are no options. */
  readonly positional: readonly string[];
  readonly options: readonly Option[];
  run(args: Args, io: CritIo): void;
}

interface Option {
  readonly name: string;
  readonly letter?: string;
  readonly takesValue: boolean;
}

class Args {
  readonly values = new Map<string, string>();
  readonly positional: string[] = [];

  has(name: string): boolean {
    return this.values.has(name);
  }

  at(index: number): string {
    return this.positional[index] ?? "";
  }
}

const inOut: readonly Option[] = [
  { name: "in", letter: "i", takesValue: true },
  { name: "out", letter: "o", takesValue: true },
];
const noPayload: Option = { name: "nopl", takesValue: false };

const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["decode", { positional: [], options: [...inOut, { name: "pretty", takesValue: false }, noPayload], run: decode }],
  ["encode", { positional: [], options: inOut, run: encode }],
  ["info", { positional: ["an image"], options: [], run: info }],
  ["x", { positional: ["a directory of images", "a view"], options: [], run: exploreSet }],
  ["show", { positional: ["an image"], options: [noPayload], run: show }],
]);

function input(path: string | undefined, io: CritIo): { bytes: Uint8Array; path: string } {
  if (path === undefined || path === "-") return { bytes: io.stdin(), path: "standard input" };
  try {
    return { bytes: readFileSync(path), path };
  } catch (error) {
    throw storageError("read the file", path, error);
  }
}

/** Text on standard output ends its line; in a file it does not, as CRIU's does not. */
function output(path: string | undefined, data: string | Uint8Array, io: CritIo): void {
  if (path === undefined || path === "-") {
    io.stdout(typeof data === "string" ? `${data}\n` : data);
    return;
  }
  try {
    writeFileSync(path, data);
  } catch (error) {
    throw storageError("write the file", path, error);
  }
}

function decode(args: Args, io: CritIo): void {
  print(args.values.get("in"), args.values.get("out"), args.has("pretty"), !args.has("nopl"), io);
}

function show(args: Args, io: CritIo): void {
  print(args.at(0), undefined, true, !args.has("nopl"), io);
}

function print(from: string | undefined, to: string | undefined, pretty: boolean, payload: boolean, io: CritIo): void {
  const { bytes, path } = input(from, io);
  const { kind, entries } = decodeImage(bytes, path);
  output(to, formatJson(imageToJson(kind, entries, { pretty, payload }), pretty ? 4 : 0), io);
}

function encode(args: Args, io: CritIo): void {
  const { bytes, path } = input(args.values.get("in"), io);
  const { kind, entries } = imageFromJson(parseJson(bytesToText(bytes), path));
  output(args.values.get("out"), encodeImage(kind, entries), io);
}

function info(args: Args, io: CritIo): void {
  const { bytes, path } = input(args.at(0), io);
  const { kind, entries } = decodeImage(bytes, path);
  const heads = kindOf(kind).head === "pagemap_head" ? 1 : 0;
  output(undefined, formatJson({ magic: kind, count: entries.length - heads }, 4), io);
}

function exploreSet(args: Args, io: CritIo): void {
  for (const line of explore(args.at(0), args.at(1))) io.stdout(`${line}\n`);
}

function misuse(problem: string): never {
  throw new CrError(problem, { code: "BAD_OPTION", remedy: "crit --help shows what there is", status: 2 });
}

function parse(name: string, command: Command, words: readonly string[]): Args {
  const args = new Args();
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "-" || !word.startsWith("-")) {
      args.positional.push(word);
      continue;
    }
    if (word === "--") {
      args.positional.push(...rest.splice(0));
      continue;
    }
    const { option, value } = optionOf(name, command, word);
    const given = value ?? (option.takesValue ? rest.shift() : "");
    if (given === undefined) misuse(`option ${word} of ${name} wants a value`);
    args.values.set(option.name, given);
  }
  const extra = args.positional[command.positional.length];
  if (extra !== undefined) misuse(`\`${extra}\` is one word too many for ${name}`);
  const missing = command.positional.slice(args.positional.length);
  if (missing.length > 0) misuse(`${name} wants ${missing.join(" and ")}`);
  return args;
}

/** Finds `-i`, `-iVALUE`, `--in`, `--in=VALUE` and what begins one long name only. */
function optionOf(name: string, command: Command, word: string): { option: Option; value?: string } {
  if (!word.startsWith("--")) {
    const option = command.options.find(({ letter }) => letter === word[1]);
    if (option === undefined) misuse(`${name} has no option ${word}`);
    return word.length > 2 ? { option, value: word.slice(2).replace(/^=/, "") } : { option };
  }
  const [long = "", value] = word.slice(2).split(/=(.*)/s);
  const found =
    command.options.filter((option) => option.name === long).at(0) ??
    (command.options.filter((option) => option.name.startsWith(long)).length === 1
      ? command.options.find((option) => option.name.startsWith(long))
      : undefined);
  if (found === undefined || (value !== undefined && !found.takesValue)) misuse(`${name} has no option ${word}`);
  return value === undefined ? { option: found } : { option: found, value };
}

/**
 * The image tool. `args` are the words after its name. Gives the exit status: 0, 1 for an error (which is told on
 * `io.stderr`), 2 for wrong usage.
 */
export function runCrit(args: readonly string[], io: CritIo, version = ""): number {
  const [name, ...rest] = args;
  if (
    name === "--help" ||
    name === "-h" ||
    (name !== undefined && commands.has(name) && /^(-h|--help)$/.test(rest[0] ?? ""))
  ) {
    io.stdout(usage);
    return 0;
  }
  if (name === "--version") {
    io.stdout(`crit ${version}`.trim().concat("\n"));
    return 0;
  }
  if (name === undefined) {
    io.stderr(`${usage.split("\n")[0]}\ncrit: error: too few arguments\n`);
    return 1;
  }
  try {
    const command = commands.get(name);
    if (command === undefined) misuse(`there is no command ${name}`);
    command.run(parse(name, command, rest), io);
    return 0;
  } catch (error) {
    if (!(error instanceof CrError)) throw error;
    for (const line of errorLines(error)) io.stderr(`crit: ${line}\n`);
    return error.status;
  }
}
