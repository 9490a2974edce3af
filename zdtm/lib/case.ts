/**
 * What a TypeScript case is made of; the same three parts as in tst.h.
 *
 *   // zdtm: {"category": "memory", "verifies": "a big array keeps its numbers"}
 *   import { check, pass, ready, spoiling } from "../lib/case.ts";
 *   const state = prepare();
 *   await ready();
 *   if (spoiling()) spoil(state);
 *   check(state.isRight(), "what should be so");
 *   pass();
 */
import { existsSync, linkSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

const directory = process.cwd();
let go = false;

function leave(name: string, text: string): void {
  const fresh = `${directory}/.${name}.${process.pid}.${Math.random()}`;
  writeFileSync(fresh, text);
  try {
    if (!existsSync(`${directory}/${name}`)) linkSync(fresh, `${directory}/${name}`);
  } finally {
    unlinkSync(fresh);
  }
}

function place(): string {
  const frames = (new Error().stack ?? "").split("\n").filter((l) => l.includes(".ts:") && !l.includes("lib/case.ts"));
  const found = /([^/( ]+\.ts:\d+)/.exec(frames[0] ?? "");
  return found?.[1] ?? basename(process.argv[1] ?? "");
}

function verdict(kind: "FAIL" | "SKIP", what: string): never {
  const text = `${kind} ${what.replaceAll("\n", " | ")} (${place()}, pid ${process.pid})\n`;
  process.stderr.write(text);
  leave("verdict", text);
  process.exit(kind === "FAIL" ? 1 : 0);
}

/** The case has failed; the first failure of any of its processes counts. */
export function fail(what: string): never {
  return verdict("FAIL", what);
}

export function check(condition: unknown, what: string): asserts condition {
  if (!condition) fail(what);
}

/** Compares as JSON, and shows both. */
export function same(is: unknown, should: unknown, what: string): void {
  const [a, b] = [JSON.stringify(is), JSON.stringify(should)];
  if (a !== b) fail(`${what}: is ${a?.slice(0, 400)}, should be ${b?.slice(0, 400)}`);
}

/** The state stands. */
export function markReady(): void {
  leave("ready", `${process.pid}\n`);
}

/** True until the word to go on has come; needs {@link listen} before the ready mark. */
export function going(): boolean {
  return !go;
}

/** Lets SIGTERM, the word to go on, be noticed; ready() does it by itself. */
export function listen(): Promise<void> {
  return new Promise((resolve) => {
    process.on("SIGTERM", () => {
      go = true;
      resolve();
    });
  });
}

/** Says that the state stands, and waits for the harness's word to go on. */
export async function ready(): Promise<void> {
  const word = listen();
  markReady();
  await word;
}

/** True when the harness wants the state broken, to see that the check can fail. */
export function spoiling(): boolean {
  return process.env.ZDTM_SPOIL !== undefined;
}

export function pass(): never {
  leave("verdict", "PASS\n");
  process.exit(0);
}

/** Polls until the condition holds; a guard of a minute only keeps a broken case from hanging. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn > 30_000) fail(`never came: ${what}`);
    await Bun.sleep(2);
  }
}

/** A value of /proc/PID/status, trimmed. */
export function status(pid: number, key: string): string | undefined {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return new RegExp(`^${key}:\\s*(.*)$`, "m").exec(text)?.[1];
}

process.on("uncaughtException", (error) => fail(`uncaught: ${error instanceof Error ? error.stack : String(error)}`));
process.on("unhandledRejection", (error) => fail(`unhandled: ${error instanceof Error ? error.stack : String(error)}`));
