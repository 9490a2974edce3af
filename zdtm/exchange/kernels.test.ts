/**
 * Trees travel between two kernels: this machine's and Debian's, which runs in an emulated machine. From either they go to the
 * other, where they are saved and restored once more, and back. That machine has cgroups of v2 alone, with all controllers, so a tree
 * that needs these stays there.
 */
import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { allCases, type Case } from "../lib/cases.ts";
import { compileCase } from "../lib/compile.ts";
import { bootWith, requireMachine } from "../single-file/boot.ts";
import { directory, type Entry, program } from "../single-file/initramfs.ts";
import { kernelModules, Missing, MODULES } from "../single-file/kernel.ts";
import { staticProgram, tscriu } from "../single-file/product.ts";
import { stepsOf } from "../single-file/story.ts";
import { travellers } from "./trees.ts";

const machine = "x86_64";
/** For the diagnosis of sockets, and the disk, in the order in which they can be loaded. */
const modules = [...MODULES.DIAGNOSIS, ...MODULES.DISK];
/** The emulated machine's disk, bytes. */
const DISK = 256 << 20;
/** Where the machine has what it needs. */
const resident = "cgroupv2_controllers";
const directories = ["proc", "sys", "dev", "data", "run", "tmp", "modules", "lib", "lib64"];

function unmet(): string | undefined {
  try {
    if (process.arch !== "x64") return "this machine's processor is none of the emulated one's kind";
    if (process.getuid?.() !== 0) return "not root";
    requireMachine(machine);
    kernelModules(machine, modules);
    return undefined;
  } catch (error) {
    if (error instanceof Missing) return error.message;
    throw error;
  }
}

/** The case as a program that needs nothing else. */
async function alone(it: Case): Promise<Entry> {
  const cc = [...(it.header.cc ?? []), "-static", "-s"];
  return program(it.name, readFileSync(await compileCase({ ...it, header: { ...it.header, cc } })));
}

/** What `send` of init.c put on the disk: sets, and what belongs to them. */
function received(disk: Uint8Array): Entry[] {
  const files: Entry[] = [];
  for (let at = 0; ; ) {
    const end = disk.indexOf(10, at);
    const line = Buffer.from(disk.subarray(at, end)).toString();
    const [, path, mode = "", size] = /^file \/(\S+) ([0-7]+) (\d+)$/.exec(line) ?? [];
    if (path === undefined) return files;
    at = end + 1 + Number(size);
    files.push({ path, mode: Number.parseInt(mode, 8), data: disk.slice(end + 1, at) });
  }
}

function filesBelow(root: string, below: string): Entry[] {
  return readdirSync(join(root, below), { recursive: true, encoding: "utf8" }).flatMap((name) => {
    const path = join(below, name);
    const stat = statSync(join(root, path));
    return stat.isFile() ? [{ path, mode: stat.mode, data: readFileSync(join(root, path)) }] : [];
  });
}

/** The directories that files lie in, and these. */
function withDirectories(files: readonly Entry[]): Entry[] {
  const dirs = new Set<string>();
  for (const { path } of files) for (let dir = dirname(path); dir !== "data"; dir = dirname(dir)) dirs.add(dir);
  return [...[...dirs].sort().map((path) => ({ path, mode: 0o40777 })), ...files];
}

/** Makes files and directories. */
function place(root: string, entries: readonly Entry[]): void {
  for (const { path, mode, data } of entries) {
    if (data) writeFileSync(join(root, path), data);
    else mkdirSync(join(root, path), { recursive: true });
    chmodSync(join(root, path), mode & 0o7777);
  }
}

const reason = unmet();

