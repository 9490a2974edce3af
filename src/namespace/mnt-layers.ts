/**
 * Overlays of directories that lie in file systems of the tree's own: their options name paths as the tree sees them, so they are
 * mounted in its namespace, once all else stands there.
 */
import { CrError } from "../error.ts";
import { lowerLayers, plain, splitOptions } from "./mnt-options.ts";
import type { PlannedMount } from "./mnt-plan.ts";
import { from, isBelow, under } from "./mnt-table.ts";

const SINGLE: ReadonlySet<string> = new Set(["lowerdir+", "datadir+"]);
const ESCAPED: ReadonlySet<string> = new Set(["upperdir", "workdir"]);

/** The directories that an overlay's options name. */
export function layersOf(options: string): string[] {
  return splitOptions(options).flatMap(([key, value = ""]) => {
    if (SINGLE.has(key)) return [value];
    if (ESCAPED.has(key)) return [plain(value)];
    return key === "lowerdir" ? lowerLayers(value).map(({ path }) => path) : [];
  });
}

const isUpon = (one: PlannedMount | undefined, other: PlannedMount): boolean =>
  one !== undefined && (one === other || isUpon(one.parent, other));

interface Layer {
  readonly ground: PlannedMount;
  /** Seen from the root of that mount's file system. */
  readonly path: string;
}

/** Where its layers lie: of the mounts that were there before it. */
function layersIn(one: PlannedMount, all: readonly PlannedMount[]): Layer[] {
  const others = all.filter((other) => !isUpon(other, one));
  return layersOf(one.entry.options).flatMap((path) => {
    const over = others.filter(({ entry }) => isBelow(path, entry.mountpoint));
    const longest = Math.max(...over.map(({ entry }) => entry.mountpoint.length));
    const ground = over.findLast(({ entry }) => entry.mountpoint.length === longest);
    return ground ? { ground, path: under(ground.source.path, from(ground.entry.mountpoint, path)) } : [];
  });
}

export const isOverlay = ({ source }: PlannedMount) => source.how === "new" && source.fs.pointsOut === true;

/**
 * Whether an overlay is mounted when all else is. Paths may also be from before the tree had this root: then nothing is there.
 * @param all mounts of its namespace
 * @param has whether a file system of the tree's own has a directory
 */
export function isLayered(
  one: PlannedMount,
  all: readonly PlannedMount[],
  has: (ground: PlannedMount, path: string) => boolean,
): boolean {
  const inside = isOverlay(one) ? layersIn(one, all).filter(({ ground }) => ground.source.how === "new") : [];
  return inside.length > 0 && inside.every(({ ground, path }) => has(ground, path));
}

/**
 * The next of those that wait.
 * @param isMade whether a mount stands
 * @returns its place in the list
 */
export function nextLayered(
  waiting: readonly { readonly one: PlannedMount; readonly all: readonly PlannedMount[] }[],
  made: ReadonlySet<number>,
  isMade: (one: PlannedMount) => boolean,
): number {
  const at = waiting.findIndex(({ one, all }) => {
    if (made.has(one.entry.root_dev)) return true;
    return one.source.path === "/" && layersIn(one, all).every(({ ground }) => isMade(ground));
  });
  const [first] = waiting;
  if (at >= 0 || first === undefined) return at;
  throw new CrError("an overlay cannot be mounted: its layers, or the whole of it, are nowhere", {
    code: "ENOTSUP",
    subject: { path: first.one.entry.mountpoint, options: first.one.entry.options },
    remedy: "mount all of it somewhere in the tree before the dump",
  });
}
