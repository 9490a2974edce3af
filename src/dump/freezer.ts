/** A freezer cgroup that holds the tree: nothing in it runs while we attach, so nothing escapes by forking. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, sys } from "../kernel/sys.ts";

/** How often the kernel is asked whether all is frozen, and how long we pause in between (nanoseconds). */
const TRIES = 2000;
const PAUSE = 1_000_000n;

/** One hierarchy's way: cgroup v1 (freezer.state) or v2 (cgroup.freeze). */
interface Way {
  readonly file: string;
  readonly freeze: string;
  readonly thaw: string;
  isFrozen(): boolean;
}

function wayOf(dir: string): Way {
  const read = (name: string) => readFileSync(`${dir}/${name}`, "utf8");
  if (existsSync(`${dir}/freezer.state`)) {
    return {
      file: `${dir}/freezer.state`,
      freeze: "FROZEN",
      thaw: "THAWED",
      isFrozen: () => read("freezer.state").trim() === "FROZEN",
    };
  }
  if (existsSync(`${dir}/cgroup.freeze`)) {
    return {
      file: `${dir}/cgroup.freeze`,
      freeze: "1",
      thaw: "0",
      isFrozen: () => /^frozen 1$/m.test(read("cgroup.events")),
    };
  }
  throw new CrError("this is no freezer cgroup", {
    code: "EINVAL",
    subject: { path: dir },
    remedy: "name a directory of the v1 freezer hierarchy or of cgroup v2, not its root",
  });
}

/** Freezes the cgroup; dispose (or `thaw`) lets it run again, unless it was frozen before. */
export class Freezer implements Disposable {
  readonly #way: Way;
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