test.skipIf(reason !== undefined)(
  `trees go to another kernel and back${reason === undefined ? "" : ` (${reason})`}`,
  async () => {
    const names = travellers.flat();
    const cases = allCases().filter(({ name, language }) => language === "c" && names.includes(name));
    expect(cases.map(({ name }) => name).sort()).toEqual([...names].sort());
    const programs = await Promise.all(cases.map(alone));
    const stays = await Promise.all(
      allCases()
        .filter(({ name }) => name === resident)
        .map(alone),
    );
    const bounds = /^CapBnd:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
    const init = staticProgram(machine, "init", import.meta.dir);
    const common = [
      ...directories.map(directory),
      program("tscriu", readFileSync(tscriu(machine))),
      ...programs,
      program("carried", Buffer.from(bounds)),
    ];
    const plan = (label: string, steps: (number: number) => Record<string, string>, more = "") => {
      const lines = travellers.flatMap((tree, i) =>
        Object.entries(steps(i + 1)).map(
          ([born, words]) => `${born === "here" ? i + 1 : i + 11} ${label}-${born} ${words} ${tree.join(" ")}\n`,
        ),
      );
      return program("plan", Buffer.from(lines.join("") + more));
    };
    const root = mkdtempSync(join(tmpdir(), "tscriu-kernels-"));
    const disk = join(root, "disk");
    const emulated = (luggage: readonly Entry[], ...more: Entry[]) =>
      bootWith(
        machine,
        [
          ...common,
          program("init", readFileSync(init)),
          ...kernelModules(machine, modules).map((data, i) => program(`modules/${String(i).padStart(2, "0")}`, data)),
          ...withDirectories(luggage),
          ...more,
        ],
        { words: "tsc=reliable clocksource=tsc", disk },
      );
    const here = (luggage: readonly Entry[], ...more: Entry[]): string => {
      place(root, [...withDirectories(luggage), ...more]);
      const done = spawnSync(init, ["--root", root], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
      return done.stdout + done.stderr;
    };
    const well = (console: string, wanted: readonly string[]) => {
      const steps = stepsOf(console);
      const found = wanted.map((step) => [step, steps.get(step) ?? "not seen"]);
      const good = (step: string) => (/ (dump|restore) /.test(step) ? "0" : "PASS");
      expect(found, console.slice(-10_000)).toEqual(wanted.map((step) => [step, good(step)]));
    };
    const each = (words: (number: number) => string[]) => travellers.flatMap((_, i) => words(i + 1));
    try {
      place(root, common);
      // as the machine's own, which is made of memory
      chmodSync(root, 0o1777);
      writeFileSync(disk, "");
      truncateSync(disk, DISK);
      copyFileSync(init, join(root, "init"));
      const left = here(
        [],
        plan("leave", (n) => ({ here: `start,dump:tscriu:a${n}` })),
      );
      well(
        left,
        each((n) => [`leave-here dump a${n}`]),
      );

      const away = emulated(
        filesBelow(root, "data"),
        plan(
          "away",
          (n) => ({
            here: `restore:tscriu:a${n},dump:tscriu:b${n},restore:tscriu:b${n},dump:tscriu:c${n},send:c${n}`,
            there: `start,dump:tscriu:d${n},send:d${n}`,
          }),
          `21 stays start,dump:tscriu:f,restore:tscriu:f,end ${resident}\n`,
        ),
        ...stays,
      );
      well(
        away,
        each((n) => ["restore a", "dump b", "restore b", "dump c"].map((step) => `away-here ${step}${n}`)),
      );
      well(
        away,
        each((n) => [`away-there dump d${n}`]),
      );
      well(away, ["stays dump f", "stays restore f", `stays ${resident}`]);

      const back = here(
        received(readFileSync(disk)),
        plan("back", (n) => ({
          here: `restore:tscriu:c${n},end`,
          there: `restore:tscriu:d${n},dump:tscriu:e${n},restore:tscriu:e${n},end`,
        })),
      );
      well(
        back,
        each((n) => [`back-here restore c${n}`]),
      );
      well(
        back,
        each((n) => ["restore d", "dump e", "restore e"].map((step) => `back-there ${step}${n}`)),
      );
      well(
        back,
        names.flatMap((name) => [`back-here ${name}`, `back-there ${name}`]),
      );
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  },
  1_500_000,
);
