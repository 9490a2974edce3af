/** Who is limited in memory by a cgroup: memory.rst of cgroup v1, cgroup-v2.rst of the kernel. */
import { readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import type { CgroupMembership } from "../kernel/proc/cgroup.ts";
import { cgroupsOf, Hierarchies } from "./cgroup-hierarchies.ts";
import { isBelow } from "./mnt-table.ts";

/** The kernel says "no limit" by a number near 2^63 in v1, bytes. */
const BOUNDLESS = 2 ** 62;

/** Whether one cgroup limits memory: by the files of both versions, of which a hierarchy has its own. */
function hasMemoryLimit(directory: string): boolean {
  return ["memory.max", "memory.high", "memory.limit_in_bytes"].some((name) => {
    let text: string;
    try {
      text = readFileSync(`${directory}/${name}`, "utf8");
    } catch {
      return false;
    }
    return text !== "max\n" && Number(text) < BOUNDLESS;
  });
}

/**
 * Which tasks may not write what they have not written without us: pages of files are charged to the memory cgroup of who writes
 * them, which may be at its limit, and then the kernel takes the memory from the tasks of that cgroup, or ends one.
 */
export class MemoryLimits implements Disposable {
  readonly #hierarchies: Hierarchies;
  readonly #known = new Map<string, boolean>();
  readonly #own = cgroupsOf("self");

  constructor(yard: string | undefined) {
    this.#hierarchies = new Hierarchies(yard);
  }

  /** Whether a task is limited by a cgroup that we are not in ourselves, or by one that we cannot see. */
  bind(pid: number): boolean {
    const cgroups = cgroupsOf(`${pid}`);
    const isMemory = ({ controllers }: CgroupMembership) => controllers.split(",").includes("memory");
    const its = cgroups.find(isMemory) ?? cgroups.find(({ hierarchy }) => hierarchy === 0);
    if (!its) return false;
    let known = this.#known.get(its.path);
    if (known === undefined) {
      known = this.#limited(its);
      this.#known.set(its.path, known);
    }
    return known;
  }

  #limited({ hierarchy, controllers, path }: CgroupMembership): boolean {
    const ours = this.#own.find((one) => one.hierarchy === hierarchy)?.path;
    if (ours === path) return false;
    try {
      for (
        let at = path;
        at !== "/" && !(ours !== undefined && isBelow(ours, at));
        at = at.slice(0, at.lastIndexOf("/")) || "/"
      )
        if (hasMemoryLimit(this.#hierarchies.directory(controllers, at))) return true;
      return false;
    } catch (error) {
      // beyond what we reach here
      if (error instanceof CrError) return true;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#hierarchies[Symbol.dispose]();
  }
}
