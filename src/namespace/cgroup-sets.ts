/** What dump and restore know alike of the cgroups in images. */
import { CrError } from "../error.ts";
import type { Log } from "../log.ts";
import type { CgroupMode, CgroupOptions, CgroupRoot } from "../options.ts";

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

/**
 * Cgroups that the user names in hierarchies which are not there would be left out silently.
 * @param here the hierarchies of this machine
 */
export function checkRoots({ roots, isGiven }: CgroupOptions, here: Iterable<string>, log: Log): void {
  const names = new Set([...here].flatMap(namesOf));
  const lost = roots.find(({ controller }) => controller !== undefined && !names.has(controller));
  if (lost === undefined) return;
  const what = "--cgroup-root names a controller that no hierarchy of cgroups here has";
  if (!isGiven) {
    log.warn(`${what}: ${lost.controller}:${lost.path} is left out (see /proc/self/cgroup)`);
    return;
  }
  throw new CrError(what, {
    code: "ENOENT",
    subject: { controller: lost.controller, path: lost.path },
    remedy: "name one of /proc/self/cgroup; where its line names none (cgroup v2), give the path alone",
  });
}
