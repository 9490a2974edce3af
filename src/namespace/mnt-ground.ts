/** Where the paths of a restored tree lead, by the mounts that were made for it. */
import { type Ground, MountGround, ownGround, RootGround, type Surroundings } from "../file/ground.ts";
import { dupFd } from "../kernel/fd.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { S_IFDIR, S_IFMT, statFd } from "../kernel/stat.ts";
import { isAutofs } from "./autofs.ts";
import type { Planned } from "./mnt-check.ts";
import type { PlannedMount } from "./mnt-plan.ts";

/** The mounts that were made. */
export interface Made {
  /** Our descriptor of a mount's root. */
  mountOf(one: PlannedMount): number;
  /** Directories and files of a mount upon which others are mounted. */
  readonly places: ReadonlyMap<PlannedMount, readonly { readonly path: string; readonly fd: number }[]>;
}

/** A mount of the images as /proc would show it. */
function infoOf({ entry }: PlannedMount): MountInfo {
  return {
    mntId: entry.mnt_id,
    parentId: entry.parent_mnt_id,
    dev: entry.root_dev,
    root: entry.root,
    mountpoint: entry.mountpoint,
    options: [],
    shared: undefined,
    master: undefined,
    propagateFrom: undefined,
    unbindable: false,
    optional: [],
    fsType: "",
    source: entry.source,
    superOptions: entry.options,
  };
}

/**
 * @param isRoots the root of the tree lives in the first namespace, else in ours
 * @param use takes what has to be disposed of
 */
export function surroundings(
  plans: readonly Planned[],
  made: Made,
  isRoots: boolean,
  use: <T extends Disposable>(thing: T) => T,
): Surroundings {
  const grounds = new Map<number, Ground>();
  const open = (fd: number) => use(new RootGround(dupFd(fd)));
  const whole = plans.map(({ mounts }) => {
    const [top] = mounts;
    const ground = open(top ? made.mountOf(top) : -1);
    for (const one of mounts) {
      const fd = made.mountOf(one);
      const { mode, mntId } = statFd(fd);
      const { mnt_id, mountpoint } = one.entry;
      const ways = [{ path: mountpoint, fd }, ...(made.places.get(one) ?? [])];
      const isDirectory = (mode & S_IFMT) === S_IFDIR;
      const reach = once(() => ways.map((way) => ({ path: way.path, ground: open(way.fd) })));
      grounds.set(
        mnt_id,
        isDirectory ? new MountGround(ground, mountpoint, mntId, reach, isAutofs(one.entry)) : ground,
      );
    }
    return ground;
  });
  const first = (isRoots ? whole[0] : undefined) ?? ownGround;
  const mounts = plans.flatMap((plan) => plan.mounts.map(infoOf));
  return {
    groundOf: (mntId) => (mntId === undefined ? undefined : grounds.get(mntId)) ?? first,
    mounts,
    mountId: (id) => id,
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
