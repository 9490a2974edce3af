/** Threads that have namespaces of their own: unshare(2) and setns(2) change those of a single thread. */
import { CrError } from "../error.ts";
import { CARRIED, fieldOf, linkOf, type NamespaceIds } from "../namespace/ids.ts";

/** What a thread can leave its process in. */
const NAMES = ["net", "uts", "ipc", "cgroup", "mnt", "pid_for_children", "time_for_children"] as const;

export interface StrayedThread {
  readonly pid: number;
  readonly tid: number;
  /** As in /proc/PID/ns. */
  readonly name: (typeof NAMES)[number];
  readonly link: string;
}

/** Those of a process that still runs: in a frozen one many threads would take long to look at. */
export function strayedThreads(pid: number, tids: readonly number[]): StrayedThread[] {
  const all = [pid, ...tids.filter((tid) => tid !== pid)];
  // a leader may have ended before its threads
  const [leader = pid, ...others] = linkOf(pid, "net") === "" ? all.slice(1) : all;
  if (others.length === 0) return [];
  const own = NAMES.map((name) => linkOf(leader, name));
  return others.flatMap((tid) =>
    NAMES.flatMap((name, i) => {
      const link = linkOf(tid, name);
      // nobody was born there yet, or the thread has ended
      const isUnknown = link === "" && (name !== "pid_for_children" || linkOf(tid, "net") === "");
      return isUnknown || link === own[i] ? [] : [{ pid: leader, tid, name, link }];
    }),
  );
}

/** Looks again at those of a tree that stands still: what comes back gets its number, the rest is in the way. */
export function noteStrayed(
  strayed: readonly StrayedThread[],
  namespaces: NamespaceIds,
  blocker: (error: CrError) => void,
): void {
  for (const one of strayed) {
    const { pid, tid, name } = one;
    const link = linkOf(tid, name);
    if (link === linkOf(pid, name)) continue;
    const carried = CARRIED.find((known) => known === name);
    if (carried === undefined) blocker(strayedError({ ...one, link }));
    else if (link !== "")
      namespaces.strays.set(tid, {
        ...namespaces.strays.get(tid),
        [fieldOf(carried)]: namespaces.number(carried, link, tid),
      });
  }
}

function strayedError({ pid, tid, name, link }: StrayedThread): CrError {
  const what = name.endsWith("_for_children")
    ? `the next children of a thread would be born into another ${name.replace("_for_children", "")} namespace than those of its process`
    : `a thread has a ${name} namespace of its own`;
  return new CrError(`${what} (unshare, setns): this is not supported yet`, {
    code: "ENOTSUP",
    subject: { pid, tid, ...(link && { namespace: link }) },
    remedy: "dump it when the thread has come back, or has ended",
  });
}
