/** The README is true: its tables agree with the code, and name tests that are there. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { allCases } from "../zdtm/lib/cases.ts";
import { commandMeanings } from "./cli/help.ts";
import { commands, type Group, groups } from "./cli/option.ts";
import { optionNames, specOf } from "./cli/options.ts";
import { kinds } from "./file/registry.ts";

const root = join(import.meta.dir, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** The text below a heading of the second level. */
function section(title: string): string {
  const text = readme.split(/^## /m).find((part) => part.startsWith(`${title}\n`));
  if (text === undefined) throw new Error(`the README has no section ${title}`);
  return text;
}

/** Cells of the table below a heading, without its two head lines. */
const rows = (title: string) =>
  section(title)
    .split("\n")
    .filter((line) => line.startsWith("| ") || line.startsWith("|-"))
    .slice(2)
    .map((line) => line.slice(2, -2).split(" | "));

const quoted = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
const dashed = (names: readonly string[]) => names.map((name) => `--${name}`).sort();

describe("commands and options", () => {
  test("every command is named, and those that are not there yet are told apart", () => {
    const first = rows("Commands").flatMap(([name = ""]) => quoted(name));
    const now = commands.filter((name) => !commandMeanings[name].later);
    expect(first.filter((name) => name in commandMeanings)).toEqual(now);
    const later = /These commands of CRIU are known[\s\S]*?\./.exec(section("Commands"))?.[0] ?? "";
    expect(quoted(later).sort()).toEqual(commands.filter((name) => commandMeanings[name].later).sort());
  });

  test("every option stands in its group, and in no other", () => {
    const shown = Object.fromEntries(rows("Options").map(([title = "", names = ""]) => [title, quoted(names).sort()]));
    const real = Object.entries(groups).map(([group, title]) => {
      const names = optionNames.filter((name) => specOf(name).group === (group as Group));
      return [title, dashed(names)];
    });
    expect(shown).toEqual(Object.fromEntries(real));
  });

  test("options that are not there yet are listed", () => {
    const list = /Today these are:([\s\S]*)/.exec(section("Options"))?.[1] ?? "";
    const later = optionNames.filter((name) => {
      const { support } = specOf(name);
      return typeof support === "string" && support !== "yes";
    });
    expect(quoted(list).sort()).toEqual(dashed(later));
  });

  test("options that the text speaks of exist", () => {
    const spoken = [
      ...readme
        .replace(/^runc .*$/gm, "")
        .replace(/^(npm|podman|docker|ctr) .*$/gm, "")
        .matchAll(/(?<![\w-])--([a-z][a-z-]+)/g),
    ];
    const known = new Set<string>([...optionNames, "no"]);
    expect(spoken.map((match) => (match[1] ?? "").replace(/-$/, "")).filter((name) => !known.has(name))).toEqual([]);
  });
});

describe("what comes back, and what does not", () => {
  const cases = new Map(allCases().map((it) => [it.suite === "static" ? it.name : `${it.suite}/${it.name}`, it]));

  test("every line names tests that are there and that are not about a refusal", () => {
    const wrong = rows("What comes back").flatMap(([what = "", tests = ""]) => {
      const names = quoted(tests);
      if (names.length === 0) return [`${what}: no test`];
      return names
        .filter((name) => (name.includes(".test.ts") ? !existsSync(join(root, name)) : !cases.has(name)))
        .concat(names.filter((name) => cases.get(name)?.header.refused !== undefined));
    });
    expect(wrong).toEqual([]);
  });

  test("every kind of descriptor that is dumped has its line", () => {
    const said = rows("What comes back").map(([what = ""]) => what.toLowerCase());
    const silent = ["socket", "unsupported"]; // they only refuse
    const missing = kinds
      .map((kind) => kind.name.toLowerCase())
      .filter((name) => !silent.includes(name) && !said.some((what) => what.includes(name)));
    expect(missing).toEqual([]);
  });

  test("refusals are in the words that the code has", () => {
    const files = readdirSync(import.meta.dir, { recursive: true, encoding: "utf8" });
    const sources = files
      .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
      .map((path) => readFileSync(join(import.meta.dir, path), "utf8"))
      .join("\n");
    const lines = rows("What does not");
    const unsaid = lines.flatMap(([what = "", said = ""]) => {
      const words = [...said.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? "");
      return words.length === 0 ? [what] : words.filter((text) => !sources.includes(text));
    });
    expect(lines.length).toBeGreaterThan(10);
    expect(unsaid).toEqual([]);
  });
});

test("the hooks are those that run", () => {
  const files = ["dump", "restore"].flatMap((room) =>
    readdirSync(join(import.meta.dir, room)).map((name) => join(room, name)),
  );
  const run = files
    .filter((path) => !path.endsWith(".test.ts"))
    .flatMap((path) => [
      ...readFileSync(join(import.meta.dir, path), "utf8").matchAll(/[hH]ook\((?:options, )?"([a-z-]+)"/g),
    ])
    .map((match) => match[1] ?? "");
  const list = /at the hooks ([\s\S]*?), with the/.exec(section("How errors read"))?.[1] ?? "";
  // one is for clients of the RPC alone
  const told = run.filter((name) => name !== "query-ext-files");
  expect(list.split(/,\s+|\s+and\s+/).sort()).toEqual([...new Set(told)].sort());
});

test("files that the README leads to are there", () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1] ?? "");
  expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
