/** Namespaces as images number them: those of the dumper first, then each that the tree lives in, as it is met. */
import { readlinkSync } from "node:fs";
import type { TaskKobjIdsEntry, TscriuThreadNamespaces } from "../image/schema.gen.ts";
import { closeFd, linkOf as linkOfFd, O, openPath, tryIoctl } from "../kernel/fd.ts";
import { check } from "../kernel/sys.ts";
import { NS } from "../kernel/uapi/ioctl.ts";

/** Names in /proc/PID/ns, in the order in which the dumper's own are numbered. */
export const NAMESPACES = ["pid", "net", "ipc", "uts", "time", "mnt", "user", "cgroup"] as const;

export type NamespaceName = (typeof NAMESPACES)[number];

/** The namespace fields of ids-PID.img. */
export type NamespaceFields = Pick<TaskKobjIdsEntry, `${NamespaceName}_ns_id`>;

export const fieldOf = <Name extends NamespaceName>(name: Name): `${Name}_ns_id` => `${name}_ns_id`;

/** What single threads may have besides those of their process, and get again. */
export const CARRIED = ["net", "ipc", "uts", "cgroup", "mnt"] as const;

/** `uts:[4026531838]`, or "" where this kernel has no such namespaces or the task is gone. */
export function linkOf(pid: number | "self", name: NamespaceName | "pid_for_children" | "time_for_children"): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${name}`);
  } catch {
    return "";
  }
}

/** The number of a namespace, from what its link says. */
export const inodeOf = (link: string) => Number(/\d+/.exec(link)?.[0]);

/** A namespace that is not the dumper's. */
export interface ForeignNamespace {
  readonly name: NamespaceName;
  readonly id: number;
  readonly link: string;
  /** A task in it: the first that was met. A thread's id where only threads live there that have left their process's. */
  readonly member: number;
}

const linksOf = (pid: number | "self"): readonly string[] => NAMESPACES.map((name) => linkOf(pid, name));

/** The dumper never leaves its namespaces. */
let ownLinks: readonly string[] | undefined;

/** Looks at each task once: it stands still. */
export class NamespaceIds {
  /** The dumper's own. */
  readonly own: Required<NamespaceFields>;
  readonly #ids = new Map<string, number>();
  /** What the dumper and tasks live in, in the order of NAMESPACES. */
  readonly #ownLinks: readonly string[];
  readonly #links = new Map<number, readonly string[]>();
  /** By the link of the innermost. */
  readonly #chains = new Map<string, readonly number[]>();
  /** Those that are not the dumper's, by their ids. */
  readonly foreign: ForeignNamespace[] = [];
  /** Threads that have left namespaces of their process, by tid: those alone that they have for themselves. */
  readonly strays = new Map<number, TscriuThreadNamespaces>();

  constructor() {
    const own: Partial<Required<NamespaceFields>> = {};
    ownLinks ??= linksOf("self");
    this.#ownLinks = ownLinks;
    NAMESPACES.forEach((name, i) => {
      const link = this.#ownLinks[i] ?? "";
      if (link !== "") this.#ids.set(link, i + 1);
      own[fieldOf(name)] = i + 1;
    });
    this.own = own as Required<NamespaceFields>;
  }

  /** The ids of a task's namespaces; one that cannot be read counts as the dumper's. */
  ofTask(pid: number): Required<NamespaceFields> {
    const fields = { ...this.own };
    const links = this.#linksOf(pid);
    NAMESPACES.forEach((name, i) => {
      const link = links[i] ?? "";
      if (link !== "" && link !== this.#ownLinks[i]) fields[fieldOf(name)] = this.number(name, link, pid);
    });
    return fields;
  }

  /** As `linkOf`. */
  link(pid: number, name: NamespaceName): string {
    return this.#linksOf(pid)[NAMESPACES.indexOf(name)] ?? "";
  }

  #linksOf(pid: number): readonly string[] {
    const known = this.#links.get(pid) ?? linksOf(pid);
    this.#links.set(pid, known);
    return known;
  }

  /** The id of a namespace, which is noted when it was not met before. @param member a task that tells of it */
  number(name: NamespaceName, link: string, member: number): number {
    let id = this.#ids.get(link);
    if (id === undefined) {
      id = NAMESPACES.length + this.foreign.length + 1;
      this.#ids.set(link, id);
      this.foreign.push({ name, id, link, member });
    }
    return id;
  }

  /** The id of a namespace by its link; undefined for one that was not met. */
  idOf(name: NamespaceName, link: string): number | undefined {
    return link.startsWith(`${name}:`) ? this.#ids.get(link) : undefined;
  }

  /** The same by its inode. */
  byInode(name: NamespaceName, ino: number): number | undefined {
    return this.#ids.get(`${name}:[${ino}]`);
  }

  /**
   * Ids of the pid namespaces that a task lives in, zombies too, its own last.
   * @param count how many of them, from its own outwards
   */
  pidNamespaces(pid: number, count: number): readonly number[] {
    const own = linkOf(pid, "pid");
    const known = this.#chains.get(own);
    if (known && known.length >= count) return known.slice(known.length - count);
    const chain: number[] = [];
    const subject = { pid };
    let fd = openPath(`/proc/${pid}/ns/pid`, O.RDONLY, "cannot open a pid namespace");
    try {
      for (;;) {
        chain.unshift(this.number("pid", linkOfFd(fd), pid));
        if (chain.length >= count) break;
        const outer = check(tryIoctl(fd, NS.GET_PARENT), "cannot find the parent of a pid namespace", subject);
        closeFd(fd);
        fd = outer;
      }
    } finally {
      closeFd(fd);
    }
    this.#chains.set(own, chain);
    return chain;
  }
}
