import type { Command } from "../cli/option.ts";
import { errorLines } from "../error.ts";
import type { CriuOpts } from "../image/schema.gen.ts";
import { type FirstError, openRequest, type Request } from "./request.ts";
import type { Office } from "./worker.ts";

/** Opens directories and log for the work, and closes the log after it; an error ends up in both log and answer. */
export function inRequest<T>(
  opts: CriuOpts,
  command: Command,
  office: Office,
  first: FirstError,
  work: (request: Request) => T,
): T {
  const request = openRequest(opts, command, office.peer, office.given, first);
  const { log } = request.space;
  try {
    return work(request);
  } catch (error) {
    log.failure(errorLines(error), error instanceof Error ? error.stack : undefined);
    throw error;
  } finally {
    log.close();
  }
}
