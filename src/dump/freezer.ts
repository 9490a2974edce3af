/** A freezer cgroup that holds the tree: nothing in it runs while we attach, so nothing escapes by forking. */
import { existsSync, writeFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { NR } from "../kernel/nr.ts";
import { statPath } from "../kernel/stat.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { type FreezerWay, freezerWay } from "../namespace/cgroup-freezer.ts";

/** How often the kernel is asked whether all is frozen, and how long we pause in between (nanoseconds). */
const TRIES = 2000;
const PAUSE = 1_000_000n;

function wayOf(dir: string): FreezerWay {
  const way = freezerWay(dir);
  if (way) return way;
  throw new CrError("this is no freezer cgroup", {
    code: "EINVAL",
    subject: { path: dir },
    remedy: "name a directory of the v1 freezer hierarchy or of cgroup v2, not its root",
  });
}

/** Freezes the cgroup; dispose (or `thaw`) lets it run again, unless it was frozen before. */
export class Freezer implements Disposable {
  readonly #way: FreezerWay;
  readonly #wasFrozen: boolean;
  #frozen = false;

  constructor(readonly dir: string) {
    try {
      this.#way = wayOf(dir);
      this.#wasFrozen = this.#way.isFrozen();
      writeFileSync(this.#way.file, this.#way.freeze);
    } catch (cause) {
      if (cause instanceof CrError) throw cause;
      throw new CrError("cannot freeze the cgroup", { subject: { path: dir }, cause });
    }
    this.#frozen = true;
    const pause = new BigInt64Array([0n, PAUSE]);
    for (let tries = 0; !this.#way.isFrozen(); tries++) {
      if (tries < TRIES) {
        sys(NR.nanosleep, addressOf(pause), 0);
        continue;
      }
      this[Symbol.dispose]();
      throw new CrError("the cgroup does not freeze in time", { code: "ETIMEDOUT", subject: { path: dir } });
    }
  }

  /** The inode of the cgroup if it was frozen before: so it is saved, though it runs for the moment. */
  get found(): number | undefined {
    return this.#wasFrozen ? statPath(this.dir)?.ino : undefined;
  }

  /** Traced tasks stop only outside of a frozen cgroup. */
  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    writeFileSync(this.#way.file, this.#way.thaw);
  }

  /** Gives the cgroup the state in which it was found. */
  [Symbol.dispose](): void {
    try {
      this.thaw();
      if (this.#wasFrozen && existsSync(this.#way.file)) writeFileSync(this.#way.file, this.#way.freeze);
    } catch {
      // the cgroup is gone with its tasks
    }
  }
}
