/** The manual page in man(7) markup, made from the same table as the help. */
import { commandMeanings, optionBody, optionHead } from "./help.ts";
import { commands, type Group, groups } from "./option.ts";
import { optionNames, specOf } from "./options.ts";
import { print } from "./print.ts";
import { ownVersion } from "./version.ts";

/** Text as roff takes it: backslashes and dashes as themselves, no line that begins with a control character. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/gm, "\\&$1");
}

function item(head: string, body: string): string {
  return `.TP\n.B ${roff(head)}\n${roff(body)}`;
}

export function manualText(): string {
  const options = (Object.entries(groups) as [Group, string][]).flatMap(([group, title]) => [
    `.SS ${roff(title)}`,
    ...optionNames
      .filter((name) => specOf(name).group === group)
      .map((name) => item(optionHead(name).trim(), optionBody(name))),
  ]);
  return `${[
    `.TH TSCRIU 8 "" "tscriu ${ownVersion}"`,
    ".SH NAME",
    "tscriu \\- save running process trees and bring them back",
    ".SH SYNOPSIS",
    ".B tscriu",
    "COMMAND [OPTION...]",
    ".SH COMMANDS",
    ...commands.map((command) => {
      const { meaning, later } = commandMeanings[command];
      return item(command, later ? `${meaning} (not there yet)` : meaning);
    }),
    ".SH OPTIONS",
    "Options may stand before or after the command. Long ones may be shortened as long as they stay unique.",
    ...options,
    ".SH FILES",
    "One option per line, without dashes; # begins a comment; a value with blanks stands in double quotes.",
    "Later ones override earlier ones: /etc/criu/default.conf, $HOME/.criu/default.conf, the file named by",
    "CRIU_CONFIG_FILE, the file of \\-\\-config, the command line.",
    ".SH EXIT STATUS",
    "0 for success, 1 for any failure; a post\\-dump script that objects makes its own status that of dump.",
  ].join("\n")}\n`;
}

export async function showManual(): Promise<number> {
  print(manualText());
  return 0;
}
