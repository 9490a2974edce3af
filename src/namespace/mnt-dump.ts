/** The mounts that a frozen tree sees in namespaces of its own: looked at from inside, named in the images, with what is in them. */
import { readlinkSync } from "node:fs";
import { CrError } from "../error.ts";
import { type Ground, MountGround, ownSurroundings, RootGround, type Surroundings } from "../file/ground.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { IdTranslation } from "../image/ids.ts";
import { Fstype, type MntEntry } from "../image/schema.gen.ts";
import type { Caller } from "../kernel/envoy.ts";
import { closeFd, dupFd, openPath, tryOpen } from "../kernel/fd.ts";
import {
  ALL_ATIME,
  belongsElsewhere,
  inCopyOfMounts,
  inMountNamespace,
  makeTmpfs,
  mountsSeenBy,
  ownMounts,
  tryCloneMount,
  tryDetach,
  tryOpenThere,
  trySetMount,
} from "../kernel/mount.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { statFd, statPath } from "../kernel/stat.ts";
import { check } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { MOUNT_ATTR } from "../kernel/uapi/mount.ts";
import type { DumpOptions } from "../options.ts";
import { namespaceRoots, rootInside } from "./cgroup.ts";
import type { ForeignNamespace, NamespaceIds } from "./ids.ts";
import { planGroups } from "./mnt-groups.ts";
import { AUTODETECTED, DELETED_ROOT, planMounts } from "./mnt-plan.ts";
import { fileSystemNamed, flagsOf, from, isBelow, superOf, under } from "./mnt-table.ts";
import { lockedOf, optionsInside } from "./mnt-users.ts";
import { packTree } from "./tmpfs.ts";

const EINVAL = -22;
/** Mounts that are held open together. */
const AT_ONCE = 100;

/** One mount namespace of the tree. */
class Seen implements Disposable {
  readonly mounts: readonly MountInfo[];
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

  get root(): MountInfo | undefined {
    const ids = new Set(this.mounts.map(({ mntId }) => mntId));
    return this.mounts.find(({ parentId, mntId }) => !ids.has(parentId) || parentId === mntId);
  }

