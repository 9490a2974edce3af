/** The mounts of a set, read and checked before anything is made. */
import { CrError, CrErrors } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { Fstype, type MntEntry } from "../image/schema.gen.ts";
import type { RestoreOptions } from "../options.ts";
import { checkAutofs, isAutofs } from "./autofs.ts";
import { planGroups } from "./mnt-groups.ts";
import { AUTODETECTED, type PlannedMount, planMounts, problemsOf } from "./mnt-plan.ts";
import type { FileSystem } from "./mnt-table.ts";

/** One namespace that is to be. */
export interface Planned {
  readonly id: number;
  readonly mounts: readonly PlannedMount[];
}

export function throwAll(errors: readonly CrError[]): void {
  const [first] = errors;
  if (first) throw errors.length === 1 ? first : new CrErrors(`${errors.length} mounts cannot be made again`, errors);
}

/** The machine's /proc shows the machine's processes: a tree in a new pid namespace gets one of its own. */
function withOwnProc(entry: MntEntry): MntEntry {
  if (entry.fstype !== Fstype.PROC || entry.ext_key !== AUTODETECTED) return entry;
  const { ext_key: _, internal_sharing: __, ...own } = entry;
  return { ...own, source: "proc", shared_id: 0, master_id: 0 };
}

export function readPlans(
  images: ImageDirectory,
  ids: readonly number[],
  { newPids }: Pick<RestoreOptions, "newPids">,
): Planned[] {
  let root: MntEntry | undefined;
  return ids.map((id) => {
    const entries = images.read("MNTS", id);
    const { mounts, errors } = planMounts(newPids ? entries.map(withOwnProc) : entries, root);
    throwAll(errors);
    root ??= mounts[0]?.entry;
    return { id, mounts };
  });
}

/** What the user gives for a mount that the dump was told to leave outside. */
export function givenFor(name: string, options: RestoreOptions): string | undefined {
  return options.external.find(({ kind, id }) => kind === "mnt" && id === name)?.value;
}

/** The device that a file system lies on; undefined for one that needs none. */
export function deviceFor({ device }: FileSystem, options: RestoreOptions): string | undefined {
  return options.external.find(({ kind, id }) => kind === "dev" && id === device)?.value;
}

/** Groups that the tree is in together with mounts outside: those of mounts that the user gives, and what the user allows. */
export function groupsOutside(plans: readonly Planned[], options: RestoreOptions): ReadonlySet<number> {
  const mounts = plans.flatMap((plan) => plan.mounts);
  const inside = new Set(mounts.map(({ entry }) => entry.shared_id ?? 0));
  const masters = mounts
    .filter(({ parent, source }) => parent === undefined || source.how === "named")
    .map(({ entry }) => entry.master_id ?? 0);
  const isGiven = new Set(masters);
  const shared = mounts
    .filter(({ source }) => source.how !== "new" && (options.externalSharing || source.how === "named"))
    .filter(({ entry }) => entry.internal_sharing !== true);
  return new Set([
    ...mounts
      .map(({ entry }) => entry.master_id ?? 0)
      .filter((id) => id !== 0 && !inside.has(id) && (options.externalMasters || isGiven.has(id))),
    ...shared.map(({ entry }) => entry.shared_id ?? 0).filter((id) => id !== 0),
  ]);
}

/** Refuses what cannot be made, before anything is. */
export function checkMounts(images: ImageDirectory, ids: readonly number[], options: RestoreOptions): void {
  const plans = readPlans(images, ids, options);
  const mounts = plans.flatMap((plan) => plan.mounts);
  const errors = problemsOf(mounts, options);
  const groups = planGroups(
    mounts.map(({ entry }) => entry),
    groupsOutside(plans, options),
  );
  errors.push(...groups.errors);
  for (const { entry, source } of mounts) {
    const subject = { path: entry.mountpoint };
    if (source.how === "named" && givenFor(source.name, options) === undefined) {
      errors.push(
        new CrError("a mount was declared external at the dump and is not given", {
          code: "MISSING_EXTERNAL",
          subject: { ...subject, name: source.name },
          remedy: `say where it is: --external 'mnt[${source.name}]:PATH'`,
        }),
      );
    }
    if (source.how === "new" && source.fs.device !== undefined && deviceFor(source.fs, options) === undefined) {
      errors.push(
        new CrError("the device of a mount was declared external at the dump and is not given", {
          code: "MISSING_EXTERNAL",
          subject: { ...subject, name: source.fs.device },
          remedy: `say which it is: --external 'dev[${source.fs.device}]:/dev/PATH'`,
        }),
      );
    }
    if (source.how === "new" && isAutofs(entry)) checkAutofs(images, entry);
    const isAsked = options.external.some((external) => external.kind === "mnt" && external.id === "");
    if (source.how === "outside" && options.root !== undefined && !isAsked) {
      errors.push(
        new CrError("a mount was found outside at the dump, and the tree gets a root of its own", {
          code: "MISSING_EXTERNAL",
          subject: { ...subject, source: source.path },
          remedy: "pass --external 'mnt[]' to take it from the same path here",
        }),
      );
    }
  }
  throwAll(errors);
}
