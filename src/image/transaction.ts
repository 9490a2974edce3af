import { fsyncSync, openSync, readdirSync, renameSync, symlinkSync, unlinkSync } from "node:fs";
import { closeQuietly, createNew, errnoOf, storageError, toWrite } from "./storage.ts";

const tempPattern = /^[.].*[.]([0-9]+)[.]tscriu-(new|old)$/;

let runs = 0;

/**
 * New files of a directory that appear together or not at all. Each is written under a hidden name beside its final
 * one; `commit` puts them in place and `abort` takes them away, leaving what was there before.
 */
export class Transaction {
  readonly #suffix: string;
  /** Final names, in order of creation, with the hidden ones that they have until commit. */
  readonly #files = new Map<string, string>();
  /** Files made ahead, to be given names. */
  readonly #spare: { hidden: string; fd: number }[] = [];
  /** The same for one purpose each. */
  readonly #aside = new Map<string, { hidden: string; fd: number }>();
  readonly #doomed = new Set<string>();
  readonly #open = new Map<string, number>();
  #unsynced: number | undefined;
  #state: "open" | "committed" | "aborted" = "open";

  /** @param nowhere all goes to /dev/null */
  constructor(
    readonly dir: string,
    readonly nowhere = false,
  ) {
    // Several transactions of one process may share a directory; the pid tells later runs whose leftovers these are.
    this.#suffix = `${++runs}.${process.pid}`;
    if (!nowhere) this.#sweep();
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  /** Path of a file until commit. */
  path(name: string): string {
    return this.#files.get(name) ?? this.#hidden(name, "new");
  }

  /**
   * Names of files to be made ahead by others, as `createNew` would: a file system takes its time for each, and later nobody may
   * have any.
   */
  spareNames(count: number): string[] {
    return Array.from({ length: this.nowhere ? 0 : count }, (_, i) => this.#hidden(`spare-${i}`, "new"));
  }

  /** Takes the descriptors of those that were made; the others, which have none, are made now. Errors: CrError. */
  addSpares(names: readonly string[], fds: ArrayLike<number>): void {
    names.forEach((hidden, i) => {
      const fd = fds[i] ?? -1;
      if (fd >= 0) this.#spare.push({ hidden, fd });
    });
    names.forEach((hidden, i) => {
      if ((fds[i] ?? -1) < 0) this.#spare.push({ hidden, fd: createNew(hidden, `${this.dir}/`) });
    });
  }

  /** Makes a file ahead that `create` gives for this purpose, and gives its descriptor. Errors: CrError. */
  setAside(purpose: string): number {
    const hidden = this.#hidden(`aside-${purpose}`, "new");
    const fd = createNew(hidden, `${this.dir}/`);
    this.#aside.set(purpose, { hidden, fd });
    return fd;
  }

  #hidden(name: string, as: "new" | "old"): string {
    return `${this.dir}/.${name}.${this.#suffix}.tscriu-${as}`;
  }

  /**
   * Creates a file and gives its descriptor, which stays the transaction's to close. Errors: CrError.
   * @param purpose what it may have been set aside for
   */
  create(name: string, purpose?: string): number {
    if (this.#files.has(name)) throw new Error(`${name} is written twice in one run`);
    if (this.nowhere) {
      const fd = openSync("/dev/null", "r+");
      this.#open.set(name, fd);
      return fd;
    }
    const aside = purpose === undefined ? undefined : this.#aside.get(purpose);
    const spare = aside ?? this.#spare.pop();
    if (aside && purpose !== undefined) this.#aside.delete(purpose);
    const hidden = spare?.hidden ?? this.path(name);
    const fd = spare?.fd ?? createNew(hidden, `${this.dir}/${name}`);
    this.#files.set(name, hidden);
    this.#open.set(name, fd);
    this.#doomed.delete(name);
    return fd;
  }

  /** Closes a file that is complete. */
  close(name: string): void {
    const fd = this.#open.get(name);
    if (fd !== undefined) closeQuietly(fd);
    this.#open.delete(name);
  }

  symlink(name: string, target: string): void {
    try {
      symlinkSync(target, this.path(name));
    } catch (error) {
      throw storageError("link to the previous images", `${this.dir}/${name}`, error, toWrite);
    }
    this.#files.set(name, this.path(name));
  }

  /** At commit, a file of this name that was there before goes, unless this run writes one. */
  remove(name: string): void {
    if (!this.#files.has(name)) this.#doomed.add(name);
  }

  /**
   * Puts everything in place. `last`, if this run wrote it, appears when all others have; an older one goes first. `sync` brings
   * it to the disk. On an error everything is as it was before. Errors: CrError.
   */
  commit(last: string, place = renameSync as (from: string, to: string) => void): void {
    for (const name of [...this.#open.keys()]) if (name !== last) this.close(name);
    this.#unsynced = this.#open.get(last);
    this.#open.delete(last);
    const names = [...this.#files.keys()].filter((name) => name !== last);
    const replaced: string[] = [];
    const placed: string[] = [];
    const whole = this.#files.has(last);
    try {
      // one look at the directory instead of one for each of the names that a set may have
      const there = new Set(readdirSync(this.dir));
      for (const name of [...(whole ? [last] : []), ...this.#doomed, ...names])
        if (there.has(name) && this.#rename(`${this.dir}/${name}`, this.#hidden(name, "old"), true))
          replaced.push(name);
      for (const name of [...names, ...(whole ? [last] : [])]) {
        this.#rename(this.path(name), `${this.dir}/${name}`, false, name === last ? place : renameSync);
        placed.push(name);
      }
    } catch (error) {
      for (const name of placed.reverse()) this.#try(() => unlinkSync(`${this.dir}/${name}`));
      for (const name of replaced.reverse())
        this.#try(() => renameSync(this.#hidden(name, "old"), `${this.dir}/${name}`));
      this.abort();
      throw storageError("put the images in place", this.dir, error, toWrite);
    }
    this.#state = "committed";
    for (const name of replaced) this.#try(() => unlinkSync(this.#hidden(name, "old")));
  }

  /** After commit: the last file is on the disk when this returns, and nothing of ours is left. Errors: CrError. */
  sync(last: string): void {
    const fd = this.#unsynced;
    this.#unsynced = undefined;
    this.#dropSpares();
    if (fd === undefined) return;
    try {
      fsyncSync(fd);
    } catch (error) {
      throw storageError("bring the image to the disk", `${this.dir}/${last}`, error, toWrite);
    } finally {
      closeQuietly(fd);
    }
  }

  #dropSpares(): void {
    const left = [...this.#spare.splice(0), ...this.#aside.values()];
    this.#aside.clear();
    for (const { hidden, fd } of left) {
      closeQuietly(fd);
      this.#try(() => unlinkSync(hidden));
    }
  }

  /** Takes away what this run wrote; after commit only what nobody needs. */
  abort(): void {
    this.#dropSpares();
    if (this.#unsynced !== undefined) closeQuietly(this.#unsynced);
    this.#unsynced = undefined;
    if (this.#state !== "open") return;
    this.#state = "aborted";
    for (const name of [...this.#open.keys()]) this.close(name);
    for (const hidden of this.#files.values()) this.#try(() => unlinkSync(hidden));
  }

  /** False when there was nothing to rename and that is fine. */
  #rename(
    from: string,
    to: string,
    optional: boolean,
    rename = renameSync as (from: string, to: string) => void,
  ): boolean {
    try {
      rename(from, to);
      return true;
    } catch (error) {
      if (optional && errnoOf(error) === "ENOENT") return false;
      throw storageError("put the image in place", to, error, toWrite);
    }
  }

  #try(action: () => void): void {
    try {
      action();
    } catch {
      // On the way back as much as possible is undone; the error that led here is the one to tell.
    }
  }

  /** Removes what runs that were killed left behind. */
  #sweep(): void {
    let names: string[];
    try {
      // readdir alone would not notice a path that is no directory below /proc/self/fd.
      closeQuietly(openSync(this.dir, "r"));
      names = readdirSync(this.dir);
    } catch (error) {
      throw storageError("use the directory of the images", this.dir, error, toWrite);
    }
    for (const name of names) {
      const pid = Number(tempPattern.exec(name)?.[1] ?? 0);
      if (pid > 0 && !isAlive(pid)) this.#try(() => unlinkSync(`${this.dir}/${name}`));
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== "ESRCH";
  }
}
