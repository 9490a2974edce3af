/** Mounts that are made share with others as they did: peer groups, masters and slaves (mount_namespaces(7)). */
import { CrError } from "../error.ts";
import type { MntEntry } from "../image/schema.gen.ts";
import type { Caller } from "../kernel/envoy.ts";
import { openPath } from "../kernel/fd.ts";
import { ownMounts, trySetGroup, trySetMount } from "../kernel/mount.ts";
import { statFd } from "../kernel/stat.ts";
import { check } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { MNT } from "../kernel/uapi/mount.ts";
import { throwAll } from "./mnt-check.ts";
import { planGroups } from "./mnt-groups.ts";
import type { PlannedMount } from "./mnt-plan.ts";

/** A mount that stands where it belongs. */
export interface Standing {
  readonly one: PlannedMount;
  readonly fd: number;
  /** Acts in its namespace. */
  readonly call: Caller;
  /** What it comes from outside; undefined for a new one. */
  readonly origin: number | undefined;
}

const what = "cannot make a mount share with others as it did";

/**
 * Without the groups of mounts that come from the new root, where that shares with nobody here: in images of criu nothing tells
 * a group that a container has for itself from one with mounts outside.
 */
export function sharedHere(groups: ReadonlySet<number>, made: readonly Standing[]): ReadonlySet<number> {
  const ofRoot = made.filter(({ one }) => one.source.how === "root" && groups.has(one.entry.shared_id ?? 0));
  if (ofRoot.length === 0) return groups;
  const shared = new Set(ownMounts().flatMap((ours) => (ours.shared === undefined ? [] : [ours.mntId])));
  const lone = ofRoot.filter(({ origin }) => origin === undefined || !shared.has(statFd(origin).mntId));
  const left = new Set(groups);
  for (const { one } of lone) left.delete(one.entry.shared_id ?? 0);
  return left;
}

/**
 * @param entries all mounts of all namespaces, those that were not made too
 * @param outside groups that mounts of ours are in, too
 * @param own takes a descriptor that has to be closed
 */
export function shareAgain(
  entries: readonly MntEntry[],
  made: readonly Standing[],
  outside: ReadonlySet<number>,
  own: (fd: number) => number,
): void {
  const byEntry = new Map(made.map((standing) => [standing.one.entry, standing]));
  const { steps, errors } = planGroups([...entries], outside);
  throwAll(errors);
  const standingOf = (entry: MntEntry): Standing => {
    const found = byEntry.get(entry);
    if (found === undefined) throw new CrError("a mount was not made", { subject: { path: entry.mountpoint } });
    return found;
  };
  for (const { mount: entry, peerOf, slave, shared } of steps) {
    const standing = byEntry.get(entry);
    if (standing === undefined) continue;
    const { fd, call } = standing;
    const subject = { path: entry.mountpoint };
    const peer = peerOf && ("outside" in peerOf ? undefined : standingOf(peerOf));
    if (peerOf) check(trySetGroup(peer ? peer.fd : outsideOf(standing, own), fd, call), what, subject);
    if (slave) check(trySetMount(fd, { propagation: MNT.SLAVE }, call), what, subject);
    if (shared) check(trySetMount(fd, { propagation: MNT.SHARED }, call), what, subject);
  }
  for (const { one, fd, call } of made) {
    if ((one.entry.flags & MNT.UNBINDABLE) === 0) continue;
    check(trySetMount(fd, { propagation: MNT.UNBINDABLE }, call), what, { path: one.entry.mountpoint });
  }
}

/** Our own mount that one of the tree comes from. */
function outsideOf({ one, origin }: Standing, own: (fd: number) => number): number {
  const mntId = origin === undefined ? undefined : statFd(origin).mntId;
  const mount = ownMounts().find((ours) => ours.mntId === mntId);
  const subject = { path: one.entry.mountpoint };
  if (mount === undefined) throw new CrError("a mount comes from nowhere outside", { code: "BAD_IMAGE", subject });
  return own(openPath(mount.mountpoint, O.PATH | O.NOFOLLOW, "cannot open a mount outside"));
}
