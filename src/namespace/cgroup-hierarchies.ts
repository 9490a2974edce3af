/** The hierarchies of cgroups(7) as directories that we reach, whatever is mounted on this machine. */
import { existsSync } from "node:fs";
import { CrError } from "../error.ts";
import { closeFd } from "../kernel/fd.ts";
import { type MountOption, makeMount } from "../kernel/mount.ts";
import { type CgroupMembership, parseCgroup } from "../kernel/proc/cgroup.ts";
import { readProcFile } from "../kernel/proc/read.ts";

/**
 * @param task a pid, `PID/task/TID` or `self`
 * @param known by the kernel's words: tasks that sit in the same cgroups get the same list
 */
export function cgroupsOf(task: string, known?: Map<string, readonly CgroupMembership[]>): readonly CgroupMembership[] {
  const text = readProcFile(`/proc/${task}/cgroup`);
  const found = known?.get(text);
  if (found) return found;
  const cgroups = parseCgroup(text).sort((a, b) => (a.controllers < b.controllers ? -1 : 1));
  known?.set(text, cgroups);
  return cgroups;
}

const NAMED = "name=";

/** What its directory is called where hierarchies are mounted side by side. */
function yardName(hierarchy: string): string {
  if (hierarchy === "") return "unified";
  return hierarchy.startsWith(NAMED) ? hierarchy.slice(NAMED.length) : hierarchy;
}

function mountOptions(hierarchy: string): MountOption[] {
  if (hierarchy.startsWith(NAMED)) return [["none"], ["name", hierarchy.slice(NAMED.length)]];
  return hierarchy.split(",").map((controller) => [controller]);
}

/**
 * Each hierarchy by a mount of our own that stands nowhere and ends with us: from its root, or that of our cgroup namespace, on.
 * With a yard (`--cgroup-yard`) by the directories in it.
 */
export class Hierarchies implements Disposable {
  readonly #roots = new Map<string, string>();
  readonly #mounts: number[] = [];

  constructor(readonly yard: string | undefined) {}

  /**
   * Where a cgroup is, or would be.
   * @param hierarchy as in /proc/PID/cgroup: "cpu,cpuacct", "name=systemd", "" for v2
   * @param path absolute, below the hierarchy's root
   * @throws CrError for a path that leads elsewhere, and where the hierarchy cannot be reached
   */
  directory(hierarchy: string, path: string): string {
    const subject = { path, hierarchy: hierarchy || "cgroup2" };
    if (!path.startsWith("/") || /[\0\n]/.test(path) || path.split("/").some((part) => part === ".." || part === "."))
      throw new CrError("a cgroup has a path that leads elsewhere", {
        code: "EINVAL",
        subject,
        remedy: "dump and restore with --manage-cgroups=ignore",
      });
    let root = this.#roots.get(hierarchy);
    if (root === undefined) {
      root = this.yard === undefined ? this.#mount(hierarchy) : `${this.yard}/${yardName(hierarchy)}`;
      if (!existsSync(root)) throw new CrError("the cgroup yard has no such hierarchy", { code: "ENOENT", subject });
      this.#roots.set(hierarchy, root);
    }
    return path === "/" ? root : `${root}${path}`;
  }

  #mount(hierarchy: string): string {
    const what = "cannot reach a hierarchy of cgroups";
    try {
      const isV2 = hierarchy === "";
      const mount = makeMount(isV2 ? "cgroup2" : "cgroup", what, undefined, isV2 ? [] : mountOptions(hierarchy));
      this.#mounts.push(mount);
      return `/proc/self/fd/${mount}`;
    } catch (cause) {
      throw new CrError(what, {
        subject: { hierarchy: hierarchy || "cgroup2" },
        remedy: "mount it and name the directory with --cgroup-yard, or use --manage-cgroups=ignore",
        cause,
      });
    }
  }

  [Symbol.dispose](): void {
    for (const mount of this.#mounts.splice(0)) closeFd(mount);
    this.#roots.clear();
  }
}
