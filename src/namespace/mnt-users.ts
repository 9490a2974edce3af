/** What a user namespace makes of mounts: some cannot be taken away in it, and their options name users as it calls them. */
import type { IdTranslation } from "../image/ids.ts";
import type { Caller } from "../kernel/envoy.ts";
import { closeFd } from "../kernel/fd.ts";
import { tryDetach, tryOpenThere } from "../kernel/mount.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { statFd } from "../kernel/stat.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { wordsOf } from "./mnt-options.ts";
import { NOBODY } from "./user-ids.ts";

/** Options as the tree's own user namespace has them: the kernel shows us users and groups as we call them. */
export function optionsInside(options: string, ids: IdTranslation | undefined): string {
  if (!ids) return options;
  const words = wordsOf(options).flatMap((word) => {
    const [, what, id] = /^(uid|gid)=(\d+)$/.exec(word) ?? [];
    if (what === undefined) return [word];
    const inside = what === "uid" ? ids.uid(Number(id)) : ids.gid(Number(id));
    return inside === NOBODY ? [] : [`${what}=${inside}`];
  });
  return words.join(",");
}

/**
 * Tries to take away one mount after the other, those upon others first: in a copy of their namespace.
 * @param copies what they are there
 * @returns numbers of those that stay
 */
export function lockedOf(
  all: readonly MountInfo[],
  copies: ReadonlyMap<number, MountInfo>,
  root: MountInfo | undefined,
  call: Caller,
): Set<number> {
  const left = new Set(all.filter((one) => one !== root));
  for (let moved = true; moved; ) {
    moved = false;
    for (const mount of [...left].reverse()) {
      if ([...left].some(({ parentId, mntId }) => parentId === mount.mntId && mntId !== mount.mntId)) continue;
      const fd = tryOpenThere(mount.mountpoint, O.PATH, call);
      if (fd < 0) continue;
      const isIt = statFd(fd).mntId === copies.get(mount.mntId)?.mntId;
      closeFd(fd);
      if (!isIt || tryDetach(mount.mountpoint, call) < 0) continue;
      left.delete(mount);
      moved = true;
    }
  }
  return new Set([...left].map(({ mntId }) => mntId));
}
