/** Who makes file systems for a restore of mounts, and what ends with it. */
import type { Program } from "../agent/program.ts";
import { closeFd } from "../kernel/fd.ts";
import { pidfdOpen } from "../kernel/pidfd.ts";
import type { NamespaceFill } from "./kind.ts";

/** What ends together. */
export class Descriptors implements Disposable {
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

/** Tasks that make file systems: what they make belongs to their namespaces. */
export class Makers implements Disposable {
  readonly #pidfds = new Map<number | undefined, number>();

  constructor(readonly context: NamespaceFill) {}

  /** @param pids a pid namespace below that of the tree's root; undefined for the root itself */
  of(pids: number | undefined): { readonly program: Program; readonly pidfd: number } {
    const { program, pid } = pids === undefined ? this.context : this.context.inPids(pids);
    let pidfd = this.#pidfds.get(pids);
    if (pidfd === undefined) {
      pidfd = pidfdOpen(pid);
      this.#pidfds.set(pids, pidfd);
    }
    return { program, pidfd };
  }

  [Symbol.dispose](): void {
    for (const fd of this.#pidfds.values()) closeFd(fd);
  }
}
