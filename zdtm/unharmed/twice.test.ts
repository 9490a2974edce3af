/** Dump, restore, dump again: the second images say what the first ones said, but for what runs on or is counted anew. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { decodeImage } from "../../src/image/framing.ts";
import { Keeper } from "../lib/keeper.ts";
import { asleep } from "../lib/snapshot.ts";
import { cProgram } from "./lib/programs.ts";
import { tscriu } from "./lib/run.ts";
import { Scratch, until } from "./lib/victim.ts";

const isRoot = process.getuid?.() === 0;

/** Fields that may differ, by file and path, and why. */
const volatile: readonly [RegExp, string][] = [
  [/^inventory\.\d+\.dump_criu_run_id$/, "each dump has an id of its own"],
  [/^timens\./, "the clocks run on"],
  [/^core\.\d+\.tc\.flags$/, "the kernel's PF_ flags: a restored task has used privileges"],
  [/^core\.\d+\.tc\.timers\.posix\.\d+\.v(sec|nsec)$/, "time left"],
  [/^files\.\d+\.tfd\.v(sec|nsec)$/, "time left"],
  [/^files\.\d+\.pipe\.pipe_id$/, "an inode number, which the kernel gives"],
  [/^pipes-data\.\d+\.pipe_id$/, "as above"],
  [/^files\.\d+\.usk\.(ino|peer)$/, "as above"],
  [/^memfd\.\d+\.shmid$/, "as above"],
];

/** The kernel writes the number of the CPU into what glibc registers with it: memory could not be compared. */
const quiet = { GLIBC_TUNABLES: "glibc.pthread.rseq=0" };

type Flat = Map<string, string>;

function flatten(value: unknown, at: string, into: Flat): void {
  if (value instanceof Uint8Array) into.set(at, Buffer.from(value).toString("hex"));
  else if (Array.isArray(value)) {
    into.set(`${at}.length`, String(value.length));
    value.forEach((one, i) => {
      flatten(one, `${at}.${i}`, into);
    });
  } else if (typeof value === "object" && value !== null)
    for (const [name, one] of Object.entries(value)) flatten(one, `${at}.${name}`, into);
  else if (value !== undefined) into.set(at, String(value));
}

/** Everything that the images of a directory say, a line each; pages as the hash of their bytes. */
function contents(directory: string): Flat {
  const all: Flat = new Map();
  for (const file of readdirSync(directory).sort()) {
    if (!file.endsWith(".img") || file.startsWith("stats-")) continue;
    const bytes = readFileSync(`${directory}/${file}`);
    // shared memory is named by its inode
    const name = file.replace(/\.img$/, "").replace(/^(pagemap-shmem)-\d+$/, "$1");
    if (name.startsWith("pages-")) all.set(name, `${bytes.length} ${Bun.hash(bytes)}`);
    else flatten(decodeImage(bytes, file).entries, name, all);
  }
  return all;
}

function changes(first: Flat, second: Flat): string[] {
  const found: string[] = [];
  for (const key of new Set([...first.keys(), ...second.keys()])) {
    const [was, is] = [first.get(key), second.get(key)];
    const plain = key.replace(/-\d+(?=\.)/, "");
    if (was !== is && !volatile.some(([path]) => path.test(plain))) found.push(`${key}: ${was} -> ${is}`);
  }
  return found;
}

async function twice(
  argv: string[],
  ready: (scratch: Scratch) => string[],
  begun: (scratch: Scratch) => boolean,
): Promise<string[]> {
  using scratch = new Scratch();
  await using keeper = await Keeper.start();
  const pid = await keeper.run({
    argv: [...argv, ...ready(scratch)],
    directory: "/",
    output: "/dev/null",
    session: true,
    env: quiet,
  });
  await until("the victim is not ready", () => (begun(scratch) && asleep(pid) ? undefined : "no"));
  const sets: Flat[] = [];
  for (const round of [1, 2]) {
    const images = scratch.file(`images-${round}`);
    mkdirSync(images);
    const dumped = await tscriu(keeper, scratch, ["dump", "-t", String(pid), "-D", images, "-o", "dump.log"]);
    expect(dumped).toEqual({ status: 0, text: "" });
    await keeper.ended(pid);
    sets.push(contents(images));
    const restored = await tscriu(keeper, scratch, ["restore", "-d", "-D", images, "-o", "restore.log"]);
    expect(restored).toEqual({ status: 0, text: "" });
  }
  const [first, second] = sets;
  return first && second ? changes(first, second) : ["no images"];
}

describe("the second images say what the first ones said", () => {
  if (!isRoot) {
    test.skip("(a dump needs root)", () => {});
    return;
  }
  test.concurrent("a single process", async () => {
    const found = await twice(
      [cProgram("victims/odd.c")],
      (scratch) => [scratch.file("ready"), scratch.file("result"), "pause"],
      (scratch) => existsSync(scratch.file("result")),
    );
    expect(found).toEqual([]);
  }, 300_000);
  test.concurrent("a tree with threads, a zombie, files, timers and signals", async () => {
    const found = await twice(
      [cProgram("victims/small.c", "-static")],
      (scratch) => [scratch.file("ready"), scratch.file("file")],
      (scratch) => existsSync(scratch.file("ready")) && readFileSync(scratch.file("ready")).length > 3,
    );
    expect(found).toEqual([]);
  }, 300_000);
});
