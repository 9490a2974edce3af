/**
 * Makes the mounts of a namespace again. Every mount is made where it shows to nobody, and then put upon its parent: from the
 * root on, and before anything lies over the places of the next ones.
 */
import { CrError } from "../error.ts";
import { Fstype, type MntEntry } from "../image/schema.gen.ts";
import { type Caller, Envoy, envoyOf } from "../kernel/envoy.ts";
import { closeFd, dupFd, openBelow, openPath } from "../kernel/fd.ts";
import {
  ALL_ATTRIBUTES,
  makeAllPrivate,
  makeTmpfs,
  ownMounts,
  pivotTo,
  tryAttach,
  tryCloneMount,
  tryDetach,
  tryOpenThere,
  trySetMount,
} from "../kernel/mount.ts";
import { NR } from "../kernel/nr.ts";
import { S_IFDIR, S_IFMT, S_IFREG, statFd } from "../kernel/stat.ts";
import { addressOf, check, cstring, must } from "../kernel/sys.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import { MNT, MOUNT_ATTR } from "../kernel/uapi/mount.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import { isAutofs, makeAutofs } from "./autofs.ts";
import { writeFormats } from "./binfmt-misc.ts";
import type { NamespaceFill } from "./kind.ts";
import { deviceFor, givenFor, groupsOutside, type Planned } from "./mnt-check.ts";
import { isLayered, isOverlay, nextLayered } from "./mnt-layers.ts";
import { type Descriptors, Makers } from "./mnt-makers.ts";
import type { PlannedMount } from "./mnt-plan.ts";
import { reachCovered } from "./mnt-seen.ts";
import { shareAgain, sharedHere } from "./mnt-sharing.ts";
import { makeSystem, makeSystemReadOnly, makeSystemThere } from "./mnt-systems.ts";
import { attributesOf, under } from "./mnt-table.ts";
import { roomFor, unpackTree } from "./tmpfs-unpack.ts";

const NO_ROOT = "name the directory that becomes the tree's root with --root, as seen from the work directory";

/** A new namespace, and who is in it for us. */
interface Site {
  readonly plan: Planned;
  envoy: Envoy;
  /** What has to be done to its mounts before it is copied; left out where that can be later. */
  readonly early?: (() => void)[] | undefined;
}

interface Waiting {
  readonly one: PlannedMount;
  readonly at: number;
  readonly site: Site;
}

export class Builder {
  /** Mounts that stand nowhere yet. */
  readonly #ready = new Map<PlannedMount, number>();
  readonly #sites: Site[] = [];
  /** Paths outside that mounts come from, and what lies outside of the tree there. */
  readonly #origins = new Map<PlannedMount, number>();
  /** New file systems by device: at first without a place. */
  readonly #systems = new Map<number, number>();
  readonly #made = new Map<PlannedMount, number>();
  readonly #late: (() => void)[] = [];
  /** Those that are made when the tree is there, and where they come. */
  readonly #waiting: Waiting[] = [];
  readonly #terminals: Waiting[] = [];
  readonly #layered = new Set<number>();
  /** Overlays of directories of the tree, and where they come. */
  readonly #overlays: Waiting[] = [];
  /** Locked ones that are covered for good. */
  readonly #hidden = new Set<PlannedMount>();
  readonly #cleanup: (() => void)[] = [];
  /** Directories and files of a mount upon which others are mounted. */
  readonly places = new Map<PlannedMount, readonly { readonly path: string; readonly fd: number }[]>();

  constructor(
    readonly context: NamespaceFill,
    readonly plans: readonly Planned[],
    readonly fds: Descriptors,
  ) {}

