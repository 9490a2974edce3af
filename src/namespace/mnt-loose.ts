/** Mounts that show to nobody and stand nowhere yet: clones of what is there, and new file systems. */
import { CrError } from "../error.ts";
import { Fstype, type MntEntry } from "../image/schema.gen.ts";
import type { Caller } from "../kernel/envoy.ts";
import { closeFd, dupFd, openBelow, openPath } from "../kernel/fd.ts";
import { ALL_ATTRIBUTES, ownMounts, tryCloneMount, trySetMount } from "../kernel/mount.ts";
import { NR } from "../kernel/nr.ts";
import { S_IFDIR, S_IFMT, S_IFREG, statFd } from "../kernel/stat.ts";
import { addressOf, check, cstring, must } from "../kernel/sys.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import { MNT, MOUNT_ATTR } from "../kernel/uapi/mount.ts";
import { isAutofs, makeAutofs } from "./autofs.ts";
import { writeFormats } from "./binfmt-misc.ts";
import type { NamespaceFill } from "./kind.ts";
import { deviceFor, givenFor, type Planned } from "./mnt-check.ts";
import { isLayered, isOverlay } from "./mnt-layers.ts";
import { type Descriptors, Makers } from "./mnt-makers.ts";
import type { PlannedMount } from "./mnt-plan.ts";
import { reachCovered } from "./mnt-seen.ts";
import { makeSystem, makeSystemReadOnly } from "./mnt-systems.ts";
import { attributesOf, under } from "./mnt-table.ts";
import { roomFor, unpackTree } from "./tmpfs-unpack.ts";

const NO_ROOT = "name the directory that becomes the tree's root with --root, as seen from the work directory";

export class LooseMounts {
  readonly #ready = new Map<PlannedMount, number>();
  /** Paths outside that mounts come from, and what lies outside of the tree there. */
  readonly origins = new Map<PlannedMount, number>();
  /** New file systems by device: at first without a place. */
  readonly systems = new Map<number, number>();
  readonly #layered = new Set<number>();
  readonly #cleanup: (() => void)[] = [];
  /** What is to be done when all files are open. */
  readonly late: (() => void)[] = [];

  constructor(
    readonly context: NamespaceFill,
    readonly plans: readonly Planned[],
    readonly fds: Descriptors,
  ) {}

  get all(): PlannedMount[] {
    return this.plans.flatMap(({ mounts }) => mounts);
  }

  isReady(one: PlannedMount): boolean {
    return this.#ready.has(one);
  }

  /** The mount itself; -1 while it is not ready. */
  of(one: PlannedMount): number {
    return this.#ready.get(one) ?? -1;
  }

  /** An overlay of what is in other file systems of the tree. */
  isLayered({ entry }: PlannedMount): boolean {
    return this.#layered.has(entry.root_dev);
  }

  /** From outside, while we are there: whatever is not new. */
  collect(): void {
    const { options } = this.context;
    const root = this.fds.own(
      openPath(options.root ?? "/", O.PATH | O.DIRECTORY, "cannot open the new root", 0, NO_ROOT),
    );
    for (const one of this.all) {
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
        this.#cloneDeleted(base, one);
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
      this.origins.set(one, this.fds.own(fd));
      this.clone(one, fd);
    }
  }

  /** Clones what stands somewhere. */
  clone(one: PlannedMount, fd: number, call?: Caller): void {
    const { entry } = one;
    const mount = this.fds.own(check(tryCloneMount(fd, call), "cannot clone a mount", { path: entry.mountpoint }));
    this.#ready.set(one, this.#asItWas(mount, entry));
  }

  /** A new file system, made for this mount, is a mount itself. */
  add(one: PlannedMount, mount: number): void {
    const { entry } = one;
    const fd = this.fds.own(mount);
    this.systems.set(entry.root_dev, fd);
    this.#ready.set(one, this.#asItWas(fd, entry));
    if (((entry.sb_flags ?? 0) & MNT.RDONLY) !== 0) this.late.push(() => makeSystemReadOnly(fd, entry));
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
  #cloneDeleted(base: number, one: PlannedMount, call?: Caller): void {
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
    this.clone(one, fd, call);
  }

