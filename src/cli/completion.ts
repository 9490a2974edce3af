/** Completion scripts for shells, made from the option table. */
import { featureNames } from "../check/features.ts";
import { commands, type OptionSpec } from "./option.ts";
import { type OptionName, optionNames, specOf } from "./options.ts";
import { print } from "./print.ts";
import { usageError } from "./usage-error.ts";

const tools = ["crit", "help", "completion", "man"];
const commandWords = [...new Set(commands.map((command) => command.split(" ")[0] ?? "")), ...tools];

function spellings(name: OptionName): string[] {
  const { short, negatable } = specOf(name);
  return [`--${name}`, ...(negatable ? [`--no-${name}`] : []), ...(short === undefined ? [] : [`-${short}`])];
}

/** The words that follow an option, when they are known. */
function valueWords({ choices, completes }: OptionSpec): readonly string[] | undefined {
  return choices ?? (completes === "feature" ? featureNames : undefined);
}

function bash(): string {
  const valued = optionNames.filter((name) => specOf(name).arg === "required");
  const cases = valued.flatMap((name) => {
    const spec = specOf(name);
    const words = valueWords(spec);
    const pattern = [`--${name}`, ...(spec.short ? [`-${spec.short}`] : [])].join("|");
    if (words) return [`    ${pattern}) COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$cur")); return ;;`];
    if (spec.completes === "directory") return [`    ${pattern}) COMPREPLY=($(compgen -d -- "$cur")); return ;;`];
    if (spec.completes === "file") return [`    ${pattern}) COMPREPLY=($(compgen -f -- "$cur")); return ;;`];
    if (spec.completes === "pid") {
      return [`    ${pattern}) COMPREPLY=($(compgen -W "$(cd /proc && echo [0-9]*)" -- "$cur")); return ;;`];
    }
    return [`    ${pattern}) return ;;`];
  });
  const options = optionNames.flatMap(spellings).join(" ");
  return `_tscriu() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  case $prev in
${cases.join("\n")}
  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "${options}" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "${commandWords.join(" ")}" -- "$cur")) ;;
  esac
}
complete -F _tscriu tscriu
`;
}

/** A description inside brackets and single quotes of zsh's _arguments. */
function zshText(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll("[", "\\[").replaceAll("]", "\\]").replaceAll(":", "\\:");
}

function zshValue(spec: OptionSpec): string {
  if (spec.arg === "none") return "";
  const words = valueWords(spec);
  const action = words
    ? `(${words.join(" ")})`
    : spec.completes === "directory"
      ? "_directories"
      : spec.completes === "file"
        ? "_files"
        : spec.completes === "pid"
          ? "_pids"
          : "";
  return `${spec.arg === "optional" ? "::" : ":"}value:${action}`;
}

function zsh(): string {
  const lines = optionNames.flatMap((name) => {
    const spec = specOf(name);
    return spellings(name).map((word) => {
      const off = word.startsWith("--no-") && word !== `--${name}`;
      const suffix = off || spec.arg === "none" ? "" : word.startsWith("--") ? "=" : "+";
      const glue = spec.arg === "optional" && suffix === "=" ? "=-" : spec.arg === "optional" ? "-" : suffix;
      return `  '*${word}${off ? "" : glue}[${zshText(spec.meaning)}]${off ? "" : zshValue(spec)}'`;
    });
  });
  return `#compdef tscriu
_arguments -s \\
${lines.join(" \\\n")} \\
  '1:command:(${commandWords.join(" ")})'
`;
}

function fish(): string {
  const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = optionNames.map((name) => {
    const spec = specOf(name);
    const words = valueWords(spec);
    const files = spec.completes === "file" || spec.completes === "directory" ? " -F" : "";
    const value = spec.arg === "required" ? ` -r${files}${words ? ` -a ${quote(words.join(" "))}` : ""}` : "";
    const short = spec.short === undefined ? "" : ` -s ${spec.short}`;
    return `complete -c tscriu${short} -l ${name}${value} -d ${quote(spec.meaning)}`;
  });
  return `complete -c tscriu -f
complete -c tscriu -n __fish_use_subcommand -a ${quote(commandWords.join(" "))}
${lines.join("\n")}
`;
}

const shells: Readonly<Record<string, () => string>> = { bash, zsh, fish };

export function completionText(shell: string): string {
  const make = Object.hasOwn(shells, shell) ? shells[shell] : undefined;
  if (make) return make();
  throw usageError(`there is no completion for \`${shell}\``, `write completion ${Object.keys(shells).join(", or ")}`);
}

export async function showCompletion(args: readonly string[]): Promise<number> {
  print(completionText(args[0] ?? ""));
  return 0;
}
