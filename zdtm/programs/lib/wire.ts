/** Questions to a program that reads lines from a FIFO and answers each with a line on its standard output. */
import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, constants, openSync, writeSync } from "node:fs";
import type { Program, Stage } from "./stage.ts";
import { until } from "./stage.ts";

/** Makes the FIFO `in` of a stage, open to every user. */
export function makeWire(stage: Stage): string {
  const path = stage.file("in");
  const done = spawnSync("mkfifo", [path]);
  if (done.status !== 0) throw new Error(`mkfifo: ${done.stderr}`);
  chmodSync(path, 0o666);
  return path;
}

/** Writes one line, to a program that is there. */
export function tell(stage: Stage, line: string): void {
  const fd = openSync(stage.file("in"), constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    writeSync(fd, `${line}\n`);
  } finally {
    closeSync(fd);
  }
}

/** Asks one question, and gives the line that comes. */
export async function ask(stage: Stage, program: Program, question: string): Promise<string> {
  const before = program.said.length;
  tell(stage, question);
  return until(`pid ${program.pid} answers "${question}"`, () => {
    const line = /^(.*)\n/.exec(program.said.slice(before));
    return line?.[1];
  });
}
