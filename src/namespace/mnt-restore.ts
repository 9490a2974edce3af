/**
 * Makes the mounts of a namespace again. Every mount is made where it shows to nobody, and then put upon its parent: from the
 * root on, and before anything lies over the places of the next ones.
 */
import { CrError } from "../error.ts";
import { type Ground, MountGround, ownGround, RootGround, type Surroundings } from "../file/ground.ts";
import type { MntEntry } from "../image/schema.gen.ts";
import { type Caller, Envoy } from "../kernel/envoy.ts";
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
  trySetGroup,
  trySetMount,
} from "../kernel/mount.ts";
import { NR } from "../kernel/nr.ts";
import { pidfdGetfd, pidfdOpen } from "../kernel/pidfd.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { S_IFDIR, S_IFMT, statFd } from "../kernel/stat.ts";
import { addressOf, check, cstring, must } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { FSCONFIG, FSPICK, MNT, MOUNT_ATTR } from "../kernel/uapi/mount.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import type { NamespaceFill } from "./kind.ts";
import { givenFor, groupsOutside, type Planned, readPlans, throwAll } from "./mnt-check.ts";
import { planGroups } from "./mnt-groups.ts";
import type { PlannedMount } from "./mnt-plan.ts";
import { attributesOf } from "./mnt-table.ts";
import { unpackTree } from "./tmpfs.ts";

/** Longest path or list of options that a mount may have in the images, bytes. */
const LONGEST = 65536;

/** What ends together. */
class Descriptors implements Disposable {
  readonly #all: number[] = [];
  readonly #others: Disposable[] = [];

  own(fd: number): number {
    this.#all.push(fd);
    return fd;
  }

  use<T extends Disposable>(thing: T): T {
    this.#others.push(thing);
    return thing;
  }

