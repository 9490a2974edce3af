/** The help, made from the option table. */
import { featureNames } from "../check/features.ts";
import { usage as critUsage } from "../crit/usage.ts";
import { type Command, commands, type Group, groups, type OptionSpec } from "./option.ts";
import { appliesTo, type OptionName, optionNames, specOf } from "./options.ts";
import { print } from "./print.ts";
import { usageError } from "./usage-error.ts";

const width = 100;
const column = 34;

/** What each command does, in its order of interest. `later`: not there yet. */
export const commandMeanings: Readonly<Record<Command, { meaning: string; later?: boolean; example?: string }>> = {
  dump: { meaning: "save a process tree to a directory of images", example: "tscriu dump -t 4711 -D images -j" },
  restore: { meaning: "bring a saved tree back", example: "tscriu restore -D images -j" },
  check: { meaning: "say what this kernel and these privileges allow", example: "tscriu check --all" },
  "pre-dump": { meaning: "save memory only and let the tree run on", later: true },
  "page-server": { meaning: "receive pages from a dump on another machine", later: true },
  "lazy-pages": { meaning: "bring memory to restored tasks when they touch it", later: true },
  service: { meaning: "answer requests on a unix socket" },
  swrk: { meaning: "answer requests on an inherited socket, for libraries" },
  dedup: { meaning: "free pages in older images that newer ones replace", later: true },
  "cpuinfo dump": { meaning: "write what this CPU can to an image" },
  "cpuinfo check": { meaning: "compare that image with this CPU" },
};

const toolMeanings: readonly (readonly [string, string])[] = [
  ["crit", "look into images: decode, encode, show, info, x"],
  ["help [COMMAND]", "this text, or the options of one command"],
  ["completion SHELL", "completion words for bash, zsh or fish"],
  ["man", "the manual page: tscriu man | man -l -"],
];

export function usageText(): string {
  return `tscriu saves a running process tree to disk and brings it back, later or elsewhere.

  tscriu dump    --tree PID --images-dir DIR     save the tree; it is gone afterwards, or add --leave-running
  tscriu restore --images-dir DIR                bring it back with the same pids, and wait for it
  tscriu check                                   is this machine able to?

Try it with a program of your own, as root:

  $ mkdir images
  $ sleep 1000 &
  $ tscriu dump --tree $! --images-dir images --shell-job
  $ tscriu restore --images-dir images --shell-job --restore-detached

--shell-job is for programs started from a shell. \`tscriu --help\` shows all options, \`tscriu help dump\` those of dump.
`;
}

/** Breaks a text into lines of at most `room` characters. */
function wrap(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** `-D, --images-dir DIR`, `--[no-]shell-job`, `--cpu-cap[=LIST]`. */
export function optionHead(name: OptionName): string {
  const { short, negatable, arg, value = "VALUE" }: OptionSpec = specOf(name);
  const shown = arg === "required" ? ` ${value}` : arg === "optional" ? `[=${value}]` : "";
  return `${short === undefined ? "    " : `-${short}, `}--${negatable ? "[no-]" : ""}${name}${shown}`;
}

/** Meaning, choices, default, and what is missing still. */
export function optionBody(name: OptionName): string {
  const spec = specOf(name);
  const parts = [spec.meaning];
  const unsaid = spec.choices?.filter((word) => !spec.meaning.includes(word)) ?? [];
  if (spec.choices && unsaid.length > 0) parts.push(`: ${spec.choices.join(", ")}`);
  if (spec.repeatable) parts.push("; can be repeated");
  if (spec.default) parts.push(` (otherwise: ${spec.default})`);
  if (typeof spec.support === "string" && spec.support !== "yes") parts.push(" [not yet]");
  return parts.join("");
}

function entry(head: string, body: string): string {
  const [first = "", ...rest] = wrap(body, width - column);
  const indent = " ".repeat(column);
  const start = head.length + 4 <= column ? `  ${head}`.padEnd(column) : `  ${head}\n${indent}`;
  return [start + first, ...rest.map((line) => indent + line)].join("\n");
}

function optionList(names: readonly OptionName[]): string {
  const sections: string[] = [];
  for (const [group, title] of Object.entries(groups) as [Group, string][]) {
    const own = names.filter((name) => specOf(name).group === group);
    if (own.length === 0) continue;
    sections.push(`${title}:\n${own.map((name) => entry(optionHead(name), optionBody(name))).join("\n")}\n`);
  }
  return sections.join("\n");
}

export function helpText(): string {
  const now = commands.filter((c) => !commandMeanings[c].later).map((c) => entry(c, commandMeanings[c].meaning));
  const later = commands.filter((c) => commandMeanings[c].later).map((c) => entry(c, commandMeanings[c].meaning));
  const tools = toolMeanings.map(([name, meaning]) => entry(name, meaning));
  return `${usageText()}
Commands:
${[...now, ...tools].join("\n")}

Commands of CRIU that end with an error for now:
${later.join("\n")}

Options may stand before or after the command; long ones may be shortened as long as they stay unique.
Those marked [not yet] are known, and end with an error that says what is missing.

${optionList(optionNames)}`;
}

export function commandHelp(command: Command): string {
  const { meaning, later, example } = commandMeanings[command];
  const options = optionNames.filter((name) => appliesTo(name, command));
  const own = options.filter((name) => specOf(name).group !== "common");
  const shared = options.filter((name) => specOf(name).group === "common");
  const operands = command === "swrk" ? " FD" : command === "restore" ? " [--exec-cmd -- PROGRAM [ARGUMENT…]]" : "";
  const names = wrap(featureNames.join(" "), width - 2).map((line) => `  ${line}\n`);
  const features = command === "check" ? `\nFeatures:\n${names.join("")}` : "";
  return `tscriu ${command} [OPTION…]${operands}: ${meaning}${later ? " (not there yet)" : ""}
${example === undefined ? "" : `\n  $ ${example}\n`}
${[...(own.length > 0 ? [optionList(own)] : []), optionList(shared)].join("\n")}${features}`;
}

/** @param words a command, or nothing for everything */
export async function showHelp(words: readonly string[]): Promise<number> {
  const word = words[0] === "cpuinfo" ? words.slice(0, 2).join(" ") : (words[0] ?? "");
  if (word === "") {
    print(helpText());
    return 0;
  }
  const tool = toolMeanings.find(([usage]) => usage.split(" ")[0] === word);
  if (tool) {
    print(word === "crit" ? critUsage : `tscriu ${tool[0]}: ${tool[1]}\n`);
    return 0;
  }
  const command = commands.find((c) => c === word || (word === "cpuinfo" && c === "cpuinfo dump"));
  if (!command) throw usageError(`there is no command \`${word}\``);
  print(commandHelp(command));
  return 0;
}
