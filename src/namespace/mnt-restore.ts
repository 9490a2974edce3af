/**
 * Makes mount namespaces again, of mounts that stand nowhere yet: each is put upon its parent, from the root on, and before anything
 * lies over the places of the next ones.
 */
import { CrError } from "../error.ts";
import { type Caller, Envoy, envoyOf } from "../kernel/envoy.ts";
import { closeFd, dupFd, openBelow, openPath } from "../kernel/fd.ts";
import {
  makeAllPrivate,
  makeTmpfs,
  pivotTo,
  tryAttach,
  tryDetach,
  tryOpenThere,
  trySetMount,
} from "../kernel/mount.ts";
import { NR } from "../kernel/nr.ts";
import { S_IFDIR, S_IFMT, statFd } from "../kernel/stat.ts";
import { addressOf, check, cstring, must } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { MNT, MOUNT_ATTR } from "../kernel/uapi/mount.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import { isAutofs } from "./autofs.ts";
import type { NamespaceFill } from "./kind.ts";
import { groupsOutside, type Planned } from "./mnt-check.ts";
import { nextLayered } from "./mnt-layers.ts";
import type { LooseMounts } from "./mnt-loose.ts";
import type { Descriptors } from "./mnt-makers.ts";
import type { PlannedMount } from "./mnt-plan.ts";
import { shareAgain } from "./mnt-sharing.ts";
import { makeSystemThere } from "./mnt-systems.ts";

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
  readonly #sites: Site[] = [];
  readonly #made = new Map<PlannedMount, number>();
  /** Those that are made when the tree is there, and where they come. */
  readonly #waiting: Waiting[] = [];
  readonly #terminals: Waiting[] = [];
  /** Overlays of directories of the tree, and where they come. */
  readonly #overlays: Waiting[] = [];
  /** Locked ones that are covered for good. */
  readonly #hidden = new Set<PlannedMount>();
  /** Directories and files of a mount upon which others are mounted. */
  readonly places = new Map<PlannedMount, readonly { readonly path: string; readonly fd: number }[]>();

  constructor(
    readonly context: NamespaceFill,
    readonly plans: readonly Planned[],
    readonly fds: Descriptors,
    readonly loose: LooseMounts,
  ) {}

  /** Makes the namespaces, each from a copy of ours, and puts everything in its place. */
  build(): void {
    for (const plan of this.plans) this.#sites.push(this.#newSite(plan, envoyOf(this.context.owner(plan.id))));
    const [first, ...others] = this.#sites;
    if (first === undefined) return;
    this.#cloneSystems(this.loose.systems, first.envoy.call);
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
    const systems = this.loose.makeSystems(true);
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
    for (const one of this.loose.all)
      if (!this.loose.isReady(one) && one.isLate === isLate && !one.isTerminal && !this.loose.isLayered(one))
        this.loose.take(one, call);
  }

  #fill(site: Site): void {
    const [top, ...others] = site.plan.mounts;
    if (top === undefined) throw new CrError("a mount namespace without a root", { code: "BAD_IMAGE" });
    const locked = others.filter(({ entry, isLate, isTerminal }) => entry.tscriu_locked && !isLate && !isTerminal);
    const overlay = locked.find((one) => this.loose.isLayered(one));
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
    const mount = this.loose.of(one);
    check(tryAttach(mount, at, call), "cannot mount a file system", subject, remedyFor(mount, at));
    this.#made.set(one, mount);
    if ((entry.flags & MNT.RDONLY) !== 0)
      (site.early ?? this.loose.late).push(() =>
        check(trySetMount(mount, { set: MOUNT_ATTR.RDONLY }, call), "cannot make a mount read-only", subject),
      );
    this.#putChildren(one, site, isLate);
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
      else if (!this.loose.isReady(child) && this.loose.isLayered(child))
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
      if (maker) this.loose.take(one, maker);
      else {
        makers.set(entry.root_dev, call);
        this.loose.add(one, makeSystemThere(entry, source.fs, call, this.context.owner(site.plan.id) !== undefined));
      }
      this.#put(one, at, site);
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
      this.loose.clone(one, check(fd, "cannot open a terminal", subject), site.envoy.call);
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
    const made = this.loose.all.flatMap((one) => {
      const [fd, call] = [this.#made.get(one), callers.get(one)];
      return fd === undefined || call === undefined || this.#hidden.has(one)
        ? []
        : [{ one, fd, call, origin: this.loose.origins.get(one) }];
    });
    const outside = groupsOutside(this.plans, this.context.options);
    const entries = this.loose.all.map(({ entry }) => entry);
    shareAgain(entries, made, outside, (fd) => this.fds.own(fd), this.context.log);
  }

  /** When all files are open. */
  finish(): void {
    if (this.#terminals.length > 0) {
      for (const one of this.#terminals.splice(0)) this.#putTerminal(one);
      this.#group();
    }
    for (const one of this.loose.late.splice(0)) one();
  }
}

function remedyFor(mount: number, at: number): string | undefined {
  const isDirectory = (fd: number) => (statFd(fd).mode & S_IFMT) === S_IFDIR;
  return isDirectory(mount) === isDirectory(at) ? undefined : "a directory is mounted on a directory, a file on a file";
}
