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
  /** Final names, in order of creation. */
  readonly #files = new Set<string>();
  readonly #doomed = new Set<string>();
  readonly #open = new Map<string, number>();
  #state: "open" | "committed" | "aborted" = "open";

  constructor(readonly dir: string) {
    // Several transactions of one process may share a directory; the pid tells later runs whose leftovers these are.
    this.#suffix = `${++runs}.${process.pid}`;
    this.#sweep();
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  /** Path of a file until commit. */
  path(name: string): string {
    return this.#hidden(name, "new");
  }

  #hidden(name: string, as: "new" | "old"): string {
    return `${this.dir}/.${name}.${this.#suffix}.tscriu-${as}`;
  }

  /** Creates a file and gives its descriptor, which stays the transaction's to close. Errors: CrError. */
  create(name: string): number {
    if (this.#files.has(name)) throw new Error(`${name} is written twice in one run`);
    const fd = createNew(this.path(name), `${this.dir}/${name}`);
    this.#files.add(name);
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
    this.#files.add(name);
  }

  /** At commit, a file of this name that was there before goes, unless this run writes one. */
  remove(name: string): void {
    if (!this.#files.has(name)) this.#doomed.add(name);
  }

  /**
   * Puts everything in place. `last`, if this run wrote it, is on the disk before it appears, and appears when all
   * others have; an older one goes first. On an error everything is as it was before. Errors: CrError.
   */
  commit(last: string): void {
    for (const name of [...this.#open.keys()]) {
      if (name === last) this.#sync(name);
      this.close(name);
    }
    const names = [...this.#files].filter((name) => name !== last);
    const replaced: string[] = [];
    const placed: string[] = [];
    const whole = this.#files.has(last);
    try {
      for (const name of [...(whole ? [last] : []), ...this.#doomed, ...names])
        if (this.#rename(`${this.dir}/${name}`, this.#hidden(name, "old"), true)) replaced.push(name);
      for (const name of [...names, ...(whole ? [last] : [])]) {
        this.#rename(this.path(name), `${this.dir}/${name}`, false);
        placed.push(name);
      }
    } catch (error) {
      for (const name of placed.reverse()) this.#try(() => unlinkSync(`${this.dir}/${name}`));
      for (const name of replaced.reverse())
        this.#try(() => renameSync(this.#hidden(name, "old"), `${this.dir}/${name}`));
      this.abort();
      throw error;
    }
    this.#state = "committed";
    for (const name of replaced) this.#try(() => unlinkSync(this.#hidden(name, "old")));
  }

  /** Takes away what this run wrote. Does nothing after commit. */
  abort(): void {
    if (this.#state !== "open") return;
    this.#state = "aborted";
    for (const name of [...this.#open.keys()]) this.close(name);
    for (const name of this.#files) this.#try(() => unlinkSync(this.path(name)));
  }

  #sync(name: string): void {
    const fd = this.#open.get(name);
    if (fd === undefined) return;
    try {
      fsyncSync(fd);
    } catch (error) {
      throw storageError("bring the image to the disk", `${this.dir}/${name}`, error, toWrite);
    }
  }

  /** False when there was nothing to rename and that is fine. */
  #rename(from: string, to: string, optional: boolean): boolean {
    try {
      renameSync(from, to);
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
