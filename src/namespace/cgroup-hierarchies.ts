/** The hierarchies of cgroups(7) as directories that we reach, whatever is mounted on this machine. */
import { existsSync } from "node:fs";
import { CrError } from "../error.ts";
import { closeFd, O, tryOpen } from "../kernel/fd.ts";
import { type MountOption, makeMount } from "../kernel/mount.ts";
import { type CgroupMembership, parseCgroup } from "../kernel/proc/cgroup.ts";
import { type MountInfo, parseMountInfo } from "../kernel/proc/mountinfo.ts";
import { readProcFile } from "../kernel/proc/read.ts";
import { statFd } from "../kernel/stat.ts";

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
 * Mounts that show all of a hierarchy, to be written to, from its root or that of our cgroup namespace on.
 * @param text of /proc/PID/mountinfo
 */
export function mountsOf(hierarchy: string, text: string): MountInfo[] {
  const lines = text.split("\n").filter((line) => line.includes(" - cgroup"));
  const parents = new Set([...text.matchAll(/^\d+ (\d+) /gm)].map(([, id]) => Number(id)));
  const [first = ""] = hierarchy.split(",");
  return parseMountInfo(lines.join("\n")).filter(({ mntId, root, options, fsType, superOptions }) => {
    const given = superOptions.split(",");
    const isIt = hierarchy === "" ? fsType === "cgroup2" : fsType === "cgroup" && given.includes(first);
    // what is mounted upon it would hide directories of it
    return isIt && root === "/" && options.includes("rw") && given.includes("rw") && !parents.has(mntId);
  });
}

/**
 * Each hierarchy by a mount that is there or else by one of our own, which stands nowhere and ends with us: that end takes
 * a grace period of the kernel, milliseconds on a busy machine. From its root, or that of our cgroup namespace, on.
 * With a yard (`--cgroup-yard`) by the directories in it.
 */
export class Hierarchies implements Disposable {
  readonly #roots = new Map<string, string>();
  readonly #mounts: number[] = [];
  #mountinfo: string | undefined;

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
      if (!existsSync(root))
        throw new CrError("the cgroup yard has no such hierarchy", {
          code: "ENOENT",
          subject: { hierarchy: subject.hierarchy, directory: root },
          remedy: "mount the hierarchy there, or leave --cgroup-yard out: hierarchies are found without it",
        });
      this.#roots.set(hierarchy, root);
    }
    return path === "/" ? root : `${root}${path}`;
  }

  #mount(hierarchy: string): string {
    const what = "cannot reach a hierarchy of cgroups";
    try {
      const isV2 = hierarchy === "";
      const mount =
        this.#find(hierarchy) ??
        makeMount(isV2 ? "cgroup2" : "cgroup", what, undefined, isV2 ? [] : mountOptions(hierarchy));
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

  /** The root of a mount that is there, where the way leads to it and not to what covers it. */
  #find(hierarchy: string): number | undefined {
    this.#mountinfo ??= readProcFile("/proc/self/mountinfo");
    for (const { mntId, mountpoint } of mountsOf(hierarchy, this.#mountinfo)) {
      const fd = tryOpen(mountpoint, O.PATH | O.DIRECTORY | O.CLOEXEC);
      if (fd < 0) continue;
      if (statFd(fd).mntId === mntId) return fd;
      closeFd(fd);
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    for (const mount of this.#mounts.splice(0)) closeFd(mount);
    this.#roots.clear();
  }
}
