/** Who lives in a pid namespace of a tree without being of the tree, as `runc exec` and `nsenter` bring it about. */
import { readdirSync } from "node:fs";
import { ProcDir } from "../kernel/proc/read.ts";
import { parseStatus } from "../kernel/proc/status.ts";
import type { Log } from "../log.ts";
import { linkOf } from "../namespace/ids.ts";

/** Is it the first one of the namespace that it lives in? Undefined for who has ended. */
function isInit(pid: number): boolean | undefined {
  try {
    using dir = new ProcDir(pid);
    return parseStatus(dir.text("status")).nsPid.at(-1) === 1;
  } catch {
    return undefined;
  }
}

/** @param pids of the tree, which still runs, parents before their children: with an init the kernel ends its whole namespace */
export function bystandersOf(pids: readonly number[]): number[] {
  const [root] = pids;
  if (root === undefined || linkOf(root, "pid") === linkOf(process.pid, "pid")) return [];
  const ending = new Map<string, boolean>();
  for (const pid of pids) {
    const link = linkOf(pid, "pid");
    if (link !== "" && !ending.has(link)) ending.set(link, isInit(pid) === true);
  }
  const known = new Set(pids);
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && !known.has(pid) && ending.get(linkOf(pid, "pid")) === true);
}

/** Says who ends with the tree and is not saved. @param pids as for `bystandersOf` */
export function tellOfBystanders(pids: readonly number[], log: Log): void {
  const who = bystandersOf(pids).map((pid) => `${pid} (${nameOf(pid)})`);
  if (who.length === 0) return;
  log.warn(
    `processes that entered the pid namespace of the tree from outside are not saved, and end with its init: ${who.join(", ")}`,
  );
}

function nameOf(pid: number): string {
  try {
    using dir = new ProcDir(pid);
    return dir.text("comm").trim();
  } catch {
    return "ended";
  }
}
