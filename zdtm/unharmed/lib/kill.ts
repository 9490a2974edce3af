/** tscriu, ended at a chosen instant. */
import { readFileSync, rmSync } from "node:fs";
import { binary } from "../../lib/binary.ts";
import type { Keeper } from "../../lib/keeper.ts";
import { cProgram } from "./programs.ts";
import type { Scratch } from "./victim.ts";

export interface Struck {
  killed: boolean;
  /** Wait status when it ended by itself or after a signal. */
  status: number;
  /** System calls, when counted: see `Instant`. */
  calls: number;
  /** Microseconds since then. */
  us: number;
}

/**
 * `call`: at the N-th system call since the victim is traced. `born`: the same since tscriu made a process. `accept`: the same
 * since it took a connection that waited, at that very call for 0. `after`, `start`: microseconds since the victim is traced, or since tscriu began.
 */
export type Instant = { at: "call" | "born" | "accept" | "after" | "start"; n: number; signal?: number };

type Victimised = number | "init";

/** What starts the killer with these words, and gives what it says. */
type Starter = (argv: string[]) => Promise<string>;

/** Started by us. */
const ourselves: Starter = async (argv) => {
  const child = Bun.spawn(argv, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const said = await new Response(child.stdout).text();
  return said.trim() === "" ? await new Response(child.stderr).text() : said;
};

/** Started by a keeper, in its namespaces: what is left comes to it. */
export function by(keeper: Keeper, scratch: Scratch): Starter {
  return async (argv) => {
    const output = scratch.file("struck");
    rmSync(output, { force: true });
    await keeper.ended(await keeper.run({ argv, directory: "/", output }));
    return readFileSync(output, "latin1");
  };
}

/** @param under what the killer is started by */
export async function strike(
  instant: Instant,
  victim: Victimised,
  words: readonly string[],
  under: readonly string[] = [],
  start: Starter = ourselves,
): Promise<Struck> {
  const mode = instant.signal === undefined ? instant.at : `signal:${instant.signal}:${instant.at}`;
  const command = await binary();
  const argv = [...under, cProgram("killer.c"), mode, String(instant.n), String(victim), ...command, ...words];
  const said = (await start(argv)).trim();
  const [word, status = "-1", calls = "-1", us = "-1"] = said.split("\n").at(-1)?.split(" ") ?? [];
  if (word !== "killed" && word !== "ended" && word !== "signalled") throw new Error(`killer says: ${said}`);
  return { killed: word === "killed", status: Number(status), calls: Number(calls), us: Number(us) };
}

/** So many instants, one out of each of as many equal parts of a whole: together they pass over all of it. */
export function spread(count: number, whole: number): number[] {
  const part = whole / Math.ceil(count);
  return Array.from({ length: Math.ceil(count) }, (_, i) => Math.floor((i + Math.random()) * part));
}
