import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** Where a case's tree lives: the host, namespaces of its own, or a user namespace of its own as well. */
export type Flavour = "h" | "ns" | "uns";
export const flavours: readonly Flavour[] = ["h", "ns", "uns"];

/** The `// zdtm: {...}` line of a case. */
export interface Header {
  category: string;
  /** The state that comes back, as a statement. */
  verifies: string;
  /** Default: all of them. */
  flavours?: Flavour[];
  /** Flavours that it is not for, each with its reason. */
  notIn?: Partial<Record<Flavour, string>>;
  /** Options for dump and restore, for dump only, for restore only. */
  opts?: string[];
  dumpOpts?: string[];
  restoreOpts?: string[];
  /** `root`, a flag of /proc/cpuinfo as `cpu:NAME`, an architecture as `arch:x64`, `i386` (compiled as such), `i386-mode`, `hugepages`, `net`. */
  needs?: string[];
  /** More words for the C compiler. */
  cc?: string[];
  /** More environment for the case. */
  env?: Record<string, string>;
  /** Parts of the outside snapshot that may change (see README), each with its reason. */
  except?: Record<string, string>;
  /** The dump has to be refused, with a log or message that matches; the case then goes on and has to pass. */
  refused?: string;
  /** A dump that leaves the tree running has to be refused like that. */
  refusedRunning?: string;
  /**
   * In each dump's images all tasks, or the first, get a vDSO that the kernel does not take for its own; it goes there and back
   * twice at least.
   */
  foreignVdso?: "all" | "first";
  /** Why it cannot be dumped a second time. */
  once?: string;
  /** Whether the case has a spoiling part; found out by reading it, when it does not say so. */
  spoils?: boolean;
}

export interface Case {
  name: string;
  suite: "static" | "transition" | "single-file";
  language: "c" | "ts";
  path: string;
  header: Header;
}

export const root = join(import.meta.dir, "..");
const suites = ["static", "transition"] as const;
const line = /^\/\/ zdtm: (\{.*\})\s*$/m;

function strings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((v) => typeof v === "string");
}

function table(value: unknown): value is Record<string, string> {
  return typeof value === "object" && value !== null && Object.values(value).every((v) => typeof v === "string");
}

const checks: Record<keyof Header, (value: unknown) => boolean> = {
  category: (v) => typeof v === "string",
  verifies: (v) => typeof v === "string",
  flavours: (v) => strings(v) && v.every((f) => flavours.some((known) => known === f)),
  notIn: (v) => table(v) && Object.keys(v).every((f) => flavours.some((known) => known === f)),
  opts: strings,
  dumpOpts: strings,
  restoreOpts: strings,
  needs: strings,
  cc: strings,
  env: table,
  except: table,
  refused: (v) => typeof v === "string",
  refusedRunning: (v) => typeof v === "string",
  foreignVdso: (v) => v === "all" || v === "first",
  once: (v) => typeof v === "string",
  spoils: (v) => typeof v === "boolean",
};

function isHeader(value: unknown): value is Header {
  if (typeof value !== "object" || value === null || !("category" in value) || !("verifies" in value)) return false;
  const known: Record<string, (value: unknown) => boolean> = checks;
  return Object.entries(value).every(([key, v]) => known[key]?.(v) === true);
}

/** Reads a case's header; throws when it has none, or one with an unknown or wrongly typed field. */
export function readHeader(path: string): Header {
  const text = readFileSync(path, "utf8");
  const found = line.exec(text)?.[1];
  if (found === undefined) throw new Error(`${path}: no line "// zdtm: {...}"`);
  const header: unknown = JSON.parse(found);
  if (!isHeader(header)) throw new Error(`${path}: the zdtm line has an unknown or wrongly typed field`);
  return { ...header, spoils: header.spoils ?? /\bTST_SPOIL\b|\btst_spoiling\(|\bspoiling\(/.test(text) };
}

/** Every case of the suites, by name. */
export function allCases(): Case[] {
  const found: Case[] = [];
  for (const suite of suites) {
    for (const file of readdirSync(join(root, suite)).sort()) {
      const language = file.endsWith(".c") ? "c" : file.endsWith(".ts") ? "ts" : undefined;
      if (language === undefined) continue;
      const path = join(root, suite, file);
      found.push({ name: basename(file, `.${language}`), suite, language, path, header: readHeader(path) });
    }
  }
  return found;
}

/** The flavours a case asks for. */
export function flavoursOf(it: Case): readonly Flavour[] {
  const { flavours: wanted = flavours, notIn = {} } = it.header;
  return wanted.filter((one) => notIn[one] === undefined);
}
