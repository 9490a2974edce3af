/**
 * Sets of images travel both ways on this machine: criu restores what tscriu dumped, tscriu what criu dumped, and the case finds
 * its state. Each image that criu writes is decoded and encoded again to the same bytes. Here is a sample of the cases;
 * EXCHANGE=all takes all.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { imageFromJson, imageToJson } from "../../src/crit/convert.ts";
import { formatJson, parseJson } from "../../src/crit/json.ts";
import { decodeImage, encodeImage } from "../../src/image/framing.ts";
import { binary } from "../lib/binary.ts";
import { allCases, type Case, type Flavour, flavoursOf } from "../lib/cases.ts";
import { runCase } from "../lib/harness.ts";
import { Gate, width } from "../lib/pool.ts";
import { apart, KernelFacts, missing, path } from "./criu.ts";
import { always, notDumped, notDumpedApart, notRestored, notRestoredApart } from "./lacks.ts";

const ways = { "tscriu>criu": notRestored, "criu>tscriu": notDumped };
/** What is lacking besides in namespaces of its own. */
const waysApart = { "tscriu>criu": notRestoredApart, "criu>tscriu": notDumpedApart };
const isAll = process.env.EXCHANGE === "all";
/** Whole containers, of what namespaces matter for: the rest is what a process has, wherever that lives. */
const spaces = new Set(["cgroup", "ipc", "mntns", "mounts", "netns", "ns", "pidns"]);
/** So that of this many cases one is taken. */
const SAMPLE = 24n;
const SAMPLE_APART = 12n;
const isPicked = ({ name, header }: Case) =>
  isAll || always.has(name) || BigInt(Bun.hash(name)) % (spaces.has(header.category) ? SAMPLE_APART : SAMPLE) === 0n;
const flavours: readonly Flavour[] = ["h", "ns"];
const takesPart = (it: Case, flavour: Flavour) =>
  flavoursOf(it).includes(flavour) && (flavour === "h" || spaces.has(it.header.category));
const gate = new Gate(width);
/** criu saves what lies beside the tree's cgroups, too: those of other cases, which go. */
const alone = new Gate(1);
const patience = 3_600_000;

/** What takes part: criu is not asked to refuse what we refuse, nor to take one kernel for another. */
const cases = allCases().filter(({ header }) => header.refused === undefined && header.foreignVdso === undefined);

/** Pages, and what other programs write: no images of entries. */
const RAW = /^(pages|tmpfs-dev|ifaddr|route6?|rule|(ip6?|nf)tables|netns-(ct|exp))-/;

function encodesToItself(images: string): void {
  for (const name of readdirSync(images)) {
    if (!name.endsWith(".img") || RAW.test(name)) continue;
    const bytes = readFileSync(join(images, name));
    const { kind, entries } = decodeImage(bytes, name);
    for (const pretty of [true, false]) {
      const json = formatJson(imageToJson(kind, entries, { pretty, payload: true }), pretty ? 4 : 0);
      const again = imageFromJson(parseJson(json, name));
      if (!bytes.equals(encodeImage(again.kind, again.entries))) throw new Error(`${name} is encoded to other bytes`);
    }
  }
}

describe.skipIf(missing !== undefined)(`images of criu's${missing === undefined ? "" : ` (${missing})`}`, () => {
  const facts = missing === undefined ? new KernelFacts() : undefined;
  afterAll(() => facts?.[Symbol.dispose]());

  test("cases that are left out exist", () => {
    const names = new Set(allCases().map(({ name }) => name));
    const left = [notDumped, notRestored, notDumpedApart, notRestoredApart].flatMap((lacks) => Object.keys(lacks));
    expect([...left, ...always].filter((name) => !names.has(name))).toEqual([]);
  });

  const criu = (flavour: Flavour) => (flavour === "h" ? { dumper: [path], restorer: [path] } : apart);
  for (const way of ["tscriu>criu", "criu>tscriu"] as const) {
    for (const [it, flavour] of cases.flatMap((it) => flavours.map((flavour) => [it, flavour] as const))) {
      const lacks = flavour === "h" ? ways[way] : { ...ways[way], ...waysApart[way] };
      if (!isPicked(it) || lacks[it.name] !== undefined || !takesPart(it, flavour)) continue;
      test.concurrent(
        `${way} ${flavour} ${it.name}`,
        async () => {
          const tscriu = await binary();
          const isOurs = way === "tscriu>criu";
          const dumper = isOurs ? tscriu : criu(flavour).dumper;
          const restorer = isOurs ? criu(flavour).restorer : tscriu;
          const look = isOurs ? undefined : encodesToItself;
          const through = facts?.through ?? [];
          const travel = { dumper, restorer, through, ...(look && { look }) };
          const run = () => gate.through(() => runCase(it, { mode: "cr", flavour, iterations: 1, travel }));
          const outcome = await (it.header.category === "cgroup" ? alone.through(run) : run());
          if (outcome.result === "skip") console.log(`skipped ${way} ${it.name}: ${outcome.reason}`);
          expect(outcome.result === "fail" ? outcome.reason : "").toBe("");
        },
        patience,
      );
    }
  }
});
