import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { completionText } from "./completion.ts";
import { commandHelp, helpText } from "./help.ts";
import { manualText } from "./manual.ts";
import { commands } from "./option.ts";
import { appliesTo, optionNames, specOf } from "./options.ts";

describe("the option table", () => {
  test("no two switches share a letter", () => {
    const letters = optionNames.filter((name) => specOf(name).same === undefined).flatMap((n) => specOf(n).short ?? []);
    expect(new Set(letters).size).toBe(letters.length);
  });

  test("what shares a switch takes no value", () => {
    for (const name of optionNames) if (specOf(name).same !== undefined) expect(specOf(name).arg).toBe("none");
  });

  test("only switches can be turned off", () => {
    for (const name of optionNames) if (specOf(name).negatable) expect(specOf(name).arg).toBe("none");
  });

  test("help, manual and completions name every option and command", () => {
    const texts = [helpText(), manualText().replaceAll("\\-", "-"), completionText("bash"), completionText("zsh")];
    for (const text of texts) {
      for (const name of optionNames) expect(text).toContain(name);
      for (const command of commands) expect(text).toContain(command.split(" ")[0] ?? "");
    }
    for (const name of optionNames) expect(completionText("fish")).toContain(`-l ${name}`);
  });

  test("a command's help has its own options and no others", () => {
    for (const command of commands) {
      const shown = commandHelp(command);
      for (const name of optionNames) {
        expect(new RegExp(`--(\\[no-\\])?${name}[ \\[\\n]`).test(shown)).toBe(appliesTo(name, command));
      }
    }
  });

  test("no line of the help is wider than a terminal of 120 columns", () => {
    for (const line of helpText().split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });

  test("the shells take the completions", () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const path = Bun.which(shell);
      if (!path) continue;
      const { exitCode, stderr } = Bun.spawnSync([path, "-n"], { stdin: Buffer.from(completionText(shell)) });
      expect([shell, exitCode, stderr.toString()]).toEqual([shell, 0, ""]);
    }
  });
});

interface Fact {
  name: string;
  short?: string;
  arg: string;
  repeatable: boolean;
  commands: "all" | string[];
  negatable: boolean;
}

const facts = join(import.meta.dir, "../../../shared/facts/cli.json");

describe.skipIf(!existsSync(facts))(
  "the table against the facts about CRIU (skipped where they are not at hand)",
  () => {
    const known: { options: Fact[] } = existsSync(facts) ? JSON.parse(readFileSync(facts, "utf8")) : { options: [] };

    test("every option is there, and no other but our own", () => {
      const ours = optionNames.filter((name) => !specOf(name).own);
      expect([...ours].sort()).toEqual(known.options.map(({ name }) => name as (typeof ours)[number]).sort());
    });

    for (const fact of known.options) {
      test(fact.name, () => {
        const name = optionNames.find((n) => n === fact.name);
        if (!name) throw new Error(`no option ${fact.name}`);
        const spec = specOf(name);
        expect({
          short: spec.short,
          arg: spec.arg,
          repeatable: spec.repeatable ?? false,
          commands: spec.commands === "all" ? "all" : [...spec.commands].sort(),
          negatable: spec.negatable ?? false,
        }).toEqual({
          short: fact.short,
          arg: (fact.arg.split(" ")[0] ?? "") as typeof spec.arg,
          repeatable: fact.repeatable,
          commands: fact.commands === "all" ? "all" : ([...fact.commands].sort() as never),
          negatable: fact.negatable,
        });
      });
    }
  },
);