  /** Directories are mounted on directories: seen in what its parent will show. */
  #isMountedOnDirectory({ parent, at }: PlannedMount): boolean {
    const ready = parent && this.#ready.get(parent);
    const system = parent && this.systems.get(parent.entry.root_dev);
    const place = ready !== undefined ? at : under(parent?.source.path ?? "/", at);
    const fd = openBelow(ready ?? system ?? -1, place, O.PATH);
    if (fd < 0) return true;
    try {
      return (statFd(fd).mode & S_IFMT) === S_IFDIR;
    } finally {
      closeFd(fd);
    }
  }

  /** Where something is mounted in a file system: from its root on. */
  #placesIn(device: number): string[] {
    return this.all.filter(({ parent }) => parent?.entry.root_dev === device).map(({ at }) => at);
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
    const all = this.all.filter((one) => !isOverlay(one)).concat(this.all.filter(isOverlay));
    for (const one of all) {
      const { entry, source, isLate: waits } = one;
      if (source.how !== "new" || waits !== isLate || this.systems.has(entry.root_dev)) continue;
      if (this.#becomesLayered(one)) continue;
      const make = () => {
        if (isAutofs(entry)) return makeAutofs(this.context, entry, this.#placesIn(entry.root_dev));
        const { program, pidfd } = makers.of(entry.tscriu_pid_ns);
        const device = deviceFor(source.fs, options);
        return makeSystem(program, pidfd, entry, source.fs, { chief: images.ids?.chief?.uid, lsmContext, device });
      };
      const fd = this.fds.own(make());
      this.systems.set(entry.root_dev, fd);
      made.set(entry.root_dev, fd);
      if (((entry.sb_flags ?? 0) & MNT.RDONLY) !== 0 && !isOurs(fd))
        this.late.push(() => makeSystemReadOnly(fd, entry));
      if (source.fs.code === Fstype.BINFMT_MISC) {
        const formats = images.read("BINFMT_MISC_OLD", entry.root_dev);
        this.late.push(() => writeFormats(fd, formats, (what) => this.context.log.warn(`the tree lacks ${what}`)));
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

  /** Whether it is an overlay of what is in other file systems of the tree, which are there by now. */
  #becomesLayered(one: PlannedMount): boolean {
    const { root_dev } = one.entry;
    const mounts = this.plans.find((plan) => plan.mounts.includes(one))?.mounts ?? [];
    const has = ({ entry }: PlannedMount, path: string) => {
      if (this.#layered.has(entry.root_dev)) return true;
      const fd = openBelow(this.systems.get(entry.root_dev) ?? -1, path, O.PATH | O.DIRECTORY);
      if (fd >= 0) closeFd(fd);
      return fd >= 0;
    };
    if (!this.#layered.has(root_dev) && isLayered(one, mounts, has)) this.#layered.add(root_dev);
    return this.#layered.has(root_dev);
  }

  /** Clones what is in one of the new file systems, which stands somewhere by now. */
  take(one: PlannedMount, call: Caller): void {
    const { entry, source } = one;
    const system = this.systems.get(entry.root_dev) ?? -1;
    if (entry.deleted === true) {
      this.#cloneDeleted(system, one, call);
      return;
    }
    const what = "cannot open a directory that was mounted";
    const subject = { path: entry.mountpoint, from: source.path };
    const fd = check(openBelow(system, source.path, O.PATH | O.NOFOLLOW, 0, !isAutofs(entry)), what, subject);
    try {
      this.clone(one, fd, call);
    } finally {
      closeFd(fd);
    }
  }

  /** What was only there to be mounted goes. */
  clean(): void {
    for (const one of this.#cleanup.splice(0)) one();
  }
}

/** The machine has this file system too: there is one for all. */
function isOurs(mount: number): boolean {
  const { dev } = statFd(mount);
  return ownMounts().some((ours) => ours.dev === dev);
}
