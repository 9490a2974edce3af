/** From the mounts of a namespace to how each is made again: plain data, no kernel. The dump asks it too, whether all can be. */
import { CrError } from "../error.ts";
import { Fstype, type MntEntry } from "../image/schema.gen.ts";
import { type FileSystem, fileSystemOf, from, isBelow, under } from "./mnt-table.ts";

/** In place of a name: the dump found the mount outside by itself, and `source` says where. */
export const AUTODETECTED = "CRIU:AUTODETECTED";
export const EXTERNAL_DEVICE = "CRIU:EXTERNAL_DEV";
/** What the kernel writes behind the root of a mount whose directory was deleted. */
export const DELETED_ROOT = "//deleted";

/** Where a mount comes from. */
export type Source =
  /** A part of the root that the user gives; its path seen from there. */
  | { readonly how: "root"; readonly path: string }
  /** The user gives it, under this name. */
  | { readonly how: "named"; readonly name: string; readonly path: string }
  /** Outside, at this path. */
  | { readonly how: "outside"; readonly path: string }
  /** A file system that is made anew, once for each device; a directory of it. */
  | { readonly how: "new"; readonly fs: FileSystem; readonly path: string };

export interface PlannedMount {
  readonly entry: MntEntry;
  readonly parent: PlannedMount | undefined;
  /** Where it is mounted, seen from the root of its parent. */
  readonly at: string;
  readonly source: Source;
  /** It shows a pid namespace below that of the tree's root, or lies upon such a one: it is made when the tree is there. */
  readonly isLate: boolean;
  /** A terminal of the tree's own, such as a container's /dev/console: it is there, and mounted, when all files are open. */
  readonly isTerminal: boolean;
}

export interface MountPlan {
  /** Parents before their children. */
  readonly mounts: readonly PlannedMount[];
  readonly errors: readonly CrError[];
}

function bad(what: string, entry: MntEntry): CrError {
  return new CrError(what, { code: "BAD_IMAGE", subject: { mount: entry.mnt_id, path: entry.mountpoint } });
}

/** The name under which the user gives a mount, if it is given. */
export function externalName(entry: MntEntry): string | undefined {
  if (entry.ext_key !== undefined && entry.ext_key !== "") return entry.ext_key;
  return entry.ext_mount === true ? entry.root : undefined;
}

const isShownBy = (entry: MntEntry, other: MntEntry) =>
  entry.root_dev === other.root_dev && isBelow(entry.root, other.root);

function external(entry: MntEntry, path: string): Source | undefined {
  const name = externalName(entry);
  if (name === undefined || name === EXTERNAL_DEVICE) return undefined;
  return name === AUTODETECTED ? { how: "outside", path: under(entry.source, path) } : { how: "named", name, path };
}

const isTerminal = (entry: MntEntry) =>
  fileSystemOf(entry)?.code === Fstype.DEVPTS && /^\/\d+$/.test(entry.root) && externalName(entry) === undefined;

/** What shows all terminals among which one is mounted. */
const showsAll = (entry: MntEntry, one: MntEntry) => entry.root_dev === one.root_dev && entry.root === "/";

function mountedTerminal(entry: MntEntry): CrError {
  return new CrError("a terminal is mounted over a file, and what it is one of nowhere", {
    code: "ENOTSUP",
    subject: { path: entry.mountpoint, terminal: entry.root },
    remedy: `name it: --external 'mnt[${entry.mountpoint}]:NAME' at dump, --external 'mnt[NAME]:PATH' at restore`,
  });
}

function sourceOf(entry: MntEntry, root: MntEntry, all: readonly MntEntry[]): Source | CrError {
  const own = external(entry, "/");
  if (own) return own;
  const fs = fileSystemOf(entry);
  if (isShownBy(entry, root)) return { how: "root", path: from(root.root, entry.root) };
  if (isTerminal(entry) && !all.some((other) => showsAll(other, entry))) return mountedTerminal(entry);
  if (fs) return { how: "new", fs, path: entry.root };
  // the same disk as another one that the user gives
  for (const other of all) {
    const shown = other !== entry && isShownBy(entry, other) && external(other, from(other.root, entry.root));
    if (shown) return shown;
  }
  return new CrError(
    "a mount cannot be made again: its file system is neither the root's nor one of the kernel's own",
    {
      code: "ENOTSUP",
      subject: { path: entry.mountpoint, from: entry.source, root: entry.root },
      remedy: `name it: --external 'mnt[${entry.mountpoint}]:NAME' at dump, --external 'mnt[NAME]:PATH' at restore`,
    },
  );
}

/**
 * @param entries all mounts of one namespace
 * @param root the mount that is the root of the tree's first namespace: what the user gives stands for it
 */
export function planMounts(entries: readonly MntEntry[], root?: MntEntry): MountPlan {
  const errors: CrError[] = [];
  const ids = new Set(entries.map(({ mnt_id }) => mnt_id));
  if (ids.size < entries.length) throw new CrError("two mounts have one number", { code: "BAD_IMAGE" });
  const children = Map.groupBy(entries, ({ parent_mnt_id, mnt_id }) =>
    parent_mnt_id !== mnt_id && ids.has(parent_mnt_id) ? parent_mnt_id : undefined,
  );
  const [top, ...more] = children.get(undefined) ?? [];
  if (top === undefined) throw new CrError("a mount namespace without a root", { code: "BAD_IMAGE" });
  for (const one of more) errors.push(bad("a mount stands nowhere", one));
  const mounts: PlannedMount[] = [];
  const add = (entry: MntEntry, parent: PlannedMount | undefined): void => {
    if (!entry.mountpoint.startsWith("/") || !entry.root.startsWith("/")) {
      errors.push(bad("a mount has no absolute path", entry));
      return;
    }
    if (parent && !isBelow(entry.mountpoint, parent.entry.mountpoint)) {
      errors.push(bad("a mount does not lie in its parent", entry));
      return;
    }
    const source = sourceOf(entry, root ?? top, entries);
    if (source instanceof CrError) {
      errors.push(source);
      return;
    }
    const at = parent ? from(parent.entry.mountpoint, entry.mountpoint) : "/";
    const isLate = parent?.isLate === true || (source.how === "new" && entry.tscriu_pid_ns !== undefined);
    const planned = { entry, parent, at, source, isLate, isTerminal: isTerminal(entry) };
    mounts.push(planned);
  };
  add(top, undefined);
  for (let i = 0; i < mounts.length; i++) {
    const parent = mounts[i];
    for (const entry of children.get(parent?.entry.mnt_id) ?? []) add(entry, parent);
  }
  return { mounts, errors };
}

/** What this restore may not do, before anything is made: mount what the user did not speak of. */
export function problemsOf(
  mounts: readonly PlannedMount[],
  { enableFs, root }: { readonly enableFs: readonly string[]; readonly root: string | undefined },
): CrError[] {
  return mounts.flatMap(({ entry, source }) => {
    if (source.how !== "new") return [];
    const { name, code, pointsOut } = source.fs;
    // below our own root its directories are where they were
    const isFree = code !== Fstype.AUTO && !(pointsOut && root !== undefined);
    if (isFree || enableFs.includes(name) || enableFs.includes("all")) return [];
    const why = pointsOut ? "whose options name directories outside of the new root" : "that was allowed at the dump";
    return [
      new CrError(`a mount is of type ${name}, ${why}`, {
        code: "ENOTSUP",
        subject: { path: entry.mountpoint, options: entry.options },
        remedy: `pass --enable-fs ${name} to restore too`,
      }),
    ];
  });
}
