/** The mounts that a frozen tree sees in namespaces of its own: looked at from inside, named in the images, with what is in them. */
import { readlinkSync } from "node:fs";
import { CrError } from "../error.ts";
import { type Ground, ownSurroundings, type Surroundings } from "../file/ground.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { IdTranslation } from "../image/ids.ts";
import { Fstype, type MntEntry } from "../image/schema.gen.ts";
import { closeFd, tryOpen } from "../kernel/fd.ts";
import { ownMounts } from "../kernel/mount.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { statFd, statPath } from "../kernel/stat.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import type { DumpOptions } from "../options.ts";
import { autofsProblem, isAutofs, pipeOf, saveAutofs } from "./autofs.ts";
import { readFormats } from "./binfmt-misc.ts";
import { namespaceRoots, rootInside } from "./cgroup.ts";
import type { ForeignNamespace, NamespaceIds } from "./ids.ts";
import { planGroups } from "./mnt-groups.ts";
import { AUTODETECTED, DELETED_ROOT, EXTERNAL_DEVICE, isNamed, planMounts } from "./mnt-plan.ts";
import { chainOf, covered, Seen } from "./mnt-seen.ts";
import { fileSystemNamed, flagsOf, from, isBelow, superOf, under } from "./mnt-table.ts";
import { unmakable } from "./mnt-unmakable.ts";
import { optionsInside } from "./mnt-users.ts";
import { packTree } from "./tmpfs-pack.ts";

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
  /** Pipes through which the kernel asks for what is to be mounted, where that is made again: their inodes. */
  readonly automounts = new Set<number>();
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
    /** Process groups of the tree: what it calls those that we know. */
    readonly groups: ReadonlyMap<number, number> = new Map(),
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
      this.#tellShownPids();
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
      return entry;
    });
    this.#entries.set(seen, entries);
    this.#root ??= entries.find(({ mnt_id }) => mnt_id === seen.root?.mntId);
    const { errors, mounts } = planMounts(entries, this.#root);
    // it comes from outside, as a container's root does, but shares with nobody there
    for (const { entry, source } of mounts)
      if (source.how !== "new" && entry.shared_id !== 0 && !this.#groups.has(entry.shared_id ?? 0))
        entry.internal_sharing = true;
    for (const error of errors) blocker(error);
    for (const error of unmakable(mounts, kept, (path) => this.#isMappedHere(path))) blocker(error);
    for (const [i, mount] of kept.entries()) {
      if (entries[i]?.ext_key !== undefined) continue;
      const problem = autofsProblem(mount, this.groups);
      if (problem) blocker(problem);
      const pipe = pipeOf(mount);
      if (pipe !== undefined) this.automounts.add(pipe);
    }
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
    const fd = seen.reachUnlessHidden(whole);
    // nobody ever sees whose it is
    if (fd === undefined) return undefined;
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

  /** A /proc that is hidden for good in one namespace may be seen in another: it is one, and made once. */
  #tellShownPids(): void {
    const entries = [...this.#entries.values()].flat();
    const shown = new Map(
      entries.flatMap(({ root_dev, tscriu_pid_ns: id }) => (id === undefined ? [] : [[root_dev, id] as const])),
    );
    for (const entry of entries) {
      const id = shown.get(entry.root_dev);
      if (id !== undefined && entry.ext_key === undefined) entry.tscriu_pid_ns = id;
    }
  }

  /** Where the tree's cgroup namespace begins, if it has one of its own. */
  #cgroupRoots(): ReadonlyMap<string, string> {
    const own = this.#namespaces.foreign.find(({ name }) => name === "cgroup");
    return own ? namespaceRoots(own.member) : new Map();
  }

  /**
   * Mounts that the user gives at the restore: the root of a namespace, and those that have a name. They share with what they come
   * from, and nobody has to allow that: where the machine's mounts are shared, as an init makes them, each container is such a one.
   */
  #given(): MntEntry[] {
    return [...this.#entries].flatMap(([seen, entries]) =>
      entries.filter((entry) => entry.mnt_id === seen.root?.mntId || isNamed(entry)),
    );
  }

  /** Whether all can share again as they do, with each other and with mounts of ours. */
  #checkGroups(blocker: (error: CrError) => void): void {
    const { externalSharing, externalMasters } = this.options;
    const entries = [...this.#entries.values()].flat();
    const inside = new Set(entries.map(({ shared_id }) => shared_id));
    const given = this.#given();
    const shared = new Set(given.filter(isNamed).map(({ shared_id }) => shared_id));
    const masters = new Set(given.map(({ master_id }) => master_id ?? 0));
    for (const { shared_id = 0, master_id = 0, mountpoint } of entries) {
      const subject = { path: mountpoint };
      if (this.#groups.has(shared_id) && !shared.has(shared_id) && !externalSharing)
        blocker(
          new CrError("what is mounted on a mount of the tree shows outside, and the other way round", {
            code: "ENOTSUP",
            subject,
            remedy: "pass --enable-external-sharing to dump and restore, or make it private (mount --make-private)",
          }),
        );
      if (master_id !== 0 && !inside.has(master_id) && !masters.has(master_id) && !externalMasters)
        blocker(
          new CrError("what is mounted outside shows on a mount of the tree", {
            code: "ENOTSUP",
            subject,
            remedy: "pass --enable-external-masters to dump and restore, or make it private (mount --make-private)",
          }),
        );
    }
    for (const error of planGroups(entries, new Set([...this.#groups, ...masters])).errors) blocker(error);
  }

  /** All mounts but those that are left out, and what is mounted upon these. */
  #kept(seen: Seen): MountInfo[] {
    const skipped = (mount: MountInfo) => mount !== seen.root && this.options.skipMounts.includes(mount.mountpoint);
    if (this.options.skipMounts.length === 0) return [...seen.mounts];
    return seen.mounts.filter((mount) => !chainOf(mount, seen.mounts).some(skipped));
  }

  /** Mounts that come from outside, by the user's word or because the tree lives in our root. */
  #markExternal(entry: MntEntry, mount: MountInfo, seen: Seen): void {
    if (mount === seen.root) return;
    const named = this.options.external.find(({ kind, id }) => kind === "mnt" && id === mount.mountpoint);
    if (named && this.#isWhatIsNamed(mount)) {
      entry.ext_key = named.value === "" ? named.id : named.value;
      return;
    }
    const device = this.#device(mount);
    if (device !== undefined) {
      entry.ext_key = EXTERNAL_DEVICE;
      entry.fsname = mount.fsType;
      entry.source = `dev[${device}]`;
      return;
    }
    const wanted = this.options.external.some(({ kind, id }) => kind === "mnt" && id === "");
    if (!wanted && !this.#isHome) return;
    const source = this.#outside(mount);
    if (source === undefined) return;
    entry.ext_key = AUTODETECTED;
    entry.source = source.path;
    if (source.isCovered) entry.tscriu_covered = covered(mount);
  }

  /** A path that the user names leads there in the root's namespace; in others something else may be mounted at it. */
  #isWhatIsNamed(mount: MountInfo): boolean {
    const named = this.#first?.mounts.filter(({ mountpoint }) => mountpoint === mount.mountpoint) ?? [];
    return named.length === 0 || named.some(({ dev, root }) => dev === mount.dev && root === mount.root);
  }

  /** A disk that the user will give, perhaps under another number. */
  #device({ dev }: MountInfo): string | undefined {
    const id = `${dev >>> 20}/${dev & 0xf_ffff}`;
    return this.options.external.find((external) => external.kind === "dev" && external.id === id)?.value;
  }

  /** Its root is ours: what we have mounted is the machine's, not the tree's. */
  #isAtHome({ root }: Seen): boolean {
    const rootId = statPath("/")?.mntId;
    const ours = this.#ours.find(({ mntId }) => mntId === rootId);
    return root !== undefined && root.dev === ours?.dev && root.root === ours.root;
  }

  /** Where we have the same, and a path leads there. */
  #outside(mount: MountInfo): { readonly path: string; readonly isCovered: boolean } | undefined {
    for (const ours of [...this.#ours].reverse()) {
      // another name of its source is the mount's own
      if (ours.dev !== mount.dev || ours.source !== mount.source || !isBelow(mount.root, ours.root)) continue;
      const path = under(ours.mountpoint, from(ours.root, mount.root));
      const fd = tryOpen(path, O.PATH | O.NOFOLLOW);
      if (fd < 0) continue;
      const { mntId } = statFd(fd);
      closeFd(fd);
      if (mntId === ours.mntId) return { path, isCovered: false };
    }
    const same = this.#ours.find(
      ({ dev, root, source }) => dev === mount.dev && root === mount.root && source === mount.source,
    );
    return same && { path: same.mountpoint, isCovered: true };
  }

  #isMappedHere(path: string): boolean {
    const mntId = statPath(path)?.mntId;
    return this.#ours.find((ours) => ours.mntId === mntId)?.options.includes("idmapped") === true;
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
      const wanted = [...this.#contents(entries)].flatMap((dev) => {
        const mount = saved.has(dev) ? undefined : this.#whole(seen, dev);
        saved.add(dev);
        return mount ? [mount] : [];
      });
      for (const [mount, root] of seen.reachAll(wanted)) {
        const size = this.#saveContent(images, mount, root);
        for (const entry of entries) if (entry.root_dev === mount.dev) entry.tscriu_content = size;
      }
      this.#saveAutomounts(images, seen, entries, saved);
      this.#saveFormats(images, seen, entries, saved);
      images.write("MNTS", seen.id, [...entries]);
    }
  }

  /** @param saved devices of which it is in the images */
  #saveAutomounts(images: ImageDirectory, seen: Seen, entries: readonly MntEntry[], saved: Set<number>): void {
    const wanted = entries.flatMap((entry) => {
      const isOurs = isAutofs(entry) && entry.ext_key === undefined && !saved.has(entry.root_dev);
      const whole = isOurs ? this.#whole(seen, entry.root_dev) : undefined;
      saved.add(whole?.dev ?? -1);
      return whole ? [whole] : [];
    });
    for (const [mount, root] of seen.reachAll(wanted)) {
      try {
        saveAutofs(images, mount, root, this.groups);
      } finally {
        closeFd(root);
      }
    }
  }

  /** What is registered of binary formats. @param saved devices of which it is in the images */
  #saveFormats(images: ImageDirectory, seen: Seen, entries: readonly MntEntry[], saved: Set<number>): void {
    for (const { fstype, root_dev } of entries) {
      const whole = fstype === Fstype.BINFMT_MISC && !saved.has(root_dev) ? this.#whole(seen, root_dev) : undefined;
      if (!whole) continue;
      saved.add(root_dev);
      for (const [, root] of seen.reachAll([whole])) {
        try {
          images.write("BINFMT_MISC_OLD", root_dev, readFormats(root));
        } finally {
          closeFd(root);
        }
      }
    }
  }

  /** @param root a descriptor of ours for it, which is closed @returns bytes that come out of the archive */
  #saveContent(images: ImageDirectory, mount: MountInfo, root: number): number {
    try {
      const writer = images.writer("TMPFS_DEV", mount.dev);
      return packTree(root, (bytes) => writer.raw(bytes), this.ids);
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
