/** Mounts that have something that nobody can give them again, though their file systems can be made. */
import { CrError } from "../error.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { layersOf } from "./mnt-layers.ts";
import { splitOptions } from "./mnt-options.ts";
import type { PlannedMount } from "./mnt-plan.ts";
import { isBelow } from "./mnt-table.ts";

const isIdmapped = ({ options }: MountInfo) => options.includes("idmapped");

/** Options of overlays that tell the files of lower layers by handles, which a new tmpfs does not have. */
const BY_HANDLE: ReadonlySet<string> = new Set(["index", "nfs_export"]);

function given(what: string, { entry }: PlannedMount, source: string, more: Record<string, string> = {}): CrError {
  return new CrError(what, {
    code: "ENOTSUP",
    subject: { path: entry.mountpoint, ...more },
    remedy: `give it from outside: --external 'mnt[${entry.mountpoint}]:NAME' at dump, --external 'mnt[NAME]:${source}' at restore`,
  });
}

/** Does the mount that its source is taken from show owners as it does? */
function showsTheSame(one: PlannedMount, all: readonly PlannedMount[], isMapped: (mntId: number) => boolean): boolean {
  if (one.source.how === "root") return one === all[0] || isMapped(all[0]?.entry.mnt_id ?? 0);
  return one.source.how === "named";
}

function overlayProblem(one: PlannedMount, all: readonly PlannedMount[]): CrError | undefined {
  if (one.source.how !== "new" || one.source.fs.pointsOut !== true) return undefined;
  const layers = layersOf(one.entry.options);
  const relative = layers.find((path) => !path.startsWith("/"));
  if (relative !== undefined)
    return given("an overlay names a layer from a working directory that nobody knows any more", one, "PATH", {
      layer: relative,
    });
  const options = splitOptions(one.entry.options);
  // newer kernels say it in the other way
  if (options.some(([key, value]) => key === "volatile" || (key === "fsync" && value === "volatile")))
    return given(
      "an overlay writes nothing to its disk in time (volatile), and cannot be mounted a second time",
      one,
      "PATH",
    );
  const handles = options.find(([key, value]) => BY_HANDLE.has(key) && value === "on");
  if (handles === undefined) return undefined;
  const inContent = layers.some((path) => {
    const over = all.filter((other) => other !== one && isBelow(path, other.entry.mountpoint));
    const longest = Math.max(...over.map(({ entry }) => entry.mountpoint.length));
    const ground = over.findLast(({ entry }) => entry.mountpoint.length === longest)?.source;
    return ground?.how === "new" && ground.fs.content === true;
  });
  const what = "an overlay tells files of a tmpfs of the tree by their handles, which are others in a new one";
  return inContent ? given(what, one, "PATH", { option: `${handles[0]}=on` }) : undefined;
}

/**
 * @param seen mounts of the namespace
 * @param isOutsideMapped whether our mount at a path shows owners otherwise than its file system has them
 */
export function unmakable(
  planned: readonly PlannedMount[],
  seen: readonly MountInfo[],
  isOutsideMapped: (path: string) => boolean,
): CrError[] {
  const mapped = new Set(seen.filter(isIdmapped).map(({ mntId }) => mntId));
  return planned.flatMap((one) => {
    const { entry, source } = one;
    const isKept =
      !mapped.has(entry.mnt_id) ||
      showsTheSame(one, planned, (id) => mapped.has(id)) ||
      (source.how === "outside" && isOutsideMapped(source.path));
    const owners = isKept
      ? []
      : [given("a mount shows other owners than its file system has (idmapped)", one, "IDMAPPED")];
    const overlay = overlayProblem(one, planned);
    return overlay ? [...owners, overlay] : owners;
  });
}
