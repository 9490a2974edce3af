/** The rules of the house that the import graph shows: data flows one way, rooms of one kind do not know each other. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const home = import.meta.dir;

const files = readdirSync(home, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !/\.(test|d)\.ts$|\/testing\.ts$/.test(path))
  .sort();
const sources = new Map(files.map((path) => [path, readFileSync(join(home, path), "utf8")]));

/** Who imports whom, types too, as paths below src. */
const imports = [...sources].flatMap(([from, text]) => {
  const named = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g)].map((match) => match[1] ?? "");
  return [...new Set(named)].map((to) => ({ from, to: relative(home, join(home, from, "..", to)) }));
});

const room = (path: string) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : "");
const breaches = (wrong: (from: string, to: string) => boolean) =>
  imports.filter(({ from, to }) => wrong(from, to)).map(({ from, to }) => `${from} imports ${to}`);
const saying = (pattern: RegExp, may: (path: string) => boolean) =>
  [...sources].flatMap(([path, text]) => {
    const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    const found = may(path) ? null : pattern.exec(code);
    return found ? [`${path}: ${found[0]}`] : [];
  });

/** Rooms that each room may import from; `""` is src itself. What is not named here may import what it likes below cli. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  kernel: ["", "build"], // build: embedded-files.ts, which the finished executable does not have
  image: [""],
  crit: ["", "image"],
  agent: ["", "kernel"],
  check: ["", "kernel", "agent"],
  build: [""],
};

test("the graph is not empty", () => {
  expect(imports.length).toBeGreaterThan(500);
  const unknown = imports.filter(({ to }) => to.endsWith(".ts") && !to.startsWith("..") && !files.includes(to));
  expect(unknown).toEqual([]);
});

test("kernel knows no images, image knows no kernel, agents know neither plans nor files", () => {
  const wrong = (from: string, to: string) =>
    room(from) !== room(to) && allowed[room(from)]?.includes(room(to)) === false;
  expect(breaches(wrong)).toEqual([]);
});

test("nothing below the command line and the RPC imports them", () => {
  const faces = ["cli", "rpc"];
  expect(breaches((from, to) => faces.includes(room(to)) && !faces.includes(room(from)) && from !== "main.ts")).toEqual(
    [],
  );
});

test("dump and restore do not know each other, and only the command line begins them", () => {
  const stories = ["dump", "restore"];
  const wrong = (from: string, to: string) =>
    stories.includes(room(to)) && room(from) !== room(to) && room(from) !== "cli" && room(from) !== "rpc";
  expect(breaches(wrong)).toEqual([]);
});

test("kinds of descriptors do not import each other: only the registry knows them all", () => {
  const listed = imports.filter(({ from, to }) => from === "file/registry.ts" && /^(file|socket)\//.test(to));
  const kinds = listed.map(({ to }) => to).filter((to) => to !== "file/kind.ts");
  expect(kinds.length).toBeGreaterThan(10);
  const things = ["file", "socket", "memory", "namespace", "task"];
  const wrong = (from: string, to: string) =>
    kinds.includes(to) && things.includes(room(from)) && from !== "file/registry.ts";
  expect(breaches(wrong)).toEqual([]);
});

test("no program is started but scripts, what --exec-cmd names, and tscriu itself", () => {
  const start = /\bBun\.spawn(Sync)?\b|child_process|\bNR\.execve(at)?\b/;
  const may = ["cli/scripts.ts", "cli/exec.ts", "rpc/service.ts", "rpc/client.ts"];
  // an agent's own program; tests; the build
  const others = (path: string) => path === "agent/puppet.ts" || room(path) === "build" || path.endsWith("testing.ts");
  expect(saying(start, (path) => may.includes(path) || others(path))).toEqual([]);
});

test("no part of the runtime that is slow to load is loaded at a start", () => {
  const test = ["file/rehearsal.ts", "socket/unix-testing.ts"];
  const slow = saying(/from "node:(?!fs"|path")\w+"/, (path) => room(path) === "build" || test.includes(path));
  expect(slow).toEqual([]);
});

test("only the command line prints, and reads words and environment", () => {
  const print = /\bconsole\.\w+|process\.(stdout|stderr)\b/;
  expect(saying(print, (path) => room(path) === "cli")).toEqual([]);
  const words = /\bprocess\.(argv|exit)\b|\bBun\.argv\b/;
  expect(saying(words, (path) => room(path) === "cli" || path === "main.ts")).toEqual([]);
  const environment = /\bprocess\.env\b|\bBun\.env\b|import\.meta\.env/;
  expect(saying(environment, (path) => room(path) === "cli" || path === "kernel/startup.ts")).toEqual([]);
});
