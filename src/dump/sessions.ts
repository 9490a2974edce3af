/** Sessions that tasks of the tree live in, and whose leaders live outside of it. */
import { existsSync } from "node:fs";
import { CrError } from "../error.ts";
import type { Log } from "../log.ts";
import type { DumpOptions } from "../options.ts";
import type { VirtualPids } from "./pids.ts";
import type { FrozenTree } from "./tree.ts";

/**
 * A session is made again by somebody who has its number, which the leader has as long as it is there: until then a tree with
 * a task of that session does not come back. Sessions whose leaders are gone are none of these, nor is that of a shell job, for
 * which the restorer's stands; without --shell-job the root's own has been told of (see checkTree).
 */
export function checkSessions(
  { tasks, root }: FrozenTree,
  pids: VirtualPids,
  { fate }: Pick<DumpOptions, "fate">,
  blocker: (error: CrError) => void,
  log: Log,
): void {
  // with the init of a pid namespace its number is gone, whoever had it
  if (pids.of(root.leader) === 1) return;
  const known = new Set([0, ...tasks.map(({ leader }) => leader), root.stat.sid]);
  for (const { leader, zombie, stat } of tasks) {
    const { sid } = stat;
    if (known.has(sid) || !existsSync(`/proc/${sid}`)) continue;
    known.add(sid);
    const what = `a ${zombie ? "zombie" : "task"} is in a session whose leader lives outside of the tree`;
    const remedy = "end that leader first, dump the tree from it on, or restore with --new-pidns or on another machine";
    // nothing is lost of a tree that stays
    if (fate !== "kill") log.warn(`${what}, and is not restored beside it: pid ${leader}, session ${sid}; ${remedy}`);
    else
      blocker(
        new CrError(what, {
          code: "ENOTSUP",
          subject: { pid: leader, session: sid },
          remedy: `${remedy}: then have this one run on (--leave-running, --leave-stopped)`,
        }),
      );
  }
}
