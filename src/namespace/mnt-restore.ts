/**
 * Makes the mounts of a namespace again. Every mount is made where it shows to nobody, and then put upon its parent: from the
 * root on, and before anything lies over the places of the next ones.
 */
import { CrError, CrErrors } from "../error.ts";
import { RootGround, type Surroundings } from "../file/ground.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { MntEntry } from "../image/schema.gen.ts";
import type { Caller } from "../kernel/envoy.ts";
import { closeFd, dupFd, openBelow, openPath } from "../kernel/fd.ts";
import {
  ALL_ATTRIBUTES,
  inMountNamespace,
  makeAllPrivate,
  makeTmpfs,
  pivotTo,
  tryAttach,
  tryCloneMount,
  tryDetach,
  tryOpenThere,
  trySetMount,
} from "../kernel/mount.ts";
import { NR } from "../kernel/nr.ts";
import { pidfdGetfd, pidfdOpen } from "../kernel/pidfd.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { S_IFDIR, S_IFMT, statFd } from "../kernel/stat.ts";
import { addressOf, check, cstring, must } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { FSCONFIG, FSPICK, MNT, MOUNT_ATTR } from "../kernel/uapi/mount.ts";
import type { RestoreOptions } from "../options.ts";
import type { NamespaceFill } from "./kind.ts";
import { type PlannedMount, planMounts, problemsOf } from "./mnt-plan.ts";
import { attributesOf } from "./mnt-table.ts";
import { unpackTree } from "./tmpfs.ts";

/** Longest path or list of options that a mount may have in the images, bytes. */
const LONGEST = 65536;

function readPlan(images: ImageDirectory, id: number): readonly PlannedMount[] {
  const { mounts, errors } = planMounts(images.read("MNTS", id));
  const [first] = errors;
  if (first) throw errors.length === 1 ? first : new CrErrors(`${errors.length} mounts cannot be made again`, errors);
  return mounts;
}

/** What the user gives for a mount that the dump was told to leave outside. */
function givenFor(name: string, options: RestoreOptions): string | undefined {
  return options.external.find(({ kind, id }) => kind === "mnt" && id === name)?.value;
}

/** Refuses what cannot be made, before anything is. */
export function checkMounts(images: ImageDirectory, id: number, options: RestoreOptions): void {
  const mounts = readPlan(images, id);
  const errors = problemsOf(mounts, options.enableFs);
  for (const { entry, source } of mounts) {
    const subject = { path: entry.mountpoint };
    if ((entry.shared_id ?? 0) !== 0 || (entry.master_id ?? 0) !== 0) {
      errors.push(new CrError("mounts that share with others cannot be made again yet", { code: "ENOTSUP", subject }));
    }
    if (entry.deleted === true) {
      errors.push(new CrError("a mount of a deleted file cannot be made again yet", { code: "ENOTSUP", subject }));
    }
    if (source.how === "named" && givenFor(source.name, options) === undefined) {
      errors.push(
        new CrError("a mount was declared external at the dump and is not given", {
          code: "MISSING_EXTERNAL",
          subject: { ...subject, name: source.name },
          remedy: `say where it is: --external 'mnt[${source.name}]:PATH'`,
        }),
      );
    }
    const isAsked = options.external.some((external) => external.kind === "mnt" && external.id === "");
    if (source.how === "outside" && options.root !== undefined && !isAsked) {
      errors.push(
        new CrError("a mount was found outside at the dump, and the tree gets a root of its own", {
          code: "MISSING_EXTERNAL",
          subject: { ...subject, source: source.path },
          remedy: "pass --external 'mnt[]' to take it from the same path here",
        }),
      );
    }
  }
  const [first] = errors;
  if (first) throw errors.length === 1 ? first : new CrErrors(`${errors.length} mounts cannot be made again`, errors);
}

/** Descriptors that are closed together. */
class Descriptors implements Disposable {
  readonly #all: number[] = [];

  own(fd: number): number {
    this.#all.push(fd);
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#all.splice(0)) closeFd(fd);
  }
}

class Builder {
  /** Mounts that stand nowhere yet, for those that come from outside. */
  readonly #ready = new Map<PlannedMount, number>();
  /** New file systems by device: at first without a place. */
  readonly #systems = new Map<number, number>();
  readonly #made = new Map<PlannedMount, number>();
  readonly #late: ((call: Caller) => void)[] = [];

