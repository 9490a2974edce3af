/** The example of the README, word for word, typed into a shell on a terminal. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { binary } from "../lib/binary.ts";
import { isRoot, Stage, testTime, until } from "./lib/stage.ts";
import { makeWire, tell } from "./lib/wire.ts";

const root = join(import.meta.dir, "..", "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const example = /With a program of your own[\s\S]*?```sh\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
const missing = ["script", "bash"].find((name) => Bun.which(name) === null);

describe.skipIf(!isRoot || missing !== undefined)(
  missing === undefined ? "the README (needs root)" : `the README (there is no ${missing})`,
  () => {
    test(
      "its example does what it says",
      async () => {
        const [mkdir = "", start = "", dump = "", restore = "", ...more] = example.trim().split("\n");
        expect(more).toEqual([]);
        const command = (await binary()).join(" ");
        await using stage = await Stage.open();
        makeWire(stage);
        const shell = ["bash", "-c", "exec script -qfc 'bash --norc -i' /dev/null <>in"];
        const terminal = await stage.start(shell, { env: { PS1: "# ", TERM: "dumb" } });
        const type = (line: string) => tell(stage, line.replace(/^dist\/tscriu/, command));
        await terminal.says(/# /);
        type(mkdir);
        type(start);
        await terminal.says(/\b3\r\n/);
        type(dump);
        const saved = await terminal.says(/Saved \d tasks?, /);
        type(restore);
        const restored = await terminal.says(/Restored \d tasks?, [^\n]*\n/);
        // what was typed may stand on the same line as a number, but not behind it
        const last = [...terminal.said.slice(0, saved.index).matchAll(/(\d+)\r\n/g)].at(-1)?.[1];
        const end = restored.index + restored[0].length;
        await until("it counts on", () => (/\d\r\n/.test(terminal.said.slice(end)) ? true : undefined));
        expect(Number(last)).toBeGreaterThanOrEqual(3);
        expect(/(\d+)\r\n/.exec(terminal.said.slice(end))?.[1]).toBe(String(Number(last) + 1));
      },
      testTime,
    );
  },
);
