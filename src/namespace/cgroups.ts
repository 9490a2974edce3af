/**
 * The cgroups that a tree lives in (cgroups(7)), all of it in the same ones: remembered at the dump, entered again at the restore
 * where they are there. What a cgroup limits is whoever's business who made it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { CgSetEntry } from "../image/schema.gen.ts";
import { ownMounts } from "../kernel/mount.ts";
import { type CgroupMembership, parseCgroup } from "../kernel/proc/cgroup.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { readProcFile } from "../kernel/proc/read.ts";
import type { CgroupMode, CgroupRoot } from "../options.ts";
import { from, isBelow, under } from "./mnt-table.ts";

/** Sets of cgroups as images number them: the dumper's own is the first. */
const OWN_SET = 1;
const TREE_SET = 2;

export const managesCgroups = (mode: CgroupMode): boolean => mode !== "ignore" && mode !== "none";

const cgroupsOf = (task: string) => parseCgroup(readProcFile(`/proc/${task}/cgroup`));

function sameCgroups(a: readonly CgroupMembership[], b: readonly CgroupMembership[]): boolean {
  const pathIn = new Map(b.map(({ controllers, path }) => [controllers, path]));
  return a.length === b.length && a.every(({ controllers, path }) => pathIn.get(controllers) === path);
}

function setOf(id: number, cgroups: readonly CgroupMembership[]): CgSetEntry {
  return { id, ctls: cgroups.map(({ controllers, path }) => ({ name: controllers, path })) };
}

/** What keeps the cgroups of a tree from being remembered. */
export function cgroupProblems(
  tasks: readonly { readonly pid: number; readonly tids: readonly number[] }[],
): CrError[] {
  const [root] = tasks;
  const wanted = root ? cgroupsOf(`${root.pid}`) : [];
  return tasks.flatMap(({ pid, tids }) => {
    const stray = tids.find((tid) => !sameCgroups(cgroupsOf(`${pid}/task/${tid}`), wanted));
    if (stray === undefined) return [];
    return [
      new CrError("the task lives in another cgroup than the tree's root: this is not supported yet", {
        code: "ENOTSUP",
        subject: { pid, tid: stray === pid ? undefined : stray },
        remedy: "dump with --manage-cgroups=ignore: all tasks come back in one cgroup",
      }),
    ];
  });
}

/** Writes where the tree lives; the number of its set of cgroups. */
export function saveCgroups(rootPid: number, images: ImageDirectory): number {
  const [own, tree] = [cgroupsOf("self"), cgroupsOf(`${rootPid}`)];
  const isSame = sameCgroups(own, tree);
  const sets = [setOf(OWN_SET, own), ...(isSame ? [] : [setOf(TREE_SET, tree)])];
  images.write("CGROUP", [{ sets, controllers: [] }]);
  return isSame ? OWN_SET : TREE_SET;
}

/** Where a hierarchy is to be reached: its mount that shows the path. */
function directoryOf(name: string, path: string, mounts: readonly MountInfo[]): string | undefined {
  const isIt = ({ fsType, superOptions }: MountInfo) =>
    name === ""
      ? fsType === "cgroup2"
      : fsType === "cgroup" && name.split(",").every((one) => superOptions.split(",").includes(one));
  const mount = mounts.find((one) => isIt(one) && isBelow(path, one.root));
  return mount && under(mount.mountpoint, from(mount.root, path));
}

/** The cgroup that the user gives for a hierarchy (`--cgroup-root`). */
function givenFor(name: string, roots: readonly CgroupRoot[]): string | undefined {
  const names = [...name.split(","), name.replace(/^name=/, "")];
  const own = roots.find(({ controller }) => controller !== undefined && names.includes(controller));
  return (own ?? roots.find(({ controller }) => controller === undefined))?.path;
}

/**
 * Puts a task, which then has no children yet, where the tree lived, or where the user says.
 * @param pid as we see it
 * @param id the set of cgroups that the images give it
 */
export function enterCgroups(pid: number, images: ImageDirectory, id: number, roots: readonly CgroupRoot[]): void {
  const saved = images.read("CGROUP").flatMap(({ sets }) => sets);
  const set = saved.find((one) => one.id === id);
  const ours = new Map(cgroupsOf("self").map(({ controllers, path }) => [controllers, path]));
  const mounts = ownMounts();
  for (const { name, path: before } of set?.ctls ?? []) {
    const path = givenFor(name, roots) ?? before;
    if (ours.get(name) === path || !ours.has(name)) continue;
    const directory = directoryOf(name, path, mounts);
    const subject = { path: directory ?? path, controllers: name };
    const remedy =
      "make the cgroup first, name another one with --cgroup-root, or restore with --manage-cgroups=ignore";
    if (directory === undefined || path.split("/").includes(".."))
      throw new CrError("the hierarchy of a cgroup is not mounted here", { code: "ENOENT", subject, remedy });
    try {
      writeFileSync(`${directory}/cgroup.procs`, `${pid}`);
    } catch (cause) {
      throw new CrError("the tree cannot enter the cgroup that it was in", { code: "ENOENT", subject, remedy, cause });
    }
  }
}

/** A limit of cgroup v1 from here on is none. */
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
export class MemoryLimits {
  #mounts: MountInfo[] | undefined;
  readonly #known = new Map<string, boolean>();
  readonly #own = cgroupsOf("self");

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
    this.#mounts ??= ownMounts();
    if (path.startsWith("/..")) return true;
    for (
      let at = path;
      at !== "/" && !(ours !== undefined && isBelow(ours, at));
      at = at.slice(0, at.lastIndexOf("/")) || "/"
    ) {
      const directory = directoryOf(controllers, at, this.#mounts);
      // beyond what is mounted here
      if (directory === undefined) return true;
      if (hasMemoryLimit(directory)) return true;
    }
    return false;
  }
}
