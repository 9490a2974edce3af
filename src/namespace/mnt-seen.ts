/** One mount namespace of a frozen tree, seen from inside, and its mounts reached wherever they lie. */
import { CrError } from "../error.ts";
import { type Ground, MountGround, RootGround } from "../file/ground.ts";
import type { Caller } from "../kernel/envoy.ts";
import { closeFd, dupFd, openPath } from "../kernel/fd.ts";
import {
  ALL_ATIME,
  belongsElsewhere,
  inCopyOfMounts,
  inMountNamespace,
  makeTmpfs,
  mountsSeenBy,
  tryCloneMount,
  tryDetach,
  tryOpenThere,
  trySetMount,
} from "../kernel/mount.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { statFd } from "../kernel/stat.ts";
import { check } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { MOUNT_ATTR } from "../kernel/uapi/mount.ts";
import { lockedOf } from "./mnt-users.ts";

const EINVAL = -22;
/** Mounts that are held open together. */
const AT_ONCE = 100;

/** One mount namespace of the tree. */
export class Seen implements Disposable {
  readonly mounts: readonly MountInfo[];
  readonly root: MountInfo | undefined;
  readonly ground: RootGround;
  readonly #link: number;
  readonly #reached: Disposable[] = [];
  readonly #grounds = new Map<number, Ground>();

  constructor(
    readonly id: number,
    readonly member: number,
  ) {
    const subject = { pid: member };
    this.#link = openPath(`/proc/${member}/ns/mnt`, O.RDONLY, "cannot open a mount namespace");
    const [mounts, root] = inMountNamespace(
      this.#link,
      (envoy) => [mountsSeenBy(envoy.pid), tryOpenThere("/", O.PATH | O.DIRECTORY, envoy.call)],
      subject,
    );
    this.mounts = mounts;
    const ids = new Set(mounts.map(({ mntId }) => mntId));
    this.root = mounts.find(({ parentId, mntId }) => !ids.has(parentId) || parentId === mntId);
    this.ground = new RootGround(check(root, "cannot open the root of a mount namespace", subject));
  }

  /** Where paths of files on this mount lead, if others lie over it too. */
  groundOf(mntId: number): Ground {
    const known = this.#grounds.get(mntId);
    if (known) return known;
    const mount = this.mounts.find((one) => one.mntId === mntId);
    if (mount === undefined) return this.ground;
    let own: RootGround | undefined;
    const reach = () => {
      if (own === undefined) {
        own = new RootGround(this.reach(mount));
        this.#reached.push(own);
      }
      return own;
    };
    const ground = new MountGround(this.ground, mount.mountpoint, mntId, () => [
      { path: mount.mountpoint, ground: reach() },
    ]);
    this.#grounds.set(mntId, ground);
    return ground;
  }

  /**
   * A mount of ours of the same, without what is mounted upon it or over it, that shows no access. The caller closes it.
   */
  reach(mount: MountInfo): number {
    return this.reachUnlessHidden(mount) ?? this.#unreached(mount);
  }

  /** The same; undefined for one that is hidden for good. */
  reachUnlessHidden(mount: MountInfo): number | undefined {
    const fd = this.#uncovered(mount);
    return fd === "locked" ? undefined : (fd ?? this.#unreached(mount));
  }

  #unreached({ mountpoint, fsType }: MountInfo): never {
    throw new CrError("a mount cannot be reached", {
      code: "ENOENT",
      subject: { pid: this.member, path: mountpoint, type: fsType },
      remedy: `take away what is mounted over it, or leave it out: --skip-mnt ${mountpoint}`,
    });
  }

