/** Who is limited in memory by a cgroup: memory.rst of cgroup v1, cgroup-v2.rst of the kernel. */
import { readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import type { CgroupMembership } from "../kernel/proc/cgroup.ts";
import { cgroupsOf, Hierarchies } from "./cgroup-hierarchies.ts";
import { isBelow } from "./mnt-table.ts";

/** The kernel says "no limit" by a number near 2^63 in v1, bytes. */
const BOUNDLESS = 2 ** 62;

function numberIn(path: string): number | undefined {
  try {
    const text = readFileSync(path, "utf8");
    return text === "max\n" ? Number.POSITIVE_INFINITY : Number(text);
  } catch {
    return undefined;
  }
}

/** How many bytes one cgroup has left; undefined where it has no limit: by the files of both versions, of which a hierarchy has its own. */
function roomIn(directory: string): number | undefined {
  const limits = ["memory.max", "memory.high", "memory.limit_in_bytes"].map((name) => numberIn(`${directory}/${name}`));
  const limit = Math.min(...limits.map((one) => one ?? Number.POSITIVE_INFINITY));
  if (limit >= BOUNDLESS) return undefined;
  const used = numberIn(`${directory}/memory.current`) ?? numberIn(`${directory}/memory.usage_in_bytes`) ?? limit;
  return limit - used;
}

/**
 * Which tasks may write what they have not written without us: pages of files are charged to the memory cgroup of who writes them,
 * which may be near its limit, and then the kernel takes the memory from the tasks of that cgroup, or ends one.
 */
export class MemoryLimits implements Disposable {
  readonly #hierarchies: Hierarchies;
  /** The cgroups that limit the tasks of one, by its path; undefined for one that we cannot see. */
  readonly #known = new Map<string, readonly string[] | undefined>();
  /** Bytes that are left, by directory. */
  readonly #room = new Map<string, number>();
  readonly #own = cgroupsOf("self");

  constructor(yard: string | undefined) {
    this.#hierarchies = new Hierarchies(yard);
  }

  /**
   * Whether a task may write so many bytes. Where it is limited by a cgroup that we are not in ourselves there must be room for
   * twice as much, for it is to run on.
   * @param stay they are never given back: the files lie in memory
   */
  allow(pid: number, bytes: number, stay: boolean): boolean {
    const cgroups = cgroupsOf(`${pid}`);
    const isMemory = ({ controllers }: CgroupMembership) => controllers.split(",").includes("memory");
    const its = cgroups.find(isMemory) ?? cgroups.find(({ hierarchy }) => hierarchy === 0);
    if (!its) return true;
    if (!this.#known.has(its.path)) this.#known.set(its.path, this.#limiting(its));
    const limiting = this.#known.get(its.path);
    const isAllowed =
      limiting?.length === 0 || (!stay && limiting?.every((one) => 2 * bytes <= (this.#room.get(one) ?? 0)) === true);
    if (isAllowed) for (const one of limiting ?? []) this.#room.set(one, (this.#room.get(one) ?? 0) - bytes);
    return isAllowed;
  }

  #limiting({ hierarchy, controllers, path }: CgroupMembership): string[] | undefined {
    const ours = this.#own.find((one) => one.hierarchy === hierarchy)?.path;
    if (ours === path) return [];
    const found: string[] = [];
    try {
      for (
        let at = path;
        at !== "/" && !(ours !== undefined && isBelow(ours, at));
        at = at.slice(0, at.lastIndexOf("/")) || "/"
      ) {
        const directory = this.#hierarchies.directory(controllers, at);
        const room = roomIn(directory);
        if (room === undefined) continue;
        found.push(directory);
        if (!this.#room.has(directory)) this.#room.set(directory, room);
      }
      return found;
    } catch (error) {
      // beyond what we reach here
      if (error instanceof CrError) return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#hierarchies[Symbol.dispose]();
  }
}
