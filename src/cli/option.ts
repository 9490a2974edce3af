/** What an option is: the shape of one row of the option table. */

export const commands = [
  "dump",
  "pre-dump",
  "restore",
  "check",
  "page-server",
  "service",
  "swrk",
  "dedup",
  "lazy-pages",
  "cpuinfo dump",
  "cpuinfo check",
] as const;

export type Command = (typeof commands)[number];

/** Headings of the help, in its order. */
export const groups = {
  common: "Every command",
  dump: "Saving a tree",
  restore: "Bringing a tree back",
  tree: "What a tree may hold",
  file: "Files",
  network: "Network",
  namespace: "Namespaces, mounts and cgroups",
  memory: "Memory over several rounds or over the wire",
  check: "Checking this machine",
} as const;

export type Group = keyof typeof groups;

/** How far a feature is: there, or a sentence for the user who asks for it; a function where it depends on the value or the command. */
export type Support = "yes" | string | ((value: string, command: string) => string | undefined);

export interface OptionSpec {
  short?: string;
  arg: "none" | "required" | "optional";
  /** Stands for the value in the help. */
  value?: string;
  commands: "all" | readonly Command[];
  /** `--no-NAME` turns it off. */
  negatable?: boolean;
  /** Several uses add up; otherwise the last one counts. */
  repeatable?: boolean;
  meaning: string;
  /** For people; the engine's defaults live where the value is read. */
  default?: string;
  group: Group;
  support: Support;
  /** Another name for the same switch. */
  same?: string;
  /** Not an option of CRIU: known by its whole name only, so that CRIU's abbreviations stay what they are. */
  own?: boolean;
  /** An error, not just a warning, with a command that it means nothing to. */
  strict?: boolean;
  /** Throws a usage error for a value that means nothing to any command. */
  reads?: (option: string, value: string) => unknown;
  /** Words that the value can be, for messages and completion. */
  choices?: readonly string[];
  /** What completion offers as the value. */
  completes?: "file" | "directory" | "pid" | "feature";
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;
