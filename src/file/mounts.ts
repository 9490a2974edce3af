/** What mounts tell of files. */
import type { FileStat } from "../kernel/stat.ts";
import type { FileDump, FileRestore } from "./kind.ts";
import { perRun } from "./per-run.ts";

const devices = perRun((run: FileDump | FileRestore) => new Map(run.mounts.map(({ mntId, dev }) => [mntId, dev])));

/**
 * The device number of the file system itself, which marks show: on btrfs stat(2) tells that of the subvolume, on overlayfs
 * that of a layer.
 */
export function fsDevice(stat: FileStat, run: FileDump | FileRestore): number {
  return devices(run).get(stat.mntId) ?? stat.dev;
}
