/** Who lives in a pid namespace of a tree without being of the tree, as `runc exec` and `nsenter` bring it about. */
import { Forerunner } from "../kernel/forerunner.ts";
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

/** Looks for them while the tree still runs. Other processes of the machine may be many: a process beside us asks them. */
export class Bystanders implements Disposable {
  readonly #others: readonly number[] = [];
  readonly #asked: Forerunner | undefined;
  #found: readonly number[] | undefined;

  /** @param pids of the tree: with an init the kernel ends its whole namespace */
  constructor(readonly pids: readonly number[]) {
    const [root] = pids;
    if (root === undefined || linkOf(root, "pid") === linkOf(process.pid, "pid")) return;
    using proc = new ProcDir(process.pid, "/proc");
    const known = new Set(pids);
    this.#others = proc.list(".").filter((pid) => !known.has(pid));
    this.#asked = new Forerunner({ files: [], links: this.#others.map((pid) => `/proc/${pid}/ns/pid`) });
  }

  get found(): readonly number[] {
    this.#found ??= this.#asked ? this.#look(this.#asked.finish().links) : [];
    return this.#found;
  }

  #look(links: string): number[] {
    const ending = new Map<string, boolean>();
    for (const pid of this.pids) {
      const link = linkOf(pid, "pid");
      if (link !== "" && !ending.has(link)) ending.set(link, isInit(pid) === true);
    }
    return this.#others.filter((pid, i) => {
      const [link = ""] = links.slice(i * Forerunner.LINK, (i + 1) * Forerunner.LINK).split("\0");
      return ending.get(link) === true && !this.#isBornInside(pid);
    });
  }

  /** The tree still runs: it may have made this one since its pids were asked for, or this one has ended. */
  #isBornInside(pid: number): boolean {
    const inside = new Set(this.pids);
    let at: number | undefined = pid;
    while (at !== undefined && at > 1 && !inside.has(at)) at = parentOf(at);
    return at === undefined || inside.has(at);
  }

  /** Says who ends with the tree and is not saved. */
  tell(log: Log): void {
    const who = this.found.map((pid) => `${pid} (${nameOf(pid)})`);
    if (who.length === 0) return;
    log.warn(
      `processes that entered the pid namespace of the tree from outside are not saved, and end with its init: ${who.join(", ")}`,
    );
  }

  [Symbol.dispose](): void {
    this.#asked?.[Symbol.dispose]();
  }
}

/** Undefined for who has ended. */
function parentOf(pid: number): number | undefined {
  try {
    using dir = new ProcDir(pid);
    return parseStatus(dir.text("status")).ppid;
  } catch {
    return undefined;
  }
}

function nameOf(pid: number): string {
  try {
    using dir = new ProcDir(pid);
    return dir.text("comm").trim();
  } catch {
    return "ended";
  }
}
