/** What dump and restore know alike of the cgroups in images. */
import { CrError } from "../error.ts";
import { readProcFile } from "../kernel/proc/read.ts";
import type { Log } from "../log.ts";
import type { CgroupMode, CgroupOptions, CgroupRoot } from "../options.ts";
import { cgroupsOf, Hierarchies } from "./cgroup-hierarchies.ts";

/** Sets of cgroups as images number them: the dumper's own, which is never stored. A task that has it stays where the restorer is. */
export const OWN_SET = 1;

export const managesCgroups = (mode: CgroupMode): boolean => mode !== "ignore";

/** What `--cgroup-root` may call a hierarchy. */
const namesOf = (hierarchy: string) => [...hierarchy.split(","), hierarchy.replace(/^name=/, "")];

/** The cgroup that the user gives for a hierarchy (`--cgroup-root`). */
export function givenFor(hierarchy: string, roots: readonly CgroupRoot[]): string | undefined {
  const names = namesOf(hierarchy);
  const own = roots.find(({ controller }) => controller !== undefined && names.includes(controller));
  return (own ?? roots.find(({ controller }) => controller === undefined))?.path;
}

/** Controllers of v2, where it is there: the kernel names none in /proc/PID/cgroup. */
function unified(here: ReadonlySet<string>, yard: string | undefined): string[] {
  if (!here.has("")) return [];
  using hierarchies = new Hierarchies(yard);
  try {
    return readProcFile(`${hierarchies.directory("", "/")}/cgroup.controllers`)
      .trim()
      .split(" ");
  } catch {
    return [];
  }
}

/**
 * The same options, with v2 meant by what names one of its controllers, as LXC does. Cgroups that the user names in hierarchies
 * which are not there would be left out silently.
 */
export function knownRoots<T extends CgroupOptions>(options: T, log: Log): T {
  const here = new Set(cgroupsOf("self").map(({ controllers }) => controllers));
  const names = new Set([...here].flatMap(namesOf));
  const isKnown = ({ controller }: CgroupRoot) => controller === undefined || names.has(controller);
  if (options.roots.every(isKnown)) return options;
  const ofV2 = unified(here, options.yard);
  const roots = options.roots.map((root) =>
    !isKnown(root) && ofV2.includes(root.controller ?? "") ? { ...root, controller: "" } : root,
  );
  const lost = roots.find((root) => !isKnown(root));
  if (lost === undefined) return { ...options, roots };
  const what = "--cgroup-root names a controller that no hierarchy of cgroups here has";
  if (!options.isGiven) {
    log.warn(`${what}: ${lost.controller}:${lost.path} is left out (see /proc/self/cgroup)`);
    return { ...options, roots };
  }
  throw new CrError(what, {
    code: "ENOENT",
    subject: { controller: lost.controller, path: lost.path },
    remedy: "name one of /proc/self/cgroup, or a controller of v2; or give the path alone, which means all of them",
  });
}
