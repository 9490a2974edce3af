/** Trees that somebody has frozen: nobody can stop their tasks in order to look at them, and a frozen task makes no call for us. */
import { dirname } from "node:path";
import { CrError } from "../error.ts";
import { ownMounts } from "../kernel/mount.ts";
import type { CgroupMembership } from "../kernel/proc/cgroup.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { statPath } from "../kernel/stat.ts";
import { freezerWay } from "../namespace/cgroup-freezer.ts";
import { cgroupsOf } from "../namespace/cgroup-hierarchies.ts";
import { from, isBelow, under } from "../namespace/mnt-table.ts";

const isFreezers = ({ controllers }: CgroupMembership) =>
  controllers === "" || controllers.split(",").includes("freezer");

/** Where a cgroup shows; undefined where its hierarchy is not mounted. */
function directoryOf({ controllers, path }: CgroupMembership, mounts: readonly MountInfo[]): string | undefined {
  const isIt = ({ fsType, superOptions, root }: MountInfo) =>
    (controllers === "" ? fsType === "cgroup2" : fsType === "cgroup" && superOptions.split(",").includes("freezer")) &&
    isBelow(path, root);
  const mount = mounts.find(isIt);
  return mount && under(mount.mountpoint, from(mount.root, path));
}

/** The topmost one of those that keep a cgroup frozen. */
function frozenAt(directory: string): string | undefined {
  if (!freezerWay(directory)?.isFrozen()) return undefined;
  return frozenAt(dirname(directory)) ?? directory;
}

/** Refuses to stop a cgroup in which the tree is not. @param pid its root */
export function checkHolds(freezer: string, pid: number): void {
  const wanted = statPath(freezer);
  const mounts = ownMounts();
  const places = cgroupsOf(`${pid}`)
    .filter(isFreezers)
    .flatMap((cgroup) => directoryOf(cgroup, mounts) ?? [])
    .filter((directory) => statPath(directory)?.dev === wanted?.dev);
  const isWithin = (directory: string): boolean => {
    const seen = statPath(directory);
    return seen?.dev === wanted?.dev && (seen?.ino === wanted?.ino || isWithin(dirname(directory)));
  };
  // where its hierarchy is not mounted here nobody can tell
  const [place] = places;
  if (wanted === undefined || place === undefined || places.some(isWithin)) return;
  throw new CrError("the cgroup that --freeze-cgroup names does not hold the tree", {
    code: "EINVAL",
    subject: { pid, path: freezer, "the tree is in": place },
    remedy: freezerWay(place)
      ? `pass --freeze-cgroup ${place}, or leave it out`
      : "leave it out, or put the tree into a cgroup of its own first",
  });
}

/** Refuses a tree of which a task stands still with its cgroup. @param pids of the tree, which runs */
export function checkFrozen(pids: readonly number[]): void {
  const mounts = ownMounts();
  const known = new Map<string, readonly CgroupMembership[]>();
  const looked = new Set<readonly CgroupMembership[]>();
  for (const pid of pids) {
    let cgroups: readonly CgroupMembership[];
    try {
      cgroups = cgroupsOf(`${pid}`, known);
    } catch {
      // it ended
      continue;
    }
    if (looked.has(cgroups)) continue;
    looked.add(cgroups);
    for (const cgroup of cgroups.filter(isFreezers)) {
      const directory = directoryOf(cgroup, mounts);
      const frozen = directory && frozenAt(directory);
      if (!frozen) continue;
      throw new CrError("the task is frozen by its cgroup: it cannot be looked at", {
        code: "EBUSY",
        subject: { pid, path: cgroup.path },
        remedy: `pass --freeze-cgroup ${frozen}: it runs for as long as the dump holds the tree, and is frozen again afterwards`,
      });
    }
  }
}
