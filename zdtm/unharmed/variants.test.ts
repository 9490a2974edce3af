/** Images that were cut short, emptied or changed in one bit: one clear error each, and nothing stays behind. */
import { describe, expect, test } from "bun:test";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { Keeper } from "../lib/keeper.ts";
import { treeOf } from "../lib/snapshot.ts";
import { cProgram } from "./lib/programs.ts";
import { type Said, tscriu, unclear } from "./lib/run.ts";
import { Scratch, until } from "./lib/victim.ts";

const isRoot = process.getuid?.() === 0;
const count = Number(process.env.UNHARMED_VARIANTS ?? 500);

interface Variant {
  file: string;
  what: string;
  bytes: Uint8Array;
  /** Page contents are not protected by the format: only their number is. */
  mayPass: boolean;
}

/** As many as asked for, every file's share by turns: emptied, cut, and then one bit after the other. */
function variantsOf(directory: string, wanted: number): Variant[] {
  const files = readdirSync(directory)
    .filter((name) => name.endsWith(".img"))
    .sort();
  const made: Variant[] = [];
  for (const file of files) {
    const bytes = readFileSync(`${directory}/${file}`);
    made.push({ file, what: "emptied", bytes: new Uint8Array(0), mayPass: false });
    for (const part of [0.3, 0.9]) {
      const length = Math.min(bytes.length - 1, Math.max(1, Math.floor(bytes.length * part)));
      made.push({ file, what: `cut to ${length} bytes`, bytes: bytes.subarray(0, length), mayPass: false });
    }
  }
  const flipped = files.filter((name) => !name.startsWith("pages-"));
  for (let i = 0; made.length < wanted; i++) {
    const file = flipped[i % flipped.length] ?? "";
    const bytes = new Uint8Array(readFileSync(`${directory}/${file}`));
    const at = Math.floor(Math.random() * bytes.length);
    const bit = Math.floor(Math.random() * 8);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    made.push({ file, what: `bit ${bit} of byte ${at} flipped`, bytes, mayPass: true });
  }
  return made.slice(0, Math.max(wanted, made.length));
}

/** Everything that could be left behind by a restore that failed. */
function surroundings(keeper: number, scratch: Scratch): string {
  const children = readFileSync(`/proc/${keeper}/task/${keeper}/children`, "latin1").trim();
  const files = readdirSync(scratch.path)
    .filter((name) => name !== "said")
    .sort();
  return [
    `children: ${children}`,
    `files: ${files.join(" ")}`,
    `file: ${statSync(scratch.file("file")).size}`,
    `mounts: ${readFileSync("/proc/self/mounts", "latin1")
      .split("\n")
      .filter((line) => /tscriu|criu/.test(line))
      .join("\n")}`,
  ].join("\n");
}

/** Ends whatever a restore that went well has made; the keeper reaps it. */
async function endAll(keeper: number): Promise<void> {
  await until("the restored tree does not end", () => {
    const pids = treeOf(keeper).slice(1);
    for (const pid of pids)
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // it has just gone
      }
    return pids.length === 0 ? undefined : `left: ${pids.join(" ")}`;
  });
}

const parentOf = (pid: number) => Number(/PPid:\t(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);

async function tryVariants(
  wanted: number,
  words: string[],
): Promise<{ refused: number; restored: number; faults: string[] }> {
  using scratch = new Scratch();
  await using keeper = await Keeper.start();
  const argv = [cProgram("victims/small.c", "-static")];
  const ready = scratch.file("ready");
  const pid = await keeper.run({
    argv: [...argv, ready, scratch.file("file")],
    directory: "/",
    output: "/dev/null",
    session: true,
  });
  await until("the victim is not ready", () =>
    readdirSync(scratch.path).includes("ready") && statSync(ready).size > 0 ? undefined : "no",
  );
  const keeperPid = parentOf(pid);
  expect(readlinkSync(`/proc/${pid}/exe`)).toBe(argv[0] ?? "");
  const [whole, images] = [scratch.file("whole"), scratch.file("images")];
  mkdirSync(whole);
  const dumped = await tscriu(keeper, scratch, ["dump", "-t", String(pid), "-D", whole, "-o", "dump.log"]);
  expect(dumped).toEqual({ status: 0, text: "" });
  await keeper.ended(pid);
  mkdirSync(images);
  for (const name of readdirSync(whole)) copyFileSync(`${whole}/${name}`, `${images}/${name}`);
  const restore = (): Promise<Said> =>
    tscriu(keeper, scratch, ["restore", "-d", "-D", images, "-o", "restore.log", ...words]);
  const result = { refused: 0, restored: 0, faults: [] as string[] };
  const good = await restore();
  expect(good).toEqual({ status: 0, text: "" });
  await endAll(keeperPid);
  const before = surroundings(keeperPid, scratch);
  for (const { file, what, bytes, mayPass } of variantsOf(whole, wanted)) {
    writeFileSync(`${images}/${file}`, bytes);
    const said = await restore();
    let wrong = said.status === 0 && mayPass ? undefined : unclear(said);
    if (wrong !== undefined && said.status === 0 && bytes.length > 9) {
      // a list that happens to end between two records is a whole list
      await endAll(keeperPid);
      writeFileSync(`${images}/${file}`, bytes.subarray(0, -1));
      wrong = unclear(await restore());
    }
    if (wrong !== undefined) result.faults.push(`${file} ${what}: ${wrong.slice(0, 600)}`);
    if (said.status === 0) {
      result.restored++;
      await endAll(keeperPid);
    } else result.refused++;
    try {
      await until("left behind", () => {
        const after = surroundings(keeperPid, scratch);
        return after === before ? undefined : `${after}\ninstead of\n${before}`;
      });
    } catch (error) {
      result.faults.push(`${file} ${what}: ${error}`);
      await endAll(keeperPid);
    }
    copyFileSync(`${whole}/${file}`, `${images}/${file}`);
  }
  rmSync(images, { recursive: true });
  return result;
}

describe("images that are not as they were written", () => {
  if (!isRoot) test.skip("variants (a restore needs root)", () => {});
  else
    for (const half of [1, 2])
      test.concurrent(`${count / 2} variants, each one clear error (part ${half})`, async () => {
        const { refused, restored, faults } = await tryVariants(count / 2, []);
        console.log(`variants: ${refused} refused, ${restored} restored all the same`);
        expect(faults).toEqual([]);
        expect(refused).toBeGreaterThan(count / 5);
      }, 900_000);
});