  [Symbol.dispose](): void {
    for (const one of this.#others.splice(0)) one[Symbol.dispose]();
    for (const fd of this.#all.splice(0)) closeFd(fd);
  }
}

/** A new namespace, and who is in it for us. */
interface Site {
  readonly plan: Planned;
  readonly envoy: Envoy;
}

class Builder {
  /** Mounts that stand nowhere yet. */
  readonly #ready = new Map<PlannedMount, number>();
  readonly #sites: Site[] = [];
  /** Paths outside that mounts come from, and what lies outside of the tree there. */
  readonly #origins = new Map<PlannedMount, number>();
  /** New file systems by device: at first without a place. */
  readonly #systems = new Map<number, number>();
  readonly #made = new Map<PlannedMount, number>();
  readonly #late: (() => void)[] = [];

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
    const root = this.fds.own(openPath(options.root ?? "/", O.PATH | O.DIRECTORY, "cannot open the new root"));
    for (const one of this.#all) {
      const { entry, source } = one;
      if (source.how === "new") continue;
      const subject = { path: entry.mountpoint };
      let base = root;
      if (source.how === "named") {
        base = this.fds.own(openPath(givenFor(source.name, options) ?? "", O.PATH, "cannot open an external mount"));
      }
      const path = source.path.replace(/^\/+/, "");
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
    const mount = check(tryCloneMount(fd, call), "cannot clone a mount", subject);
    const set = attributesOf(entry.flags) & ~MOUNT_ATTR.RDONLY;
    const change = { set, clear: ALL_ATTRIBUTES, propagation: MNT.PRIVATE };
    check(trySetMount(mount, change), "cannot set the flags of a mount", subject);
    return mount;
  }

  /** New file systems are made by the task, in its namespaces, and filled by us. */
  makeSystems(): void {
    const { images, pid } = this.context;
    const pidfd = pidfdOpen(pid);
    try {
      for (const { entry, source } of this.#all) {
        if (source.how !== "new" || this.#systems.has(entry.root_dev)) continue;
        const fd = this.fds.own(this.#makeSystem(pidfd, entry, source.fs.name, source.fs.single === true));
        this.#systems.set(entry.root_dev, fd);
        if (!source.fs.content) continue;
        const archive = images.readRaw("TMPFS_DEV", entry.root_dev);
        if (archive === undefined)
          throw new CrError("the content of a tmpfs is missing", {
            code: "BAD_IMAGE",
            subject: { image: `tmpfs-dev-${entry.root_dev}.tar.gz.img`, path: entry.mountpoint },
          });
        unpackTree(fd, archive);
        if (((entry.sb_flags ?? 0) & MNT.RDONLY) !== 0) this.#late.push(() => makeSystemReadOnly(fd, entry));
      }
    } finally {
      closeFd(pidfd);
    }
  }

  #makeSystem(pidfd: number, entry: MntEntry, type: string, single: boolean): number {
    const { program } = this.context;
    const subject = { path: entry.mountpoint, type };
    const what = "cannot make a file system";
    const name = type === "fuse" ? "" : type;
    const text = (words: string) => {
      const bytes = Buffer.from(`${words}\0`);
      if (bytes.length > LONGEST) throw new CrError("a mount has too long options", { code: "BAD_IMAGE", subject });
      return program.data(bytes);
    };
    const context = program.call(NR.fsopen, [text(name), 1], { what, subject });
    const set = (key: string, value: string | undefined) =>
      value === undefined
        ? program.call(NR.fsconfig, [context, FSCONFIG.SET_FLAG, text(key), 0, 0], {
            what,
            subject: { ...subject, key },
          })
        : program.call(NR.fsconfig, [context, FSCONFIG.SET_STRING, text(key), text(value), 0], {
            what,
            subject: { ...subject, key },
          });
    if (entry.source !== "") set("source", entry.source);
    for (const option of single ? [] : entry.options.split(",").filter(Boolean)) {
      const at = option.indexOf("=");
      if (at < 0) set(option, undefined);
      else set(option.slice(0, at), option.slice(at + 1));
    }
    program.call(NR.fsconfig, [context, FSCONFIG.CMD_CREATE, 0, 0, 0], { what, subject });
    const mount = program.call(NR.fsmount, [context, 1, 0], { what, subject });
    program.call(NR.close, [context]);
    program.run();
    const number = program.result(mount);
    const fd = pidfdGetfd(pidfd, number);
    program.call(NR.close, [number]);
    program.run();
    return fd;
  }

  /** Makes the namespaces, each from a copy of ours, and puts everything in its place. */
  build(): void {
    for (const plan of this.plans) {
      const envoy = this.fds.use(new Envoy());
      check(envoy.call(NR.unshare, CLONE.NEWNS), "cannot make a mount namespace");
      makeAllPrivate(envoy.call);
      this.#sites.push({ plan, envoy });
    }
    const [first, ...others] = this.#sites;
    if (first === undefined) return;
    this.#cloneSystems(first.envoy.call);
    for (const site of [...others, first]) this.#fill(site);
    this.#group();
    for (const { plan, envoy } of this.#sites) {
      const link = openPath(`/proc/${envoy.pid}/ns/mnt`, O.RDONLY, "cannot open a new mount namespace");
      this.context.entrance(plan.id, this.fds.own(link));
    }
  }

  /** Only what is mounted somewhere can be cloned: new file systems stand in a place of ours for the moment. */
  #cloneSystems(call: Caller): void {
    const what = "cannot make a place for new mounts";
    const above = this.fds.own(check(tryOpenThere("/", O.PATH | O.DIRECTORY, call), what));
    const yard = this.fds.own(makeTmpfs(what));
    check(tryAttach(yard, above, call), what);
    for (const [dev, fd] of this.#systems) {
      const name = cstring(`${dev}`);
      must(NR.mkdirat, [yard, addressOf(name), 0o700], what);
      const place = this.fds.own(check(openBelow(yard, `${dev}`, O.PATH | O.DIRECTORY), what));
      check(tryAttach(fd, place, call), what);
    }
    for (const one of this.#all) if (!this.#ready.has(one)) this.#ready.set(one, this.#take(one, call));
  }

  #fill({ plan, envoy: { call } }: Site): void {
    const [top] = plan.mounts;
    if (top === undefined) throw new CrError("a mount namespace without a root", { code: "BAD_IMAGE" });
    // over all that is there
    const old = this.fds.own(check(tryOpenThere("/", O.PATH | O.DIRECTORY, call), "cannot open the old root"));
    this.#put(top, old, plan, call);
    pivotTo(this.mountOf(top), call);
    // the old root lies over the new one now; in the first namespace our place for new mounts lies over that
    const covers = plan === this.plans[0] ? 2 : 1;
    for (let i = 0; i < covers; i++) check(tryDetach(".", call), "cannot leave the old root");
  }

  mountOf(one: PlannedMount): number {
    const fd = this.#made.get(one);
    if (fd === undefined) throw new CrError("a mount was not made", { subject: { path: one.entry.mountpoint } });
    return fd;
  }

  #put(one: PlannedMount, at: number, plan: Planned, call: Caller): void {
    const { entry } = one;
    const subject = { path: entry.mountpoint };
    const mount = this.#ready.get(one) ?? -1;
    check(tryAttach(mount, at, call), "cannot mount a file system", subject, remedyFor(mount, at));
    this.#made.set(one, mount);
    if ((entry.flags & MNT.RDONLY) !== 0)
      this.#late.push(() =>
        check(trySetMount(mount, { set: MOUNT_ATTR.RDONLY }, call), "cannot make a mount read-only", subject),
      );
    const children = plan.mounts.filter(({ parent }) => parent === one);
    const places = children.map((child) => {
      const path = { path: child.entry.mountpoint };
      if (child.at === "/") return dupFd(mount);
      const what = "cannot find the place of a mount";
      const remedy = "make the directory or file in the new root";
      return check(openBelow(mount, child.at, O.PATH, 0, true), what, path, remedy);
    });
    try {
      children.forEach((child, i) => {
        this.#put(child, places[i] ?? -1, plan, call);
      });
    } finally {
      for (const fd of places) closeFd(fd);
    }
  }

