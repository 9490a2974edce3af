import { allCases, type Case, flavours, flavoursOf } from "./cases.ts";
import { type Outcome, readyFlavours, runCase } from "./harness.ts";
import { asI386 } from "./needs.ts";
import { pooled } from "./pool.ts";
import type { Mode } from "./run.ts";

const usage = `usage:
  bun zdtm/lib/cli.ts run [NAME...] [--category NAME] [--suite static|transition] [--nocr | --spoil | --leave-running | --again | --new-pidns]
                          [--flavour h|ns|uns] [--iter N] [--jobs N] [--keep] [--i386]
  bun zdtm/lib/cli.ts list [--category NAME]
  bun zdtm/lib/cli.ts coverage`;

interface Words {
  names: string[];
  flags: Map<string, string>;
}

const valued = new Set(["--category", "--suite", "--flavour", "--iter", "--jobs"]);
const modes = new Map<string, Mode>([
  ["--nocr", "nocr"],
  ["--spoil", "spoil"],
  ["--leave-running", "running"],
  ["--again", "again"],
  ["--new-pidns", "fresh"],
]);
const plain = new Set([...modes.keys(), "--keep", "--i386"]);

function parse(argv: string[]): Words {
  const words: Words = { names: [], flags: new Map() };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (valued.has(word)) words.flags.set(word, argv[++i] ?? "");
    else if (plain.has(word)) words.flags.set(word, "");
    else if (word.startsWith("-")) throw new Error(`unknown option ${word}\n${usage}`);
    else words.names.push(word);
  }
  return words;
}

function chosen({ names, flags }: Words): Case[] {
  const all = allCases();
  for (const name of names) if (!all.some((c) => c.name === name)) throw new Error(`there is no case ${name}`);
  const known = flags.has("--i386") ? all.filter((c) => c.language === "c").map(asI386) : all;
  return known.filter(
    (c) =>
      (names.length === 0 || names.includes(c.name)) &&
      (flags.get("--category") ?? c.header.category) === c.header.category &&
      (flags.get("--suite") ?? c.suite) === c.suite,
  );
}

function show(it: Case, outcome: Outcome): void {
  const times = outcome.dumps.map((d, i) => `${d.toFixed(0)}+${(outcome.restores[i] ?? 0).toFixed(0)}`).join(" ");
  const word = { pass: "ok  ", fail: "FAIL", skip: "skip" }[outcome.result];
  const reason = outcome.reason === "" ? "" : `  ${outcome.reason.replaceAll("\n", "\n    ")}`;
  console.log(
    `${word} ${it.name.padEnd(28)} ${outcome.milliseconds.toFixed(0).padStart(5)} ms, CPU ${outcome.cpu.toFixed(0).padStart(5)} ms ${times}${reason}`,
  );
  if (outcome.directory !== undefined) console.log(`     kept ${outcome.directory}`);
}

async function run(words: Words): Promise<number> {
  const { flags } = words;
  const mode = [...modes].find(([flag]) => flags.has(flag))?.[1] ?? "cr";
  const flavour = flavours.find((one) => one === (flags.get("--flavour") ?? "h"));
  if (flavour === undefined) throw new Error(`no such flavour\n${usage}`);
  const iterations = Number(flags.get("--iter") ?? 1);
  const counts = { pass: 0, fail: 0, skip: 0 };
  const wanted = chosen(words).filter((it) => flavoursOf(it).includes(flavour));
  await pooled(wanted, Number(flags.get("--jobs") ?? 2), async (it) => {
    const outcome = await runCase(it, { mode, flavour, iterations, keep: flags.has("--keep") });
    counts[outcome.result]++;
    show(it, outcome);
  });
  console.log(`${counts.pass} passed, ${counts.fail} failed, ${counts.skip} skipped`);
  return counts.fail === 0 ? 0 : 1;
}

function coverage(): void {
  const rows = new Map<string, { c: number; ts: number; flavours: Map<string, number> }>();
  for (const it of allCases()) {
    for (const category of [it.header.category, "all"]) {
      const row = rows.get(category) ?? { c: 0, ts: 0, flavours: new Map() };
      rows.set(category, row);
      row[it.language]++;
      for (const f of flavoursOf(it)) row.flavours.set(f, (row.flavours.get(f) ?? 0) + 1);
    }
  }
  console.log(`${"category".padEnd(16)} cases     c    ts ${flavours.map((f) => f.padStart(5)).join("")}`);
  const order = [...rows.keys()].sort((a, b) => Number(a === "all") - Number(b === "all") || a.localeCompare(b));
  for (const category of order) {
    const row = rows.get(category);
    if (row === undefined) continue;
    const cells = [row.c + row.ts, row.c, row.ts].map((n) => String(n).padStart(5)).join(" ");
    console.log(
      `${category.padEnd(16)} ${cells} ${flavours.map((f) => String(row.flavours.get(f) ?? 0).padStart(5)).join("")}`,
    );
  }
  console.log(`flavours that the harness runs today: ${readyFlavours.join(", ")}`);
}

async function main(): Promise<number> {
  const [command, ...rest] = process.argv.slice(2);
  const words = parse(rest);
  if (command === "run") return run(words);
  if (command === "coverage") {
    coverage();
    return 0;
  }
  if (command === "list") {
    for (const it of chosen(words))
      console.log(
        `${it.suite}/${it.name}.${it.language}`.padEnd(40),
        it.header.category.padEnd(14),
        it.header.verifies,
      );
    return 0;
  }
  console.error(usage);
  return 2;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
