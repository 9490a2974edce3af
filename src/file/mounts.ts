/** Mounts that we can see, read once for each run. */
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import type { FileStat } from "../kernel/stat.ts";
import { ownMounts } from "./handle.ts";
import type { FileDump, FileRestore } from "./kind.ts";
import { perRun } from "./per-run.ts";

export const mountsOf = perRun((_: FileDump | FileRestore): readonly MountInfo[] => ownMounts());

const devices = perRun((run: FileDump | FileRestore) => new Map(mountsOf(run).map(({ mntId, dev }) => [mntId, dev])));

/**
 * The device number of the file system itself, which marks show: on btrfs stat(2) tells that of the subvolume, on overlayfs
 * that of a layer.
 */
export function fsDevice(stat: FileStat, run: FileDump | FileRestore): number {
  return devices(run).get(stat.mntId) ?? stat.dev;
}
