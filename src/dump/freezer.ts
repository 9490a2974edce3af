/**
 * The freezer cgroup of a tree. One that is frozen runs for as long as we hold the tree: a task of it reaches no ptrace stop.
 * One that runs is left alone. Nothing escapes by forking, since a task is stopped before its children are looked for; and to
 * freeze and thaw would take as long as to stop twenty tasks (the kernel patches its code for the first frozen cgroup).
 */
import { existsSync, writeFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { statPath } from "../kernel/stat.ts";
import { type FreezerWay, freezerWay } from "../namespace/cgroup-freezer.ts";

function wayOf(dir: string): FreezerWay {
  const way = freezerWay(dir);
  if (way) return way;
  throw new CrError("this is no freezer cgroup", {
    code: "EINVAL",
    subject: { path: dir },
    remedy: "name a directory of the v1 freezer hierarchy or of cgroup v2, not its root",
  });
}

/** Dispose freezes the cgroup again, if it was frozen. */
export class Freezer implements Disposable {
  readonly #way: FreezerWay;
  readonly #wasFrozen: boolean;

  constructor(readonly dir: string) {
    this.#way = wayOf(dir);
    this.#wasFrozen = this.#way.isFrozen();
  }

  /** The inode of the cgroup if it was frozen before: so it is saved, though it runs for the moment. */
  get found(): number | undefined {
    return this.#wasFrozen ? statPath(this.dir)?.ino : undefined;
  }

  /** Everything that was asked to stop can. */
  thaw(): void {
    if (!this.#wasFrozen) return;
    try {
      writeFileSync(this.#way.file, this.#way.thaw);
    } catch (cause) {
      throw new CrError("cannot thaw the cgroup", { subject: { path: this.dir }, cause });
    }
    if (!this.#way.isFrozen()) return;
    throw new CrError("the cgroup is frozen by one above it: its tasks cannot be looked at", {
      code: "EBUSY",
      subject: { path: this.dir },
      remedy: "pass the topmost frozen one as --freeze-cgroup",
    });
  }

  /** Gives the cgroup the state in which it was found. */
  [Symbol.dispose](): void {
    try {
      if (this.#wasFrozen && existsSync(this.#way.file)) writeFileSync(this.#way.file, this.#way.freeze);
    } catch {
      // the cgroup is gone with its tasks
    }
  }
}
