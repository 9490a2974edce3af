/** What a program closes after a dump or a restore is closed: nobody else has it open when the tree runs. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Keeper } from "../lib/keeper.ts";
import { cProgram } from "./lib/programs.ts";
import { tscriu } from "./lib/run.ts";
import { Scratch, until, Victim } from "./lib/victim.ts";

const isRoot = process.getuid?.() === 0;
const patience = 600_000;
/** Each lets the victim go once, somewhere between opening and closing. */
const dumps = Number(process.env.UNHARMED_CLOSINGS ?? 8);

const saved = ["--file-locks", "--tcp-established"];

/** Whoever lists /proc/PID/fd, as other tests do, has each of them open for an instant; we would show each time. */
function expectClosed(scratch: Scratch, times: number): void {
  const seen = readFileSync(scratch.file("out"), "latin1").split("\n").filter(Boolean);
  expect(seen.length < times / 4 ? [] : seen).toEqual([]);
}

describe("a dump that leaves its tree running", () => {
  if (!isRoot) {
    test.skip("what is closed (a dump needs root)", () => {});
    return;
  }
  for (const [name, what, options, fails] of [
    ["keeps nothing open of its files and sockets", "plain", saved, false],
    ["keeps nothing open of them when it fails", "plain", saved, true],
    ["keeps no mount of its own busy", "mounts", [], false],
  ] as const)
    test.concurrent(
      name,
      async () => {
        using scratch = new Scratch();
        await using keeper = await Keeper.start();
        const [point, images, script] = [scratch.file("point"), scratch.file("images"), scratch.file("script")];
        for (const path of [point, images]) mkdirSync(path);
        writeFileSync(script, '#!/bin/sh\n[ "$CRTOOLS_SCRIPT_ACTION" != post-dump ] || exit 3\n', { mode: 0o755 });
        const victim = await Victim.start(keeper, scratch, [cProgram("victims/closing.c"), what, point]);
        const more = fails ? ["--action-script", script] : [];
        const words = [
          "dump",
          "-t",
          String(victim.pid),
          "-D",
          images,
          "-o",
          "log",
          "--leave-running",
          ...options,
          ...more,
        ];
        for (let i = 0; i < dumps; i++) expect((await tscriu(keeper, scratch, words)).status).toBe(fails ? 3 : 0);
        expectClosed(scratch, dumps);
      },
      patience,
    );
});

test.skipIf(!isRoot).concurrent(
  "a restore keeps nothing open of the files and sockets of its tree",
  async () => {
    using scratch = new Scratch();
    await using keeper = await Keeper.start();
    const [point, images] = [scratch.file("point"), scratch.file("images")];
    for (const path of [point, images]) mkdirSync(path);
    const victim = await Victim.start(keeper, scratch, [cProgram("victims/closing.c"), "plain", point]);
    const rounds = Math.ceil(dumps / 2);
    for (let i = 0; i < rounds; i++) {
      const dump = ["dump", "-t", String(victim.pid), "-o", "dump.log"];
      for (const words of [dump, ["restore", "-d", "-o", "restore.log"]])
        expect(await tscriu(keeper, scratch, [...words, "-D", images, ...saved])).toEqual({ status: 0, text: "" });
      const begun = victim.count();
      await until("it does not go on", () => (victim.count() > begun + 10n ? undefined : "it stands still"));
    }
    expectClosed(scratch, rounds);
    process.kill(victim.pid, "SIGKILL");
  },
  patience,
);
