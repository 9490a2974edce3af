/** Hooks over a connection: the client is told of each moment, and may object. */
import { readExternal } from "../cli/value.ts";
import { CrError } from "../error.ts";
import { CriuReqType } from "../image/schema.gen.ts";
import type { Log } from "../log.ts";
import type { External, Hook, HookName } from "../options.ts";
import type { Connection } from "./connection.ts";

/** Moments at which the client learns the root task's pid. */
const WITH_PID: ReadonlySet<HookName> = new Set(["setup-namespaces", "post-restore"]);
const REFUSED = 1;

/**
 * The hook that asks the client first and runs the action scripts after it; what either returns is OR-ed.
 * @param external grows by what the client answers to query-ext-files
 */
export function notifyingHook(connection: Connection, scripts: Hook, external: External[], log: Log): Hook {
  return (name, pid, fd) => {
    const objection = notify(connection, name, pid, fd, external, log);
    return objection | scripts(name, pid);
  };
}

function notify(
  connection: Connection,
  name: HookName,
  pid: number | undefined,
  fd: number | undefined,
  external: External[],
  log: Log,
): number {
  const told = WITH_PID.has(name) && pid !== undefined ? { script: name, pid } : { script: name };
  log.debug(`tell the client: ${name}`);
  connection.answer({ type: CriuReqType.NOTIFY, success: true, notify: told }, fd === undefined ? [] : [fd]);
  const reply = connection.request();
  if (!reply) throw new CrError(`the client left at ${name}`, { code: "EPIPE" });
  if (reply.type !== CriuReqType.NOTIFY || !reply.notify_success) {
    log.error(`the client objects at ${name}`);
    return REFUSED;
  }
  if (name === "query-ext-files") external.push(...(reply.opts?.external ?? []).map(readExternal));
  return 0;
}
