/** Paths for inodes: file systems that make no handles leave nothing but looking for them. */
import { readdirSync } from "node:fs";
import { readIrmapCache, writeIrmapCache } from "../image/work.ts";
import { closeFd } from "../kernel/fd.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type FileStat, S_IFDIR, S_IFMT } from "../kernel/stat.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import type { Ground } from "./ground.ts";
import type { FileDump } from "./kind.ts";
import { fsDevice } from "./mounts.ts";
import { perRun } from "./per-run.ts";

/** Where programs usually watch: looked through after what the user names, and where the tree's files lie. */
const USUAL: readonly string[] = ["/etc", "/var/spool", "/var/log", "/usr/share/dbus-1", "/lib/udev", "/run"];
/** Directories of kernel file systems have no end and nobody's files. */
const SKIP: ReadonlySet<string> = new Set(["/proc", "/sys", "/dev"]);
/** Names that are looked at below a directory that nobody asked to scan. */
const GUESSED = 20_000;

const keyOf = (dev: number, ino: number) => `${dev}:${ino}`;

/** What was found so far in one dump. Every directory is walked through once, whatever is looked for. */
export class Irmap {
  /** The one of this dump; begins with what an earlier one left in the work directory. */
  static readonly of = perRun((dump: FileDump) => new Irmap(dump));

  readonly #paths = new Map<string, string>();
  readonly #asked = new Map<string, { dev: number; inode: number; path: string }>();
  readonly #walks: Iterator<void>[];

  private constructor(private readonly dump: FileDump) {
    for (const { dev, inode, path } of readIrmapCache(dump.options.workDir))
      this.#paths.set(keyOf(dev, Number(inode)), path);
    const named = dump.options.irmapScanPaths.map((path) => this.#walk(path, Number.POSITIVE_INFINITY));
    const near = nearby(dump).map((path) => this.#walk(path, GUESSED));
    this.#walks = [...named, ...near, ...USUAL.map((path) => this.#walk(path, Number.POSITIVE_INFINITY))];
  }

  /**
   * A path that leads to an inode.
   * @param dev device number of the file system itself, kernel encoding
   */
  find(dev: number, ino: number): string | undefined {
    const key = keyOf(dev, ino);
    while (true) {
      const path = this.#paths.get(key);
      if (path !== undefined && this.#leads(path, dev, ino)) {
        this.#asked.set(key, { dev, inode: ino, path });
        return path;
      }
      if (path !== undefined) this.#paths.delete(key);
      const [walk] = this.#walks;
      if (walk === undefined) return undefined;
      if (walk.next().done) this.#walks.shift();
    }
  }

  /** Keeps for the next dump what this one has found. */
  save(): void {
    if (this.#asked.size > 0) writeIrmapCache(this.dump.options.workDir, [...this.#asked.values()]);
  }

  #leads(path: string, dev: number, ino: number): boolean {
    const stat = this.dump.groundOf().stat(path, true);
    return stat !== undefined && stat.ino === ino && fsDevice(stat, this.dump) === dev;
  }

  /** Remembers all that lies on the file system of a directory, one name for each turn. */
  *#walk(start: string, atMost: number): Iterator<void> {
    const pending = [start.replace(/(.)\/+$/, "$1")];
    let device: number | undefined;
    const ground = this.dump.groundOf();
    for (let path = pending.pop(), seen = 0; path !== undefined && seen < atMost; path = pending.pop(), seen++) {
      const stat = SKIP.has(path) ? undefined : ground.stat(path, true);
      if (stat === undefined) continue;
      const dev = fsDevice(stat, this.dump);
      device ??= dev;
      const key = keyOf(dev, stat.ino);
      if (!this.#paths.has(key)) this.#paths.set(key, path);
      if (isDirectory(stat) && dev === device) pending.push(...namesIn(path, ground));
      yield;
    }
  }
}

const isDirectory = (stat: FileStat) => (stat.mode & S_IFMT) === S_IFDIR;

function namesIn(path: string, ground: Ground): string[] {
  const fd = ground.open(path, O.RDONLY | O.DIRECTORY);
  if (fd < 0) return [];
  try {
    return readdirSync(`/proc/self/fd/${fd}`).map((name) => (path === "/" ? `/${name}` : `${path}/${name}`));
  } catch {
    // Gone in the meantime, or not ours to read: it cannot be found there.
    return [];
  } finally {
    closeFd(fd);
  }
}

/** Directories that the tree works in or has open: what a program watches mostly lies there. */
function nearby(dump: FileDump): string[] {
  const open = dump.held.filter(({ file }) => isDirectory(file.stat)).map(({ file }) => file.link);
  return [...new Set([...dump.pids.map(cwdOf), ...open])].filter((path) => path.startsWith("/") && path !== "/");
}

function cwdOf(pid: number): string {
  using dir = new ProcDir(pid);
  return dir.link("cwd");
}
