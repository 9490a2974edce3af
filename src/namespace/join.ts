/** Namespaces that are there already, which a restored tree's root enters in place of those that it had: `--join-ns`. */
import type { Load, Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import { RootGround, type Surroundings } from "../file/ground.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { closeFd, O, openPath, tryIoctl } from "../kernel/fd.ts";
import { mountsSeenBy } from "../kernel/mount.ts";
import { NR } from "../kernel/nr.ts";
import { NS } from "../kernel/uapi/ioctl.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import type { Log } from "../log.ts";
import type { JoinNamespace, RestoreOptions } from "../options.ts";
import type { NamespaceName } from "./ids.ts";

const FLAGS: Readonly<Record<JoinNamespace["name"], number>> = {
  uts: CLONE.NEWUTS,
  ipc: CLONE.NEWIPC,
  net: CLONE.NEWNET,
  time: CLONE.NEWTIME,
  mnt: CLONE.NEWNS,
};
/** All but mounts, behind which other paths lead elsewhere: these come last. */
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

export class JoinedNamespaces implements Disposable {
  /** Our descriptors. */
  readonly #fds = new Map<NamespaceName, number>();
  #ground: RootGround | undefined;

  /** Opens them, before anything is made. */
  constructor({ joined }: Pick<RestoreOptions, "joined">) {
    for (const one of joined) this.#fds.set(one.name, open(one));
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