  #take(one: PlannedMount, call: Caller): number {
    const { entry, source } = one;
    const system = this.#systems.get(entry.root_dev) ?? -1;
    const what = "cannot open a directory that was mounted";
    const subject = { path: entry.mountpoint, from: source.path };
    const fd = check(openBelow(system, source.path, O.PATH | O.NOFOLLOW, 0, true), what, subject);
    try {
      return this.fds.own(this.#clone(fd, entry, call));
    } finally {
      closeFd(fd);
    }
  }

  /** Who shares with whom; all mounts are where they belong by now. */
  #group(): void {
    const byEntry = new Map(this.#all.map((one) => [one.entry, one]));
    const callers = new Map(this.#sites.flatMap(({ plan, envoy }) => plan.mounts.map((one) => [one, envoy.call])));
    const outside = groupsOutside(this.plans, this.context.options);
    const { steps, errors } = planGroups([...byEntry.keys()], outside);
    throwAll(errors);
    const what = "cannot make a mount share with others as it did";
    for (const { mount: entry, peerOf, slave, shared } of steps) {
      const one = byEntry.get(entry);
      const call = one && callers.get(one);
      if (one === undefined || call === undefined) continue;
      const fd = this.mountOf(one);
      const subject = { path: entry.mountpoint };
      const peer = peerOf && ("outside" in peerOf ? undefined : byEntry.get(peerOf));
      if (peerOf) check(trySetGroup(peer ? this.mountOf(peer) : this.#outsideOf(one), fd, call), what, subject);
      if (slave) check(trySetMount(fd, { propagation: MNT.SLAVE }, call), what, subject);
      if (shared) check(trySetMount(fd, { propagation: MNT.SHARED }, call), what, subject);
    }
    for (const one of this.#all) {
      const call = callers.get(one);
      if ((one.entry.flags & MNT.UNBINDABLE) === 0 || !call) continue;
      check(trySetMount(this.mountOf(one), { propagation: MNT.UNBINDABLE }, call), what, {
        path: one.entry.mountpoint,
      });
    }
  }

  /** Our own mount that one of the tree comes from. */
  #outsideOf(one: PlannedMount): number {
    const origin = this.#origins.get(one);
    const mntId = origin === undefined ? undefined : statFd(origin).mntId;
    const mount = ownMounts().find((ours) => ours.mntId === mntId);
    const subject = { path: one.entry.mountpoint };
    if (mount === undefined) throw new CrError("a mount comes from nowhere outside", { code: "BAD_IMAGE", subject });
    return this.fds.own(openPath(mount.mountpoint, O.PATH | O.NOFOLLOW, "cannot open a mount outside"));
  }

  /** When all files are open. */
  finish(): void {
    for (const one of this.#late.splice(0)) one();
  }
}

function remedyFor(mount: number, at: number): string | undefined {
  const isDirectory = (fd: number) => (statFd(fd).mode & S_IFMT) === S_IFDIR;
  return isDirectory(mount) === isDirectory(at) ? undefined : "a directory is mounted on a directory, a file on a file";
}

function makeSystemReadOnly(mount: number, entry: MntEntry): void {
  const what = "cannot make a file system read-only";
  const subject = { path: entry.mountpoint };
  const flag = cstring("ro");
  const args = [mount, addressOf(cstring("")), FSPICK.CLOEXEC | FSPICK.EMPTY_PATH];
  const context = must(NR.fspick, args, what, subject);
  try {
    must(NR.fsconfig, [context, FSCONFIG.SET_FLAG, addressOf(flag), 0, 0], what, subject);
    must(NR.fsconfig, [context, FSCONFIG.CMD_RECONFIGURE, 0, 0, 0], what, subject);
  } finally {
    closeFd(context);
  }
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

export function restoreMounts(context: NamespaceFill): void {
  const plans = readPlans(context.images, context.ids);
  const fds = new Descriptors();
  context.atEnd(() => fds[Symbol.dispose]());
  const builder = new Builder(context, plans, fds);
  builder.collect();
  builder.makeSystems();
  builder.build();
  context.late(() => builder.finish());
  context.surround(surroundings(plans, builder, context, fds));
}

function surroundings(
  plans: readonly Planned[],
  builder: Builder,
  context: NamespaceFill,
  fds: Descriptors,
): Surroundings {
  const grounds = new Map<number, Ground>();
  const whole = plans.map(({ mounts }) => {
    const [top] = mounts;
    const ground = fds.use(new RootGround(dupFd(top ? builder.mountOf(top) : -1)));
    for (const one of mounts) {
      const fd = builder.mountOf(one);
      const { mode, mntId } = statFd(fd);
      const own = new RootGround(dupFd(fd));
      const isDirectory = (mode & S_IFMT) === S_IFDIR;
      fds.use(own);
      grounds.set(one.entry.mnt_id, isDirectory ? new MountGround(ground, own, one.entry.mountpoint, mntId) : ground);
    }
    return ground;
  });
  const first = context.isRoots ? whole[0] : ownGround;
  const mounts = plans.flatMap((plan) => plan.mounts.map(infoOf));
  return {
    groundOf: (mntId) => (mntId === undefined ? undefined : grounds.get(mntId)) ?? first ?? ownGround,
    mounts,
    mountId: (id) => id,
  };
}
