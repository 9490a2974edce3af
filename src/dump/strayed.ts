/** Threads that have namespaces of their own: unshare(2) and setns(2) change those of a single thread. */
import { CrError } from "../error.ts";
import { Forerunner } from "../kernel/forerunner.ts";
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

/** Of what the links of one thread say. */
const ROW = NAMES.length * Forerunner.LINK;

/**
 * Looks for those of a tree that still runs, by a process beside us: in a frozen one many threads would take long to look at.
 * Dispose waits for it.
 */
export class StrayedLook implements Disposable {
  /** Processes with more than one thread. */
  readonly #many: readonly (readonly [pid: number, tids: readonly number[]])[];
  readonly #forerunner: Forerunner | undefined;

  /** @param threads by process, as they were a moment ago */
  constructor(threads: ReadonlyMap<number, readonly number[]>) {
    this.#many = [...threads]
      .filter(([pid, tids]) => tids.length > 1 && tids.includes(pid))
      .map(([pid, tids]) => [pid, [pid, ...tids.filter((tid) => tid !== pid)]]);
    if (this.#many.length === 0) return;
    const links = this.#many.flatMap(([pid, tids]) =>
      tids.flatMap((tid) => NAMES.map((name) => `/proc/${pid}/task/${tid}/ns/${name}`)),
    );
    this.#forerunner = new Forerunner({ files: [], links });
  }

  /** @param threads by process, as they are now */
  of(threads: ReadonlyMap<number, readonly number[]>): StrayedThread[] {
    const alike = this.#alike();
    return [...threads].flatMap(([pid, tids]) =>
      strayedThreads(
        pid,
        tids.filter((tid) => !alike.has(tid)),
      ),
    );
  }

  /** Threads that live where the leader of their process does, and such leaders. */
  #alike(): Set<number> {
    const links = this.#forerunner?.finish().links ?? "";
    const alike = new Set<number>();
    let at = 0;
    for (const [, tids] of this.#many) {
      const own = links.slice(at, at + ROW);
      for (const tid of tids) {
        if (own[0] !== "\0" && links.startsWith(own, at)) alike.add(tid);
        at += ROW;
      }
    }
    return alike;
  }

  [Symbol.dispose](): void {
    this.#forerunner?.finish();
  }
}

function strayedThreads(pid: number, tids: readonly number[]): StrayedThread[] {
  if (tids.length === 0 || (tids.length === 1 && tids[0] === pid)) return [];
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
    if (link === linkOf(pid, name) || isOfChildren(name)) continue;
    const carried = CARRIED.find((known) => known === name);
    if (carried === undefined) blocker(strayedError({ ...one, link }));
    else if (link !== "")
      namespaces.strays.set(tid, {
        ...namespaces.strays.get(tid),
        [fieldOf(carried)]: namespaces.number(carried, link, tid),
      });
  }
}

const isOfChildren = (name: StrayedThread["name"]) => name.endsWith("_for_children");

/** Threads whose next children would not be born where those of their process are. */
export const strayedParents = (strayed: readonly StrayedThread[]): ReadonlySet<number> =>
  new Set(strayed.filter(({ name }) => isOfChildren(name)).map(({ tid }) => tid));

function strayedError({ pid, tid, name, link }: StrayedThread): CrError {
  return new CrError(`a thread has a ${name} namespace of its own (unshare, setns): this is not supported yet`, {
    code: "ENOTSUP",
    subject: { pid, tid, ...(link && { namespace: link }) },
    remedy: "dump it when the thread has come back, or has ended",
  });
}
