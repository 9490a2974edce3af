import { readdirSync } from "node:fs";
import { type FileStat, S_IFDIR, S_IFMT, statPath } from "../kernel/stat.ts";

/** Where programs usually watch: looked through after what the user names. */
const USUAL: readonly string[] = ["/etc", "/var/spool", "/var/log", "/usr/share/dbus-1", "/lib/udev", "/run"];
/** Directories of kernel file systems have no end and nobody's files. */
const SKIP: ReadonlySet<string> = new Set(["/proc", "/sys", "/dev"]);

/**
 * Finds a path for an inode by walking through directories: for file systems that make no handles. Stays on the device of
 * the inode.
 * @param dev device number as stat(2) shows it, kernel encoding
 */
export function findInode(dev: number, ino: number, places: readonly string[]): string | undefined {
  const isIt = (stat: FileStat) => stat.dev === dev && stat.ino === ino;
  for (const place of [...places, ...USUAL]) {
    const found = walk(place.replace(/(.)\/+$/, "$1"), isIt, dev);
    if (found !== undefined) return found;
  }
  return undefined;
}

function walk(start: string, isIt: (stat: FileStat) => boolean, dev: number): string | undefined {
  const pending = [start];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const stat = statPath(path, true);
    if (stat === undefined || SKIP.has(path)) continue;
    if (isIt(stat)) return path;
    if ((stat.mode & S_IFMT) !== S_IFDIR || (stat.dev !== dev && path !== start)) continue;
    for (const name of namesIn(path)) pending.push(path === "/" ? `/${name}` : `${path}/${name}`);
  }
  return undefined;
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    // Gone in the meantime, or not ours to read: it cannot be found there.
    return [];
  }
}
