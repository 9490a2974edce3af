/** Where the paths of a tree lead: in our own root, or in that of its mount namespace, out of which no path leads. */
import { closeFd, openBelow, tryOpen } from "../kernel/fd.ts";
import { ownMounts } from "../kernel/mount.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { type FileStat, statFd, statPath } from "../kernel/stat.ts";
import { check } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";

export interface Ground {
  /** Our descriptor of the tree's root, or undefined when it is our own. */
  readonly root: number | undefined;
  /** Opens a path of the tree; the descriptor, or the negative errno. */
  open(path: string, flags: number, mode?: number): number;
  /** The state of what a path of the tree leads to, or undefined when there is nothing. */
  stat(path: string, nofollow?: boolean): FileStat | undefined;
  /**
   * A path of ours to the same place, to make, take away and rename by: its directory is resolved, its last name is not, and
   * must not be followed. Good until the ground is disposed of.
   */
  at(path: string): string;
}

/** The mounts that a tree sees, and what we make of its paths. */
export interface Surroundings {
  /** Where paths of the tree lead: those of files on this mount, or those of its first task. */
  groundOf(mntId?: number): Ground;
  /** All mounts that the tree sees. */
  readonly mounts: readonly MountInfo[];
  /** What images call the mount of a file: nothing where the tree has our mounts. */
  mountId(mntId: number): number | undefined;
  /** Inodes of pipes through which the kernel asks for what is to be mounted, and which a restore gives it again. */
  readonly automounts?: ReadonlySet<number>;
}

/** The tree sees what we see. Our mounts are read once, when somebody asks. */
export function ownSurroundings(): Surroundings {
  let mounts: readonly MountInfo[] | undefined;
  return {
    groundOf: () => ownGround,
    get mounts() {
      mounts ??= ownMounts();
      return mounts;
    },
    mountId: () => undefined,
  };
}

/** Paths of the tree are ours. */
export const ownGround: Ground = {
  root: undefined,
  open: (path, flags, mode) => tryOpen(path, flags, mode),
  stat: statPath,
  at: (path) => path,
};

/**
 * Paths that begin in a namespace's root and are files of one mount, which others may cover: where the namespace leads elsewhere,
 * the way goes by the mount itself.
 */
export class MountGround implements Ground {
  /**
   * @param mountpoint where it is mounted
   * @param mntId its number, as statx(2) tells it
   * @param ways directories of the mount that can be reached, by their paths in the namespace; asked for when they are needed
   * @param asks whether who looks for its root may wait for somebody who mounts something there: the way then goes by the mount
   */
  constructor(
    private readonly whole: Ground,
    private readonly mountpoint: string,
    private readonly mntId: number,
    private readonly ways: () => readonly { readonly path: string; readonly ground: Ground }[],
    private readonly asks = false,
  ) {}

  get root(): number | undefined {
    return this.whole.root;
  }

  /** Where a path is to be looked for, and how it is called there. */
  #way(path: string): { ground: Ground; path: string } {
    const whole = { ground: this.whole, path };
    const { mountpoint } = this;
    const isOurs = mountpoint === "/" || path === mountpoint || path.startsWith(`${mountpoint}/`);
    if (!isOurs || (!this.asks && this.whole.stat(path, true)?.mntId === this.mntId)) return whole;
    const slash = path.lastIndexOf("/");
    if (!this.asks && path !== mountpoint && this.whole.stat(path.slice(0, slash) || "/", true)?.mntId === this.mntId) {
      // the directory is not covered: so it is the file, or there is none
      if (this.whole.stat(path, true) === undefined) return whole;
    }
    const isOn = (top: string) => top === "/" || path === top || path.startsWith(`${top}/`);
    const nearest = this.ways()
      .filter((way) => isOn(way.path))
      .reduce((a, b) => (b.path.length > a.path.length ? b : a), { path: "", ground: this.whole });
    return { ground: nearest.ground, path: nearest.path === "/" ? path : path.slice(nearest.path.length) || "/" };
  }

  open(path: string, flags: number, mode?: number): number {
    const way = this.#way(path);
    return way.ground.open(way.path, flags, mode);
  }

  stat(path: string, nofollow?: boolean): FileStat | undefined {
    const way = this.#way(path);
    return way.ground.stat(way.path, nofollow);
  }

  at(path: string): string {
    const way = this.#way(path);
    return way.ground.at(way.path);
  }
}

/** Paths start at a directory and cannot leave it: not by `..`, not by links, not by those of /proc (openat2(2)). */
export class RootGround implements Ground, Disposable {
  readonly #directories = new Map<string, number>();

  /** @param root a descriptor of ours, which is closed with this */
  constructor(readonly root: number) {}

  open(path: string, flags: number, mode = 0): number {
    return openBelow(this.root, path, flags, mode);
  }

  stat(path: string, nofollow = false): FileStat | undefined {
    const fd = this.open(path, O.PATH | (nofollow ? O.NOFOLLOW : 0));
    if (fd === -2 || fd === -20) return undefined;
    check(fd, "cannot read a file's state", { path });
    try {
      return statFd(fd);
    } finally {
      closeFd(fd);
    }
  }

  at(path: string): string {
    const slash = path.lastIndexOf("/");
    const name = path.slice(slash + 1);
    // where the last part is no name, all of it is the directory
    const isName = name !== "" && name !== "." && name !== "..";
    const directory = isName ? path.slice(0, slash) || "/" : path;
    let fd = this.#directories.get(directory);
    // one that was taken away may have been made anew
    if (fd !== undefined && statFd(fd).nlink === 0) {
      closeFd(fd);
      fd = undefined;
    }
    if (fd === undefined) {
      fd = check(this.open(directory, O.PATH | O.DIRECTORY), "cannot open a directory of the tree", {
        path: directory,
      });
      this.#directories.set(directory, fd);
    }
    return isName ? `/proc/self/fd/${fd}/${name}` : `/proc/self/fd/${fd}`;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#directories.values()) closeFd(fd);
    this.#directories.clear();
    closeFd(this.root);
  }
}
