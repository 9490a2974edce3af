/** Namespaces that are there already, which a restored tree's root enters in place of those that it had: `--join-ns`. */
import type { Load, Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import { RootGround, type Surroundings } from "../file/ground.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { IdTranslation } from "../image/ids.ts";
import { envoyOf } from "../kernel/envoy.ts";
import { closeFd, O, openPath, tryIoctl } from "../kernel/fd.ts";
import { mountsSeenBy } from "../kernel/mount.ts";
import { NR } from "../kernel/nr.ts";
import { idOutside } from "../kernel/proc/uidmap.ts";
import { statFd } from "../kernel/stat.ts";
import { NS } from "../kernel/uapi/ioctl.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import type { Log } from "../log.ts";
import type { JoinNamespace, RestoreOptions } from "../options.ts";
import { inodeOf, linkOf, type NamespaceName } from "./ids.ts";
import { type IdMaps, mapsOf, outward } from "./user-ids.ts";

const FLAGS: Readonly<Record<JoinNamespace["name"], number>> = {
  uts: CLONE.NEWUTS,
  ipc: CLONE.NEWIPC,
  net: CLONE.NEWNET,
  time: CLONE.NEWTIME,
  mnt: CLONE.NEWNS,
  user: CLONE.NEWUSER,
};
/** All but mounts, behind which other paths lead elsewhere, and users, who may not enter the others any more: these come last. */
const FIRST = ["uts", "ipc", "net", "time"] as const;

/** Appends what gives a task a descriptor of ours: its number there. */
type Receive = (fd: number) => Load;

function open({ name, path }: JoinNamespace): number {
  const subject = { namespace: name, path };
  const remedy = `name a process that lives there, or a file such as /proc/PID/ns/${name}`;
  const fd = openPath(path, O.RDONLY, `cannot open the ${name} namespace to join`, 0, remedy);
  if (tryIoctl(fd, NS.GET_NSTYPE) === FLAGS[name]) return fd;
  closeFd(fd);
  throw new CrError(`this is no ${name} namespace`, { code: "EINVAL", subject, remedy });
}

/** From ids in the images to ours, with the maps behind it. */
export interface IdTranslationOfGuests extends IdTranslation {
  readonly maps: IdMaps;
}

/** Reads the maps of a user namespace, and whom its guests shall be taken for. */
function guests({ path, as }: JoinNamespace, fd: number): IdTranslationOfGuests {
  const subject = { namespace: "user", path };
  if (statFd(fd).ino === inodeOf(linkOf("self", "user")))
    throw new CrError("the user namespace to be joined is the one that tscriu lives in", {
      code: "EINVAL",
      subject,
      remedy: "leave --join-ns user out, or name another one",
    });
  using envoy = envoyOf(fd);
  const maps = mapsOf(envoy.pid);
  const ids = outward(maps);
  if (!as) return { ...ids, maps };
  const [uid, gid] = [idOutside(maps.uids, as.uid), idOutside(maps.gids, as.gid)];
  if (uid === undefined || gid === undefined)
    throw new CrError("the user namespace to be joined does not have this user and group", {
      code: "EINVAL",
      subject: { ...subject, ...as },
      remedy: "name ids that its uid_map and gid_map have",
    });
  return { ...ids, maps, chief: { uid, gid } };
}

export class JoinedNamespaces implements Disposable {
  /** Our descriptors. */
  readonly #fds = new Map<NamespaceName, number>();
  #ground: RootGround | undefined;
  /** What users and groups are called in the user namespace that is joined. */
  readonly users: IdTranslationOfGuests | undefined;

  /** Opens them, before anything is made. */
  constructor({ joined }: Pick<RestoreOptions, "joined">) {
    try {
      for (const one of joined) this.#fds.set(one.name, open(one));
      const user = joined.find(({ name }) => name === "user");
      if (user) this.users = guests(user, this.#fds.get("user") ?? -1);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  has(name: NamespaceName): boolean {
    return this.#fds.has(name);
  }

  get any(): boolean {
    return this.#fds.size > 0;
  }

  fd(name: NamespaceName): number | undefined {
    return this.#fds.get(name);
  }

  /** Refuses what would be lost. @param ids of the root's ipc namespace in the images */
  check(images: ImageDirectory, ipc: number | undefined, log: Log): void {
    if (!this.has("ipc") || ipc === undefined) return;
    const [segment] = images.read("IPCNS_SHM", ipc);
    if (segment !== undefined)
      throw new CrError(
        "the tree has System V segments, which cannot be put into an ipc namespace that is there already",
        {
          code: "ENOTSUP",
          subject: { id: segment.desc.id, key: `0x${segment.desc.key.toString(16)}` },
          remedy: "leave --join-ns ipc out",
        },
      );
    if (images.read("IPCNS_MSG", ipc).length + images.read("IPCNS_SEM", ipc).length > 0)
      log.warn(
        "message queues and semaphores that the tree's ipc namespace had are not put into the one that it joins",
      );
  }

  /** The root enters them, but for mounts. @param pid the root, as we see it */
  enter(program: Program, receive: Receive, pid: number): void {
    for (const name of FIRST) this.#enter(name, program, receive, pid);
  }

  #enter(name: JoinNamespace["name"], program: Program, receive: Receive, pid: number): void {
    const fd = this.#fds.get(name);
    if (fd === undefined) return;
    const theirs = receive(fd);
    const what = `cannot enter the ${name} namespace that is to be joined`;
    program.call(NR.setns, [theirs, FLAGS[name]], { what, subject: { pid } });
    program.call(NR.close, [theirs]);
    program.run();
  }

  /** The root enters the mounts, when all else is there. */
  enterMounts(program: Program, receive: Receive, pid: number): void {
    if (!this.has("mnt")) return;
    this.#enter("mnt", program, receive, pid);
    const root = openPath(`/proc/${pid}/root`, O.PATH | O.DIRECTORY, "cannot open the root of the mount namespace");
    this.#ground = new RootGround(root);
  }

  /** What a tree sees that has the mounts which it joined. @param pid its root, as we see it */
  surroundings(pid: number): Surroundings | undefined {
    const ground = this.#ground;
    if (ground === undefined) return undefined;
    return {
      groundOf: () => ground,
      get mounts() {
        return mountsSeenBy(pid);
      },
      mountId: () => undefined,
    };
  }

  [Symbol.dispose](): void {
    this.#ground?.[Symbol.dispose]();
    for (const fd of this.#fds.values()) closeFd(fd);
    this.#fds.clear();
  }
}