  /** The same; "locked" for one that nobody ever sees again: what covers it came with it from a user namespace above. */
  #uncovered(mount: MountInfo): number | "locked" | undefined {
    return inCopyOfMounts(this.#link, ({ pid, call }) => {
      const copy = mountsSeenBy(pid);
      const own = counterparts(this.mounts, copy).get(mount.mntId);
      if (own && !uncover(own, copy, call)) return "locked";
      return own && cloneOf(own, call);
    });
  }

  /** The same for many, of which those that nothing lies over cost little. What is hidden for good is empty. */
  *reachAll(wanted: readonly MountInfo[]): Generator<[MountInfo, number]> {
    for (let at = 0; at < wanted.length; at += AT_ONCE) {
      const some = wanted.slice(at, at + AT_ONCE);
      const open = inMountNamespace(this.#link, ({ call }) => some.map((mount) => cloneOf(mount, call)));
      for (const [i, mount] of some.entries()) {
        const locked = open[i] === undefined && this.#uncovered(mount) === "locked";
        yield [mount, locked ? makeTmpfs("cannot stand in for a hidden mount") : (open[i] ?? this.reach(mount))];
      }
    }
  }

  /** Mounts that nobody in the namespace can take away: they came with it from a user namespace above. */
  locked(): Set<number> {
    if (!belongsElsewhere(this.#link)) return new Set();
    const ids = inCopyOfMounts(this.#link, ({ pid, call }) => {
      const copies = counterparts(this.mounts, mountsSeenBy(pid));
      return lockedOf(this.mounts, copies, this.root, call);
    });
    return ids;
  }

  [Symbol.dispose](): void {
    closeFd(this.#link);
    for (const one of this.#reached.splice(0)) one[Symbol.dispose]();
    this.ground[Symbol.dispose]();
  }
}

/** How a mount outside is told that another one lies over. */
export const covered = ({ fsType, source }: MountInfo) => `${fsType} ${source}`;

export function chainOf(mount: MountInfo, all: readonly MountInfo[]): MountInfo[] {
  const parent = all.find(({ mntId }) => mntId === mount.parentId && mntId !== mount.mntId);
  return parent ? [...chainOf(parent, all), mount] : [mount];
}

/** Mounts in a copy of their namespace, where they have other numbers, by those that they have in it. */
function counterparts(all: readonly MountInfo[], copy: readonly MountInfo[]): Map<number, MountInfo> {
  const key = (parent: number | undefined, one: MountInfo) => [parent, one.dev, one.root, one.mountpoint].join(" ");
  const ids = new Set(copy.map(({ mntId }) => mntId));
  const known = new Map(copy.map((one) => [key(ids.has(one.parentId) ? one.parentId : undefined, one), one]));
  const found = new Map<number, MountInfo>();
  const [originals, byId] = [new Set(all.map(({ mntId }) => mntId)), new Map(all.map((one) => [one.mntId, one]))];
  const find = (one: MountInfo): MountInfo | undefined => {
    const before = found.get(one.mntId);
    if (before) return before;
    const parent = originals.has(one.parentId) && one.parentId !== one.mntId ? byId.get(one.parentId) : undefined;
    const above = parent && find(parent);
    const same = parent && !above ? undefined : known.get(key(above?.mntId, one));
    if (same) found.set(one.mntId, same);
    return same;
  };
  for (const one of all) find(one);
  return found;
}

/** A mount of ours like the one that its path leads to, if that is this very one. */
function cloneOf(mount: MountInfo, call: Caller): number | undefined {
  const fd = tryOpenThere(mount.mountpoint, O.PATH, call);
  if (fd < 0) return undefined;
  try {
    if (statFd(fd).mntId !== mount.mntId) return undefined;
    const clone = tryCloneMount(fd, call);
    // what is locked upon it cannot be left out, and nobody of the tree sees what lies below
    if (clone === EINVAL) return dupFd(fd);
    // an unbindable one: not where it is, but in a copy of its namespace, where all are private
    if (clone < 0) return undefined;
    trySetMount(clone, { set: MOUNT_ATTR.NOATIME, clear: ALL_ATIME });
    return clone;
  } finally {
    closeFd(fd);
  }
}

/**
 * Takes away what lies over a mount and over the way to it: in a copy of its namespace.
 * @returns false where that cannot be taken away
 */
function uncover(mount: MountInfo, all: readonly MountInfo[], call: Caller): boolean {
  const wanted = new Set(chainOf(mount, all).map(({ mntId }) => mntId));
  const names = mount.mountpoint.split("/").filter(Boolean);
  const ways = names.map((_, i) => `/${names.slice(0, i + 1).join("/")}`);
  /** The first mount on the way that is not one that it hangs on, or lies over the last. */
  const stranger = (): string | undefined => {
    for (const way of ways) {
      const fd = tryOpenThere(way, O.PATH, call);
      if (fd < 0) return undefined;
      const { mntId } = statFd(fd);
      closeFd(fd);
      const isLast = way === mount.mountpoint;
      if (wanted.has(mntId) && (!isLast || mntId === mount.mntId)) continue;
      return all.find((one) => one.mntId === mntId)?.mountpoint;
    }
    return undefined;
  };
  for (let i = 0, at = stranger(); at !== undefined && i < all.length; at = stranger(), i++)
    if (tryDetach(at, call) === EINVAL) return false;
  return true;
}

/** Our mount of one outside that another one lies over. */
export function reachCovered(path: string, what: string): number {
  using ours = new Seen(0, process.pid);
  const mount = ours.mounts.find((one) => one.mountpoint === path && covered(one) === what);
  if (mount) return ours.reach(mount);
  throw new CrError("a mount that was found outside at the dump is not there", {
    code: "MISSING_EXTERNAL",
    subject: { path, type: what },
    remedy: `mount it again, or dump with --external 'mnt[${path}]:NAME' and give another one`,
  });
}