  constructor(
    readonly context: NamespaceFill,
    readonly plan: readonly PlannedMount[],
    readonly fds: Descriptors,
  ) {}

  /** From outside, while we are there: whatever is not new. */
  collect(): void {
    const { options } = this.context;
    const root = this.fds.own(openPath(options.root ?? "/", O.PATH | O.DIRECTORY, "cannot open the new root"));
    for (const one of this.plan) {
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
      try {
        this.#ready.set(one, this.fds.own(this.#clone(fd, entry)));
      } finally {
        closeFd(fd);
      }
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
      for (const { entry, source } of this.plan) {
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

  /** In the namespace: puts everything in its place and makes it the root. */
  build(call: Caller): void {
    makeAllPrivate(call);
    const what = "cannot make a place for new mounts";
    const above = this.fds.own(check(tryOpenThere("/", O.PATH | O.DIRECTORY, call), what));
    const yard = this.fds.own(makeTmpfs(what));
    check(tryAttach(yard, above, call), what);
    const place = (name: string): number => {
      const path = cstring(name);
      must(NR.mkdirat, [yard, addressOf(path), 0o700], what);
      return this.fds.own(check(openBelow(yard, name, O.PATH | O.DIRECTORY), what));
    };
    // what is mounted somewhere can be cloned
    for (const [dev, fd] of this.#systems) check(tryAttach(fd, place(`${dev}`), call), what);
    const [top] = this.plan;
    if (top === undefined) throw new CrError("a mount namespace without a root", { code: "BAD_IMAGE" });
    this.#put(top, place("root"), call);
    pivotTo(this.mountOf(top), call);
    // the place of new mounts lies over the old root, and that over the new one
    for (let i = 0; i < 2; i++) check(tryDetach(".", call), "cannot leave the old root");
  }

  mountOf(one: PlannedMount): number {
    const fd = this.#made.get(one);
    if (fd === undefined) throw new CrError("a mount was not made", { subject: { path: one.entry.mountpoint } });
    return fd;
  }

  #put(one: PlannedMount, at: number, call: Caller): void {
    const { entry } = one;
    const subject = { path: entry.mountpoint };
    const mount = this.#take(one, call);
    check(tryAttach(mount, at, call), "cannot mount a file system", subject, remedyFor(mount, at));
    this.#made.set(one, mount);
    if ((entry.flags & MNT.RDONLY) !== 0)
      this.#late.push((later) =>
        check(trySetMount(mount, { set: MOUNT_ATTR.RDONLY }, later), "cannot make a mount read-only", subject),
      );
    const children = this.plan.filter(({ parent }) => parent === one);
    const places = children.map((child) => {
      const path = { path: child.entry.mountpoint };
      if (child.at === "/") return dupFd(mount);
      const what = "cannot find the place of a mount";
      return check(
        openBelow(mount, child.at, O.PATH, 0, true),
        what,
        path,
        "make the directory or file in the new root",
      );
    });
    try {
      children.forEach((child, i) => {
        this.#put(child, places[i] ?? -1, call);
      });
    } finally {
      for (const fd of places) closeFd(fd);
    }
  }

  #take(one: PlannedMount, call: Caller): number {
    const { entry, source } = one;
    const ready = this.#ready.get(one);
    if (ready !== undefined) return ready;
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

  /** When all files are open. */
  finish(call: Caller): void {
    for (const one of this.#late.splice(0)) one(call);
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
  const plan = readPlan(context.images, context.id);
  const fds = new Descriptors();
  context.atEnd(() => fds[Symbol.dispose]());
  const builder = new Builder(context, plan, fds);
  builder.collect();
  builder.makeSystems();
  const namespace = fds.own(openPath(`/proc/${context.pid}/ns/mnt`, O.RDONLY, "cannot open the new mount namespace"));
  const inside = (act: (call: Caller) => void) =>
    inMountNamespace(namespace, ({ call }) => act(call), { pid: context.pid });
  inside((call) => builder.build(call));
  context.late(() => inside((call) => builder.finish(call)));
  const [top] = plan;
  if (top) context.surround(surroundings(plan, builder.mountOf(top), context));
}

function surroundings(plan: readonly PlannedMount[], root: number, context: NamespaceFill): Surroundings {
  const ground = new RootGround(dupFd(root));
  context.atEnd(() => ground[Symbol.dispose]());
  return { groundOf: () => ground, mounts: plan.map(infoOf), mountId: (id) => id };
}
