/** tscriu, ended at a chosen instant. */
import { binary } from "../../lib/binary.ts";
import { cProgram } from "./programs.ts";

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

/** @param under what the killer is started by */
export async function strike(
  instant: Instant,
  victim: number,
  words: readonly string[],
  under: readonly string[] = [],
): Promise<Struck> {
  const mode = instant.signal === undefined ? instant.at : `signal:${instant.signal}:${instant.at}`;
  const command = await binary();
  const argv = [...under, cProgram("killer.c"), mode, String(instant.n), String(victim), ...command, ...words];
  const child = Bun.spawn(argv, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const said = (await new Response(child.stdout).text()).trim();
  const [word, status = "-1", calls = "-1", us = "-1"] = said.split("\n").at(-1)?.split(" ") ?? [];
  if (word !== "killed" && word !== "ended" && word !== "signalled")
    throw new Error(`killer says: ${said} ${await new Response(child.stderr).text()}`);
  return { killed: word === "killed", status: Number(status), calls: Number(calls), us: Number(us) };
}

/** So many instants, one out of each of as many equal parts of a whole: together they pass over all of it. */
export function spread(count: number, whole: number): number[] {
  const part = whole / Math.ceil(count);
  return Array.from({ length: Math.ceil(count) }, (_, i) => Math.floor((i + Math.random()) * part));
}
