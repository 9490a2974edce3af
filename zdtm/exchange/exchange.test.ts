/**
 * Sets of images travel both ways: on a machine of its own, whose kernel CRIU of the same Debian knows, tscriu dumps what criu
 * restores, and the other way round. That CRIU is older than the one whose images we write, hence the one translation in init.c.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { allCases, type Case } from "../lib/cases.ts";
import { compileCase } from "../lib/compile.ts";
import { noI386Compiler } from "../lib/needs.ts";
import { bootWith, requireMachine } from "../single-file/boot.ts";
import { directory, program } from "../single-file/initramfs.ts";
import { kernelModules, Missing, MODULES } from "../single-file/kernel.ts";
import { staticProgram, tscriu } from "../single-file/product.ts";
import { stepsOf } from "../single-file/story.ts";
import { i386Trees, ownTrees, trees } from "./trees.ts";

const machine = "x86_64";
/** What CRIU asks of the kernel, in the order in which it can be loaded. */
const modules = [...MODULES.NFTABLES, ...MODULES.DIAGNOSIS, ...MODULES.MORE_DIAGNOSIS];
const directories = [
  "proc",
  "sys",
  "dev",
  "etc",
  "data",
  "run",
  "tmp",
  "modules",
  "lib",
  "lib/x86_64-linux-gnu",
  "lib64",
];
const ways = ["tscriu>criu", "criu>tscriu"];
/** For what this machine's processor has and the one that the tests run on may lack. */
const ownWays = ["tscriu>tscriu", "tscriu>nobody"];

/** A line of the plan; see init.c. */
function line(number: number, way: string, tree: readonly string[]): string {
  const [dumper, restorer] = way.split(">");
  const set = `images-${number}`;
  const travel = restorer === "nobody" ? `save:${dumper}:${set}` : `dump:${dumper}:${set},restore:${restorer}:${set}`;
  return `${number} ${way} start,${travel},end ${tree.join(" ")}\n`;
}

function unmet(): string | undefined {
  try {
    if (Bun.which("criu") === null) return "there is no criu";
    requireMachine(machine);
    kernelModules(machine, modules);
    return undefined;
  } catch (error) {
    if (error instanceof Missing) return error.message;
    throw error;
  }
}

/** criu and the libraries that it is linked with, where they lie. */
function criu() {
  const path = Bun.which("criu") ?? "";
  const said = Bun.spawnSync(["ldd", path]).stdout.toString();
  const libraries = [...said.matchAll(/(\/\S+) \(0x/g)].map(([, name = ""]) => name);
  return [program("criu", readFileSync(path)), ...libraries.map((name) => program(name.slice(1), readFileSync(name)))];
}

/** The case as a program that needs nothing else. */
async function alone(it: Case) {
  const cc = [...(it.header.cc ?? []), "-static", "-s"];
  return program(it.name, readFileSync(await compileCase({ ...it, header: { ...it.header, cc } })));
}

const reason = unmet();

test.skipIf(reason !== undefined)(
  `criu restores what tscriu dumped, and tscriu what criu dumped${reason === undefined ? "" : ` (${reason})`}`,
  async () => {
    const own = noI386Compiler() === undefined ? [...ownTrees, ...i386Trees] : ownTrees;
    const runs = [
      ...ways.flatMap((way) => trees.map((tree) => ({ way, tree }))),
      ...ownWays.flatMap((way) => own.map((tree) => ({ way, tree }))),
    ];
    const names = [...trees, ...own].flat();
    const cases = allCases().filter(({ name, suite }) => suite === "static" && names.includes(name));
    expect(cases.length).toBe(names.length);
    const plan = runs.map(({ way, tree }, i) => line(i + 1, way, tree));
    const entries = [
      ...directories.map(directory),
      program("init", readFileSync(staticProgram(machine, "init", import.meta.dir))),
      program("plan", Buffer.from(plan.join(""))),
      program("tscriu", readFileSync(tscriu(machine))),
      ...criu(),
      ...kernelModules(machine, modules).map((data, i) => program(`modules/${String(i).padStart(2, "0")}`, data)),
      ...(await Promise.all(cases.map(alone))),
    ];
    const console = bootWith(machine, entries);
    const steps = stepsOf(console);
    const wanted = runs.flatMap(({ way, tree }) => tree.map((name) => [`${way} ${name}`, "PASS"]));
    for (const way of ways) wanted.push([`${way} cpuinfo`, "PASS"]);
    const found = wanted.map(([step = ""]) => [step, steps.get(step) ?? "not seen"]);
    expect(found, console.slice(-20_000)).toEqual(wanted);
    expect(steps.get("end")).toBe("ok");
  },
  1_500_000,
);