  /**
   * A mount of ours of the same, without what is mounted upon it or over it, that shows no access. The caller closes it.
   */
  reach(mount: MountInfo): number {
    const fd = this.#uncovered(mount);
    if (typeof fd === "number") return fd;
    throw new CrError("a mount cannot be reached", { code: "ENOENT", subject: { path: mount.mountpoint } });
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

function chainOf(mount: MountInfo, all: readonly MountInfo[]): MountInfo[] {
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

function entryOf(mount: MountInfo, enableFs: readonly string[], ids: IdTranslation | undefined): MntEntry {
  const deleted = mount.root.endsWith(DELETED_ROOT);
  const { flags, options } = superOf(mount);
  const known = fileSystemNamed(mount.fsType);
  const auto = !known && (enableFs.includes(mount.fsType) || enableFs.includes("all"));
  const entry: MntEntry = {
    fstype: auto ? Fstype.AUTO : (known?.code ?? Fstype.UNSUPPORTED),
    mnt_id: mount.mntId,
    root_dev: mount.dev,
    parent_mnt_id: mount.parentId,
    flags: flagsOf(mount),
    root: deleted ? mount.root.slice(0, -DELETED_ROOT.length) : mount.root,
    mountpoint: mount.mountpoint,
    source: mount.source,
    options: optionsInside(options, ids),
    shared_id: mount.shared ?? 0,
    master_id: mount.master ?? 0,
    sb_flags: flags,
  };
  if (auto) entry.fsname = mount.fsType;
  if (deleted) entry.deleted = true;
  return entry;
}

export class TreeMounts implements Surroundings, Disposable {
  readonly #own = ownSurroundings();
  readonly #seen: Seen[] = [];
  readonly #entries = new Map<Seen, readonly MntEntry[]>();
  readonly #byMount = new Map<number, Seen>();
  readonly #ours = ownMounts();
  /** Groups of ours that share. */
  readonly #groups = new Set(this.#ours.flatMap(({ shared }) => (shared === undefined ? [] : [shared])));
  /** The namespace that the root of the tree lives in, unless that is ours. */
  #first: Seen | undefined;
  #isHome = false;
  readonly #namespaces: NamespaceIds;
  readonly #rootsPids: number;
  /** The tree has pid namespaces below its root's. */
  readonly #isNested: boolean;
  /** The root of the first namespace, as images have it. */
  #root: MntEntry | undefined;

  /** @param rootPid the first task of the tree */
  constructor(
    namespaces: NamespaceIds,
    readonly options: DumpOptions,
    rootPid: number,
    blocker: (error: CrError) => void,
    /** Into the user namespace of the root, where that is not ours. */
    readonly ids?: IdTranslation,
  ) {
    try {
      for (const one of namespaces.foreign) if (one.name === "mnt") this.#look(one);
      const { mnt_ns_id: first, pid_ns_id } = namespaces.ofTask(rootPid);
      this.#namespaces = namespaces;
      this.#rootsPids = pid_ns_id;
      this.#isNested = namespaces.foreign.some(({ name, id }) => name === "pid" && id !== pid_ns_id);
      this.#first = this.#seen.find(({ id }) => id === first);
      this.#isHome = this.#first === undefined || this.#isAtHome(this.#first);
      for (const seen of this.#seen) this.#plan(seen, blocker);
      this.#checkGroups(blocker);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #look({ id, member }: ForeignNamespace): void {
    const seen = new Seen(id, member);
    this.#seen.push(seen);
    for (const { mntId } of seen.mounts) this.#byMount.set(mntId, seen);
  }

  get mounts(): readonly MountInfo[] {
    return this.#first ? this.#seen.flatMap(({ mounts }) => mounts) : this.#own.mounts;
  }

  groundOf(mntId?: number): Ground {
    const seen = mntId === undefined ? undefined : this.#byMount.get(mntId);
    return seen && mntId !== undefined ? seen.groundOf(mntId) : (this.#first?.ground ?? this.#own.groundOf());
  }

  mountId(mntId: number): number | undefined {
    return this.#byMount.has(mntId) ? mntId : undefined;
  }

  #plan(seen: Seen, blocker: (error: CrError) => void): void {
    const kept = this.#kept(seen);
    const locked = seen.locked();
    const cgroups = this.#cgroupRoots();
    const entries = kept.map((mount) => {
      const entry = entryOf(mount, this.options.enableFs, this.ids);
      if (locked.has(mount.mntId)) entry.tscriu_locked = true;
      this.#markExternal(entry, mount, seen);
      if (this.#isNested && mount.fsType === "proc" && entry.ext_key === undefined)
        entry.tscriu_pid_ns = this.#pidsShownBy(mount, seen);
      if (entry.ext_key === undefined) entry.root = rootInside(mount, cgroups) ?? entry.root;
      // it is mounted outside, but shares with nobody there
      if (entry.ext_key !== undefined && entry.shared_id !== 0 && !this.#groups.has(entry.shared_id ?? 0))
        entry.internal_sharing = true;
      return entry;
    });
    this.#entries.set(seen, entries);
    this.#root ??= entries.find(({ mnt_id }) => mnt_id === seen.root?.mntId);
    const { errors } = planMounts(entries, this.#root);
    for (const error of errors) blocker(error);
    for (const dev of this.#contents(entries)) {
      if (!this.#whole(seen, dev))
        blocker(
          new CrError("only a part of a tmpfs is mounted: what else is in it cannot be saved", {
            code: "ENOTSUP",
            subject: { pid: seen.member, path: entries.find((entry) => entry.root_dev === dev)?.mountpoint },
            remedy: "give the mount from outside: --external 'mnt[PATH]:NAME'",
          }),
        );
    }
  }

  /** The pid namespace that a /proc shows, where that is one below the root's. */
  #pidsShownBy(mount: MountInfo, seen: Seen): number | undefined {
    const whole = this.#whole(seen, mount.dev);
    if (whole === undefined) return undefined;
    const fd = seen.reach(whole);
    try {
      // the init that it shows lives there
      const id = this.#namespaces.idOf("pid", readlinkSync(`/proc/self/fd/${fd}/1/ns/pid`));
      return id === this.#rootsPids || id === this.#namespaces.own.pid_ns_id ? undefined : id;
    } catch {
      return undefined;
    } finally {
      closeFd(fd);
    }
  }

  /** Where the tree's cgroup namespace begins, if it has one of its own. */
  #cgroupRoots(): ReadonlyMap<string, string> {
    const own = this.#namespaces.foreign.find(({ name }) => name === "cgroup");
    return own ? namespaceRoots(own.member) : new Map();
  }

  /** Whether all can share again as they do, with each other and with mounts of ours. */
  #checkGroups(blocker: (error: CrError) => void): void {
    const { externalSharing, externalMasters } = this.options;
    const entries = [...this.#entries.values()].flat();
    const inside = new Set(entries.map(({ shared_id }) => shared_id));
    for (const { shared_id = 0, master_id = 0, mountpoint } of entries) {
      const subject = { path: mountpoint };
      if (this.#groups.has(shared_id) && !externalSharing)
        blocker(
          new CrError("what is mounted on a mount of the tree shows outside, and the other way round", {
            code: "ENOTSUP",
            subject,
            remedy: "pass --enable-external-sharing to dump and restore, or make it private (mount --make-private)",
          }),
        );
      if (master_id !== 0 && !inside.has(master_id) && !externalMasters)
        blocker(
          new CrError("what is mounted outside shows on a mount of the tree", {
            code: "ENOTSUP",
            subject,
            remedy: "pass --enable-external-masters to dump and restore, or make it private (mount --make-private)",
          }),
        );
    }
    for (const error of planGroups(entries, this.#groups).errors) blocker(error);
  }

  /** All mounts but those that are left out, and what is mounted upon these. */
  #kept(seen: Seen): MountInfo[] {
    const skipped = (mount: MountInfo) => mount !== seen.root && this.options.skipMounts.includes(mount.mountpoint);
    return seen.mounts.filter((mount) => !chainOf(mount, seen.mounts).some(skipped));
  }

  /** Mounts that come from outside, by the user's word or because the tree lives in our root. */
  #markExternal(entry: MntEntry, mount: MountInfo, seen: Seen): void {
    if (mount === seen.root) return;
    const named = this.options.external.find(({ kind, id }) => kind === "mnt" && id === mount.mountpoint);
    if (named) {
      entry.ext_key = named.value === "" ? named.id : named.value;
      return;
    }
    const wanted = this.options.external.some(({ kind, id }) => kind === "mnt" && id === "");
    if (!wanted && !this.#isHome) return;
    const source = this.#outside(mount);
    if (source === undefined) return;
    entry.ext_key = AUTODETECTED;
    entry.source = source;
  }

  /** Its root is ours: what we have mounted is the machine's, not the tree's. */
  #isAtHome({ root }: Seen): boolean {
    const rootId = statPath("/")?.mntId;
    const ours = this.#ours.find(({ mntId }) => mntId === rootId);
    return root !== undefined && root.dev === ours?.dev && root.root === ours.root;
  }

  /** Where we have the same, and a path leads there. */
  #outside(mount: MountInfo): string | undefined {
    for (const ours of [...this.#ours].reverse()) {
      // another name of its source is the mount's own
      if (ours.dev !== mount.dev || ours.source !== mount.source || !isBelow(mount.root, ours.root)) continue;
      const path = under(ours.mountpoint, from(ours.root, mount.root));
      const fd = tryOpen(path, O.PATH | O.NOFOLLOW);
      if (fd < 0) continue;
      const { mntId } = statFd(fd);
      closeFd(fd);
      if (mntId === ours.mntId) return path;
    }
    return undefined;
  }

  /** Devices of file systems whose content is the tree's. */
  #contents(entries: readonly MntEntry[]): Set<number> {
    const { mounts } = planMounts(entries, this.#root);
    return new Set(
      mounts.flatMap(({ entry, source }) => (source.how === "new" && source.fs.content ? [entry.root_dev] : [])),
    );
  }

  #whole(seen: Seen, dev: number): MountInfo | undefined {
    return seen.mounts.find((mount) => mount.dev === dev && mount.root === "/");
  }

  /** Writes the mounts of every namespace, and what lies in file systems that nobody else has. */
  save(images: ImageDirectory): void {
    const saved = new Set<number>();
    for (const seen of this.#seen) {
      const entries = this.#entries.get(seen) ?? [];
      images.write("MNTS", seen.id, [...entries]);
      const wanted = [...this.#contents(entries)].flatMap((dev) => {
        const mount = saved.has(dev) ? undefined : this.#whole(seen, dev);
        saved.add(dev);
        return mount ? [mount] : [];
      });
      for (const [mount, root] of seen.reachAll(wanted)) this.#saveContent(images, mount, root);
    }
  }

  /** @param root a descriptor of ours for it, which is closed */
  #saveContent(images: ImageDirectory, mount: MountInfo, root: number): void {
    try {
      const writer = images.writer("TMPFS_DEV", mount.dev);
      packTree(root, (bytes) => writer.raw(bytes), this.ids);
    } catch (cause) {
      throw new CrError("cannot save what lies in a tmpfs", { subject: { path: mount.mountpoint }, cause });
    } finally {
      closeFd(root);
    }
  }

  [Symbol.dispose](): void {
    for (const seen of this.#seen.splice(0)) seen[Symbol.dispose]();
  }
}
