import { readdirSync } from "node:fs";
import { ProcDir } from "../kernel/proc/read.ts";
import { O } from "../kernel/uapi/fcntl.ts";

/** A descriptor of a process that is not part of the tree. */
export interface OutsideHolder {
  readonly pid: number;
  readonly comm: string;
  readonly fd: number;
  readonly reads: boolean;
  readonly writes: boolean;
}

/**
 * Which other processes hold these objects. Costs a walk over all of /proc: for messages about what is found to be
 * shared, never for every dump.
 * @param links as /proc/PID/fd/N shows them: `pipe:[123]`
 * @param inside host pids that do not count; we ourselves never do
 */
export function outsideHolders(links: ReadonlySet<string>, inside: readonly number[]): Map<string, OutsideHolder[]> {
  const found = new Map<string, OutsideHolder[]>();
  const skip = new Set([...inside, process.pid]);
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || skip.has(pid)) continue;
    try {
      using dir = new ProcDir(pid);
      for (const fd of dir.list("fd")) {
        const link = dir.link(`fd/${fd}`);
        if (!links.has(link)) continue;
        const holders = found.get(link) ?? [];
        found.set(link, holders);
        holders.push(describe(dir, fd));
      }
    } catch {
      // Gone in the meantime, or not ours to look at: the others still tell something.
    }
  }
  return found;
}

function describe(dir: ProcDir, fd: number): OutsideHolder {
  const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(dir.text(`fdinfo/${fd}`))?.[1] ?? "0", 8);
  const mode = flags & O.ACCMODE;
  return { pid: dir.pid, comm: dir.text("comm").trim(), fd, reads: mode !== O.WRONLY, writes: mode !== O.RDONLY };
}

/** "process 12 (bash), process 14 (grep)" */
export function holderWords(holders: readonly OutsideHolder[]): string {
  return [...new Set(holders.map((holder) => `process ${holder.pid} (${holder.comm})`))].join(", ");
}
