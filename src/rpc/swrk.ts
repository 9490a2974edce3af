/** `swrk FD`: one worker on a socket that the caller made. */
import type { Invocation } from "../cli/command.ts";
import { usageError } from "../cli/usage-error.ts";
import { readFd } from "../cli/value.ts";
import { Connection } from "./connection.ts";
import { serve } from "./worker.ts";

/** The second word with which the service starts its workers. */
export const forService = "service";

export async function runSwrk({ settings, operands, environment }: Invocation): Promise<number> {
  const [fd, mark, ...rest] = operands;
  if (fd === undefined || rest.length > 0 || (mark !== undefined && mark !== forService))
    throw usageError(
      "swrk takes one word, the number of a descriptor",
      "tscriu swrk FD is for programs: see `tscriu man`",
    );
  using connection = new Connection(readFd("swrk", fd));
  const peer = connection.peer();
  return await serve({
    connection,
    peer,
    given: settings.occurrences,
    environment,
    service: mark === forService,
  });
}