  get #all(): PlannedMount[] {
    return this.plans.flatMap(({ mounts }) => mounts);
  }

  /** From outside, while we are there: whatever is not new. */
  collect(): void {
    const { options } = this.context;
    const root = this.fds.own(
      openPath(options.root ?? "/", O.PATH | O.DIRECTORY, "cannot open the new root", 0, NO_ROOT),
    );
    for (const one of this.#all) {
      const { entry, source } = one;
      if (source.how === "new") continue;
      const subject = { path: entry.mountpoint };
      if (source.how === "outside" && entry.tscriu_covered !== undefined) {
        const mount = this.fds.own(reachCovered(source.path, entry.tscriu_covered));
        this.#ready.set(one, this.#asItWas(mount, entry));
        continue;
      }
      let base = root;
      if (source.how === "named") {
        const remedy = `say where it is, as seen from the work directory: --external 'mnt[${source.name}]:PATH'`;
        const path = givenFor(source.name, options) ?? "";
        base = this.fds.own(openPath(path, O.PATH, "cannot open an external mount", 0, remedy));
      }
      const path = source.path.replace(/^\/+/, "");
      if (entry.deleted === true) {
        if (source.how === "outside") base = this.fds.own(openPath("/", O.PATH | O.DIRECTORY));
        this.#ready.set(one, this.fds.own(this.#cloneDeleted(base, one)));
        continue;
      }
      const fd =
        source.how === "outside"
          ? openPath(source.path, O.PATH | O.NOFOLLOW, "cannot open what was mounted")
          : path === ""
            ? dupFd(base)
            : check(openBelow(base, path, O.PATH | O.NOFOLLOW), "cannot open what was mounted", {
                ...subject,
                from: source.path,
              });
      this.#origins.set(one, this.fds.own(fd));
      this.#ready.set(one, this.fds.own(this.#clone(fd, entry)));
    }
  }

  #clone(fd: number, entry: MntEntry, call?: Caller): number {
    const subject = { path: entry.mountpoint };
    return this.#asItWas(check(tryCloneMount(fd, call), "cannot clone a mount", subject), entry);
  }

  /** A mount of ours gets the flags that it had. */
  #asItWas(mount: number, entry: MntEntry): number {
    const set = attributesOf(entry.flags) & ~MOUNT_ATTR.RDONLY;
    const change = { set, clear: ALL_ATTRIBUTES, propagation: MNT.PRIVATE };
    check(trySetMount(mount, change), "cannot set the flags of a mount", { path: entry.mountpoint });
    return mount;
  }

  /**
   * What was mounted had been deleted: it is made for the moment in which it is mounted.
   * @param base a directory that its path starts at
   */
  #cloneDeleted(base: number, one: PlannedMount, call?: Caller): number {
    const { entry, source } = one;
    const subject = { path: entry.mountpoint, from: source.path };
    const what = "cannot make a deleted directory or file again to mount it";
    const slash = source.path.lastIndexOf("/");
    const parent = check(openBelow(base, source.path.slice(0, slash) || "/", O.PATH | O.DIRECTORY), what, subject);
    const name = source.path.slice(slash + 1);
    const isDirectory = this.#isMountedOnDirectory(one);
    this.fds.own(parent);
    const path = cstring(name);
    if (isDirectory) must(NR.mkdirat, [parent, addressOf(path), 0o755], what, subject);
    else must(NR.mknodat, [parent, addressOf(path), S_IFREG | 0o644, 0], what, subject);
    // once it is mounted: what is deleted already can be mounted nowhere
    this.#cleanup.push(() => {
      must(NR.unlinkat, [parent, addressOf(path), isDirectory ? AT.REMOVEDIR : 0], what, subject);
    });
    const fd = this.fds.own(check(openBelow(parent, name, O.PATH | O.NOFOLLOW), what, subject));
    return this.#clone(fd, entry, call);
  }

  /** Directories are mounted on directories: seen in what its parent will show. */
  #isMountedOnDirectory({ parent, at }: PlannedMount): boolean {
    const ready = parent && this.#ready.get(parent);
    const system = parent && this.#systems.get(parent.entry.root_dev);
    const place = ready !== undefined ? at : under(parent?.source.path ?? "/", at);
    const fd = openBelow(ready ?? system ?? -1, place, O.PATH);
    if (fd < 0) return true;
    try {
      return (statFd(fd).mode & S_IFMT) === S_IFDIR;
    } finally {
      closeFd(fd);
    }
  }

  /** New file systems are made by the task, in its namespaces, and filled by us. */
  makeSystems(isLate = false): Map<number, number> {
    const {
      images,
      options,
      options: { lsmContext },
    } = this.context;
    const made = new Map<number, number>();
    using makers = new Makers(this.context);
    // what overlays may lie on comes before them
    const all = this.#all.filter((one) => !isOverlay(one)).concat(this.#all.filter(isOverlay));
    for (const one of all) {
      const { entry, source, isLate: waits } = one;
      if (source.how !== "new" || waits !== isLate || this.#systems.has(entry.root_dev)) continue;
      if (this.#isLayered(one)) continue;
      const make = () => {
        if (isAutofs(entry)) return makeAutofs(this.context, entry, this.#placesIn(entry.root_dev));
        const { program, pidfd } = makers.of(entry.tscriu_pid_ns);
        const device = deviceFor(source.fs, options);
        return makeSystem(program, pidfd, entry, source.fs, { chief: images.ids?.chief?.uid, lsmContext, device });
      };
      const fd = this.fds.own(make());
      this.#systems.set(entry.root_dev, fd);
      made.set(entry.root_dev, fd);
      if (((entry.sb_flags ?? 0) & MNT.RDONLY) !== 0 && !isOurs(fd))
        this.#late.push(() => makeSystemReadOnly(fd, entry));
      if (source.fs.code === Fstype.BINFMT_MISC) {
        const formats = images.read("BINFMT_MISC_OLD", entry.root_dev);
        this.#late.push(() => writeFormats(fd, formats, (what) => this.context.log.warn(`the tree lacks ${what}`)));
      }
      if (!source.fs.content) continue;
      const archive = images.readRaw("TMPFS_DEV", entry.root_dev);
      if (archive === undefined)
        throw new CrError("the content of a tmpfs is missing", {
          code: "BAD_IMAGE",
          subject: { image: `tmpfs-dev-${entry.root_dev}.tar.gz.img`, path: entry.mountpoint },
        });
      unpackTree(fd, archive, Number(entry.tscriu_content ?? roomFor(fd)), images.ids);
    }
    return made;
  }

  /** An overlay of what is in other file systems of the tree. */
  #isLayered(one: PlannedMount): boolean {
    const { root_dev } = one.entry;
    const mounts = this.plans.find((plan) => plan.mounts.includes(one))?.mounts ?? [];
    const has = ({ entry }: PlannedMount, path: string) => {
      if (this.#layered.has(entry.root_dev)) return true;
      const fd = openBelow(this.#systems.get(entry.root_dev) ?? -1, path, O.PATH | O.DIRECTORY);
      if (fd >= 0) closeFd(fd);
      return fd >= 0;
    };
    if (!this.#layered.has(root_dev) && isLayered(one, mounts, has)) this.#layered.add(root_dev);
    return this.#layered.has(root_dev);
  }

  /** Makes the namespaces, each from a copy of ours, and puts everything in its place. */
  build(): void {
    for (const plan of this.plans) this.#sites.push(this.#newSite(plan, envoyOf(this.context.owner(plan.id))));
    const [first, ...others] = this.#sites;
    if (first === undefined) return;
    this.#cloneSystems(this.#systems, first.envoy.call);
    for (const site of [...others, first]) this.#fill(site);
    this.#putOverlays();
    this.#groupWhole();
    for (const { plan, envoy } of this.#sites) {
      const link = openPath(`/proc/${envoy.pid}/ns/mnt`, O.RDONLY, "cannot open a new mount namespace");
      this.context.entrance(plan.id, this.fds.own(link));
    }
  }

  #newSite(plan: Planned, envoy: Envoy, early?: (() => void)[]): Site {
    this.fds.use(envoy);
    check(envoy.call(NR.unshare, CLONE.NEWNS), "cannot make a mount namespace");
    makeAllPrivate(envoy.call);
    return { plan, envoy, early };
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** The tree is there: what shows its pid namespaces. */
  complete(): void {
    const systems = this.makeSystems(true);
    using envoy = envoyOf(this.context.owner(this.context.id));
    check(envoy.call(NR.unshare, CLONE.NEWNS), "cannot make a mount namespace");
    makeAllPrivate(envoy.call);
    this.#cloneSystems(systems, envoy.call, true);
    for (const { one, at, site } of this.#waiting.splice(0)) this.#put(one, at, site, true);
    this.#groupWhole();
  }

  /** Only what is mounted somewhere can be cloned: new file systems stand in a place of ours for the moment. */
  #cloneSystems(systems: ReadonlyMap<number, number>, call: Caller, isLate = false): void {
    const what = "cannot make a place for new mounts";
    const above = this.fds.own(check(tryOpenThere("/", O.PATH | O.DIRECTORY, call), what));
    const yard = this.fds.own(makeTmpfs(what));
    check(tryAttach(yard, above, call), what);
    for (const [dev, fd] of systems) {
      const name = cstring(`${dev}`);
      must(NR.mkdirat, [yard, addressOf(name), 0o700], what);
      const place = this.fds.own(check(openBelow(yard, `${dev}`, O.PATH | O.DIRECTORY), what));
      check(tryAttach(fd, place, call), what);
    }
    for (const one of this.#all)
      if (!this.#ready.has(one) && one.isLate === isLate && !one.isTerminal && !this.#layered.has(one.entry.root_dev))
        this.#ready.set(one, this.#take(one, call));
  }

  #fill(site: Site): void {
    const [top, ...others] = site.plan.mounts;
    if (top === undefined) throw new CrError("a mount namespace without a root", { code: "BAD_IMAGE" });
    const locked = others.filter(({ entry, isLate, isTerminal }) => entry.tscriu_locked && !isLate && !isTerminal);
    const overlay = locked.find(({ entry }) => this.#layered.has(entry.root_dev));
    if (overlay)
      throw new CrError("an overlay of directories of the tree is mounted where the tree may not take it apart", {
        code: "ENOTSUP",
        subject: { path: overlay.entry.mountpoint },
        remedy: `give it from outside: --external 'mnt[${overlay.entry.mountpoint}]:NAME' at dump and restore`,
      });
    if (locked.length > 0) this.#fillLocked(site, top, locked);
    else this.#fillFresh(site, top, site.plan === this.plans[0] ? 2 : 1);
  }

  /**
   * Mounts that the tree may not take apart: a user namespace gets them as a copy of a namespace that belongs to us, on which then
   * come those of its own.
   */
  #fillLocked(site: Site, top: PlannedMount, locked: readonly PlannedMount[]): void {
    const { id } = site.plan;
    const what = "cannot make a mount namespace";
    const early: (() => void)[] = [];
    const ground = this.#newSite({ id, mounts: [top, ...locked] }, new Envoy(), early);
    this.#fillFresh(ground, top, 1);
    // what is read-only then stays so
    for (const one of early) one();
    const link = this.fds.own(openPath(`/proc/${ground.envoy.pid}/ns/mnt`, O.RDONLY, what));
    const envoy = this.fds.use(new Envoy());
    check(envoy.call(NR.setns, link, CLONE.NEWNS), what);
    const owner = this.context.owner(id);
    if (owner !== undefined) check(envoy.call(NR.setns, owner, CLONE.NEWUSER), what);
    check(envoy.call(NR.unshare, CLONE.NEWNS), what);
    site.envoy = envoy;
    this.#made.set(top, this.fds.own(check(tryOpenThere("/", O.PATH | O.DIRECTORY, envoy.call), what)));
    for (const one of locked) this.#findCopy(one);
    for (const one of [top, ...locked]) if (!this.#hidden.has(one)) this.#putChildren(one, site);
  }

  /** The copy of a mount: what its path leads to. Who is covered by another is never seen again. */
  #findCopy(one: PlannedMount): void {
    let lowest = one;
    while (lowest.at === "/" && lowest.parent) lowest = lowest.parent;
    const { parent } = lowest;
    const before = this.mountOf(one);
    const fd = parent && !this.#hidden.has(parent) ? openBelow(this.mountOf(parent), lowest.at, O.PATH) : -1;
    const [was, is] = [statFd(before), fd < 0 ? undefined : statFd(fd)];
    if (fd >= 0) this.fds.own(fd);
    // the same file on another mount
    if (is && is.ino === was.ino && is.dev === was.dev && is.mntId !== was.mntId) this.#made.set(one, fd);
    else this.#hidden.add(one);
  }

  #fillFresh(site: Site, top: PlannedMount, covers: number): void {
    const { call } = site.envoy;
    // over all that is there
    const old = this.fds.own(check(tryOpenThere("/", O.PATH | O.DIRECTORY, call), "cannot open the old root"));
    this.#put(top, old, site);
    pivotTo(this.mountOf(top), call);
    // the old root lies over the new one now; in the first namespace our place for new mounts lies over that
    for (let i = 0; i < covers; i++) check(tryDetach(".", call), "cannot leave the old root");
  }

  mountOf(one: PlannedMount): number {
    const fd = this.#made.get(one);
    if (fd === undefined) throw new CrError("a mount was not made", { subject: { path: one.entry.mountpoint } });
    return fd;
  }

  #put(one: PlannedMount, at: number, site: Site, isLate = false): void {
    const { entry } = one;
    const { call } = site.envoy;
    const subject = { path: entry.mountpoint };
    const mount = this.#ready.get(one) ?? -1;
    check(tryAttach(mount, at, call), "cannot mount a file system", subject, remedyFor(mount, at));
    this.#made.set(one, mount);
    if ((entry.flags & MNT.RDONLY) !== 0)
      (site.early ?? this.#late).push(() =>
        check(trySetMount(mount, { set: MOUNT_ATTR.RDONLY }, call), "cannot make a mount read-only", subject),
      );
    this.#putChildren(one, site, isLate);
  }

  /** Where something is mounted in a file system: from its root on. */
  #placesIn(device: number): string[] {
    return this.#all.filter(({ parent }) => parent?.entry.root_dev === device).map(({ at }) => at);
  }

  #putChildren(one: PlannedMount, site: Site, isLate = false): void {
    const mount = this.mountOf(one);
    const children = site.plan.mounts.filter((child) => child.parent === one && !this.#made.has(child));
    const places = children.map((child) => {
      const path = { path: child.entry.mountpoint };
      if (child.at === "/") return dupFd(mount);
      const what = "cannot find the place of a mount";
      const remedy = "make the directory or file in the new root";
      // where somebody may be asked for a mount the kernel takes that for another one
      return check(openBelow(mount, child.at, O.PATH, 0, !isAutofs(one.entry)), what, path, remedy);
    });
    this.places.set(one, [
      ...(this.places.get(one) ?? []),
      ...children.map(({ entry: { mountpoint } }, i) => ({ path: mountpoint, fd: this.fds.own(places[i] ?? -1) })),
    ]);
    children.forEach((child, i) => {
      const place = places[i] ?? -1;
      if (child.isTerminal) this.#terminals.push({ one: child, at: place, site });
      else if (child.isLate && !isLate) this.#waiting.push({ one: child, at: place, site });
      else if (!this.#ready.has(child) && this.#layered.has(child.entry.root_dev))
        this.#overlays.push({ one: child, at: place, site });
      else this.#put(child, place, site, isLate);
    });
  }

  /** All that their layers lie on stands by now, and is seen from where they are mounted. */
  #putOverlays(): void {
    const makers = new Map<number, Caller>();
    const isMade = (one: PlannedMount) => this.#made.has(one);
    while (this.#overlays.length > 0) {
      const waiting = this.#overlays.map(({ one, site }) => ({ one, all: site.plan.mounts }));
      const [next] = this.#overlays.splice(nextLayered(waiting, new Set(makers.keys()), isMade), 1);
      if (next === undefined) break;
      const { one, at, site } = next;
      const { entry, source } = one;
      if (source.how !== "new") continue;
      const { call } = site.envoy;
      const maker = makers.get(entry.root_dev);
      if (maker) this.#ready.set(one, this.#take(one, maker));
      else {
        const fd = this.fds.own(
          makeSystemThere(entry, source.fs, call, this.context.owner(site.plan.id) !== undefined),
        );
        makers.set(entry.root_dev, call);
        this.#systems.set(entry.root_dev, fd);
        this.#ready.set(one, this.#asItWas(fd, entry));
        if (((entry.sb_flags ?? 0) & MNT.RDONLY) !== 0) this.#late.push(() => makeSystemReadOnly(fd, entry));
      }
      this.#put(one, at, site);
    }
  }

  #take(one: PlannedMount, call: Caller): number {
    const { entry, source } = one;
    const system = this.#systems.get(entry.root_dev) ?? -1;
    if (entry.deleted === true) return this.fds.own(this.#cloneDeleted(system, one, call));
    const what = "cannot open a directory that was mounted";
    const subject = { path: entry.mountpoint, from: source.path };
    const fd = check(openBelow(system, source.path, O.PATH | O.NOFOLLOW, 0, !isAutofs(entry)), what, subject);
    try {
      return this.fds.own(this.#clone(fd, entry, call));
    } finally {
      closeFd(fd);
    }
  }

  /** Mounts a terminal, which has been opened by now, over a file. */
  #putTerminal({ one, at, site }: Waiting): void {
    const { entry } = one;
    const subject = { path: entry.mountpoint, terminal: entry.root };
    const all = site.plan.mounts.find((other) => !other.isTerminal && other.entry.root_dev === entry.root_dev);
    const fd = openBelow(all ? this.mountOf(all) : -1, entry.root, O.PATH | O.NOFOLLOW);
    if (fd < 0) {
      // nobody of the tree has it open: it went with its other end
      this.context.log.warn(`nothing is mounted on ${entry.mountpoint}: nobody has its terminal ${entry.root} open`);
      return;
    }
    try {
      this.#ready.set(
        one,
        this.fds.own(this.#clone(check(fd, "cannot open a terminal", subject), entry, site.envoy.call)),
      );
    } finally {
      closeFd(fd);
    }
    this.#put(one, at, site);
  }

  /** Once all are where they belong. */
  #groupWhole(): void {
    if (this.#waiting.length + this.#terminals.length === 0) this.#group();
  }

  /** Who shares with whom; all mounts are where they belong by now. */
  #group(): void {
    const callers = new Map(this.#sites.flatMap(({ plan, envoy }) => plan.mounts.map((one) => [one, envoy.call])));
    const made = this.#all.flatMap((one) => {
      const [fd, call] = [this.#made.get(one), callers.get(one)];
      return fd === undefined || call === undefined || this.#hidden.has(one)
        ? []
        : [{ one, fd, call, origin: this.#origins.get(one) }];
    });
    const outside = sharedHere(groupsOutside(this.plans, this.context.options), made);
    const entries = this.#all.map(({ entry }) => entry);
    shareAgain(entries, made, outside, (fd) => this.fds.own(fd));
  }

  /** What was only there to be mounted goes. */
  clean(): void {
    for (const one of this.#cleanup.splice(0)) one();
  }

  /** When all files are open. */
  finish(): void {
    if (this.#terminals.length > 0) {
      for (const one of this.#terminals.splice(0)) this.#putTerminal(one);
      this.#group();
    }
    for (const one of this.#late.splice(0)) one();
  }
}

/** The machine has this file system too: there is one for all. */
function isOurs(mount: number): boolean {
  const { dev } = statFd(mount);
  return ownMounts().some((ours) => ours.dev === dev);
}

function remedyFor(mount: number, at: number): string | undefined {
  const isDirectory = (fd: number) => (statFd(fd).mode & S_IFMT) === S_IFDIR;
  return isDirectory(mount) === isDirectory(at) ? undefined : "a directory is mounted on a directory, a file on a file";
}
