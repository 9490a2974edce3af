/** What dump and restore know alike of the cgroups in images. */
import type { CgroupMode, CgroupRoot } from "../options.ts";

/** Sets of cgroups as images number them: the dumper's own, which is never stored. A task that has it stays where the restorer is. */
export const OWN_SET = 1;

export const managesCgroups = (mode: CgroupMode): boolean => mode !== "ignore";

/** The cgroup that the user gives for a hierarchy (`--cgroup-root`). */
export function givenFor(hierarchy: string, roots: readonly CgroupRoot[]): string | undefined {
  const names = [...hierarchy.split(","), hierarchy.replace(/^name=/, "")];
  const own = roots.find(({ controller }) => controller !== undefined && names.includes(controller));
  return (own ?? roots.find(({ controller }) => controller === undefined))?.path;
}
