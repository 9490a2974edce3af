import { NR } from "../kernel/nr.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { parseStat } from "../kernel/proc/stat.ts";
import { sys } from "../kernel/sys.ts";
import type { Forest } from "./grow.ts";
import type { GrownTask } from "./growth.ts";

interface Place {
  readonly sid: number;
  readonly pgid: number;
}

const placeOf = (pid: number): Place => ({ sid: sys(NR.getsid, pid), pgid: sys(NR.getpgid, pid) });

function parentOf(pid: number): Place {
  using dir = new ProcDir(pid);
  return placeOf(parseStat(dir.text("stat")).ppid);
}

/**
 * Is nobody there who could continue a task's process group, no parent of one of it in the same session and another group? Such
 * a group is not stopped by SIGTSTP, SIGTTIN and SIGTTOU (signal(7), setpgid(2)).
 */
export function isOrphaned(task: GrownTask, forest: Forest): boolean {
  const own = placeOf(task.puppet.pid);
  const parents = [...forest.tasks.values()]
    .map(({ puppet }) => puppet.pid)
    .filter((pid) => sys(NR.getpgid, pid) === own.pgid)
    .map(parentOf);
  // a shell job may be in our group
  if (sys(NR.getpgid, 0) === own.pgid) parents.push(parentOf(process.pid));
  return !parents.some(({ sid, pgid }) => sid === own.sid && pgid !== own.pgid);
}
