import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorLines } from "../error.ts";
import { parseConfig, readConfigs } from "./config.ts";
import { readEnvironment } from "./environment.ts";
import { getopt } from "./getopt.ts";
import { Settings } from "./settings.ts";

function read(text: string): string[] {
  return parseConfig(text, "f").map(
    ({ name, value, off }) => `${off ? "no " : ""}${name}${value === undefined ? "" : `=${value}`}`,
  );
}

function complaint(text: string): string {
  try {
    read(text);
  } catch (error) {
    return errorLines(error).join(" | ");
  }
  return "none";
}

describe("a configuration file", () => {
  test("one option per line; blanks and comments", () => {
    const text = "# all\n\n  shell-job  # why\ntree\t5\nno-file-locks\nlog-file a.log\n";
    expect(read(text)).toEqual(["shell-job", "tree=5", "no file-locks", "log-file=a.log"]);
  });

  test("values with blanks stand in quotes, quotes in them behind a backslash", () => {
    expect(read('log-file "a # b.log"')).toEqual(["log-file=a # b.log"]);
    expect(read('root "a \\"b\\" \\n"')).toEqual(['root=a "b" \\n']);
    expect(read('log-file ""')).toEqual(["log-file="]);
  });

  test("an optional value may be there or not, with a blank or an equals sign", () => {
    expect(read("verbosity\nverbosity 4\nverbosity=3\nmanage-cgroups=ignore")).toEqual([
      "verbosity",
      "verbosity=4",
      "verbosity=3",
      "manage-cgroups=ignore",
    ]);
  });

  test("lines may end as on other systems", () => {
    expect(read("tree 5\r\nshell-job\r\n")).toEqual(["tree=5", "shell-job"]);
  });

  const bad: readonly (readonly [string, RegExp])[] = [
    ["\nlog-file a b", /f, line 2.*more than one value/],
    ['log-file "a', /f, line 1.*quote is not closed/],
    ['log-file a"', /quote is not closed/],
    ["--tree 5", /without leading dashes/],
    ["tree", /tree needs a value/],
    ["shell-job yes", /shell-job takes no value/],
    ["no-shell-job yes", /no-shell-job takes no value/],
    ["frob", /no option --frob/],
    ["dump", /no option --dump/],
    ["config other", /no place in a configuration file/],
    ["help", /no place in a configuration file/],
  ];
  for (const [text, message] of bad) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      expect(complaint(text)).toMatch(message);
    });
  }
});

describe("the order of configuration", () => {
  const dir = mkdtempSync(join(tmpdir(), "tscriu-config-"));
  afterAll(() => rmSync(dir, { recursive: true }));
  mkdirSync(join(dir, ".criu"));
  writeFileSync(join(dir, ".criu/default.conf"), "log-file home\nwork-dir home\nroot home\npidfile home\n");
  writeFileSync(join(dir, "variable"), "log-file variable\nwork-dir variable\nroot variable\n");
  writeFileSync(join(dir, "named"), "log-file named\nwork-dir named\n");

  function settings(line: string, env: Record<string, string>): { settings: Settings; absent: string[] } {
    const argv = getopt(line.split(" ")).occurrences;
    const { occurrences, absent } = readConfigs(argv, readEnvironment(env));
    return { settings: new Settings([...occurrences, ...argv]), absent };
  }

  test("home, CRIU_CONFIG_FILE, command line: later ones override", () => {
    const { settings: s } = settings("dump -o line", { HOME: dir, CRIU_CONFIG_FILE: join(dir, "variable") });
    expect(["log-file", "work-dir", "root", "pidfile"].map((n) => s.text(n as "root"))).toEqual([
      "line",
      "variable",
      "variable",
      "home",
    ]);
  });

  test("--config leaves out the default ones, not CRIU_CONFIG_FILE, and comes after it", () => {
    const env = { HOME: dir, CRIU_CONFIG_FILE: join(dir, "variable") };
    const { settings: s } = settings(`dump --config ${dir}/named`, env);
    expect([s.text("log-file"), s.text("root"), s.text("pidfile")]).toEqual(["named", "variable", undefined]);
  });

  test("--no-default-config leaves out the default ones", () => {
    const { settings: s } = settings("dump --no-default-config", { HOME: dir });
    expect(s.text("pidfile")).toBeUndefined();
  });

  test("files that are not there are passed over; one that was named is reported", () => {
    const { settings: s, absent } = settings(`dump --config ${dir}/nothing`, { HOME: join(dir, "nobody") });
    expect(s.occurrences.map((o) => o.name)).toEqual(["config"]);
    expect(absent).toEqual([`${dir}/nothing`]);
  });
});
