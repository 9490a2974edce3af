import { CrError, errorLines, firstOf } from "../error.ts";
import type { Environment } from "./environment.ts";
import type { LogCore } from "./log.ts";
import { errorText } from "./log-people.ts";
import type { Command } from "./option.ts";
import { printError } from "./print.ts";
import type { Settings } from "./settings.ts";

/** What a command gets. */
export interface Invocation {
  command: Command;
  /** Words after the command. */
  operands: readonly string[];
  settings: Settings;
  environment: Environment;
  /** Named configuration files that are not there. */
  absentConfigs: readonly string[];
}

/** Runs to the end and returns the exit status; throws only before its log is open. */
export type RunCommand = (invocation: Invocation) => number | Promise<number>;

export function statusOf(error: unknown): number {
  const first = firstOf(error);
  return first instanceof CrError ? first.status : 1;
}

/** Shows an error where no log is open yet. */
export function complain(error: unknown): number {
  printError(errorText(errorLines(error)));
  return statusOf(error);
}

/** What the user said that has no effect. */
export function warnUnused(log: LogCore, { settings, command, absentConfigs }: Invocation): void {
  for (const file of absentConfigs) log.warn(`there is no configuration file ${file}`);
  for (const option of settings.meaningless(command)) log.warn(`${option} has no meaning for ${command}`);
}

/** Runs the body with an open log; its errors end there, and become the exit status. */
export function withLog(log: LogCore, body: () => number): number {
  try {
    return body();
  } catch (error) {
    log.failure(errorLines(error), error instanceof Error ? error.stack : undefined);
    return statusOf(error);
  } finally {
    log.close();
  }
}
