/** Mounts that are made share with others as they did: peer groups, masters and slaves (mount_namespaces(7)). */
import { CrError } from "../error.ts";
import type { MntEntry } from "../image/schema.gen.ts";
import type { Caller } from "../kernel/envoy.ts";
import { openPath } from "../kernel/fd.ts";
import { ownMounts, trySetGroup, trySetMount } from "../kernel/mount.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { statFd } from "../kernel/stat.ts";
import { check } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { MNT } from "../kernel/uapi/mount.ts";
import type { Log } from "../log.ts";
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
 * @param entries all mounts of all namespaces, those that were not made too
 * @param outside groups that mounts of ours are in, too
 * @param own takes a descriptor that has to be closed
 */
export function shareAgain(
  entries: readonly MntEntry[],
  made: readonly Standing[],
  outside: ReadonlySet<number>,
  own: (fd: number) => number,
  log: Log,
): void {
  const byEntry = new Map(made.map((standing) => [standing.one.entry, standing]));
  const { steps, errors } = planGroups([...entries], outside);
  throwAll(errors);
  const standingOf = (entry: MntEntry): Standing => {
    const found = byEntry.get(entry);
    if (found === undefined) throw new CrError("a mount was not made", { subject: { path: entry.mountpoint } });
    return found;
  };
  const peerFd = (peerOf: MntEntry | { readonly outside: number }): number => {
    if ("outside" in peerOf) throw new CrError("a mount comes from nowhere outside", { code: "BAD_IMAGE" });
    return standingOf(peerOf).fd;
  };
  for (const { mount: entry, peerOf, slave, shared } of steps) {
    const standing = byEntry.get(entry);
    if (standing === undefined) continue;
    const { fd, call } = standing;
    const subject = { path: entry.mountpoint };
    const from = peerOf && "outside" in peerOf ? outsideOf(standing) : undefined;
    // what is given here may share with nobody; in images of criu nothing tells a group of a container's own from one with others
    const isAlone =
      peerOf !== undefined &&
      "outside" in peerOf &&
      isGiven(standing.one) &&
      !(from !== undefined && shares(from, slave));
    if (isAlone && slave)
      log.warn(`${entry.mountpoint} was a slave of a mount outside; what is given for it has no others`);
    if (peerOf && !isAlone) check(trySetGroup(from ? reach(from, own) : peerFd(peerOf), fd, call), what, subject);
    if (slave && !isAlone) check(trySetMount(fd, { propagation: MNT.SLAVE }, call), what, subject);
    if (shared || (isAlone && !slave)) check(trySetMount(fd, { propagation: MNT.SHARED }, call), what, subject);
  }
  for (const { one, fd, call } of made) {
    if ((one.entry.flags & MNT.UNBINDABLE) === 0) continue;
    check(trySetMount(fd, { propagation: MNT.UNBINDABLE }, call), what, { path: one.entry.mountpoint });
  }
}

const isGiven = ({ source }: PlannedMount) => source.how === "root" || source.how === "named";

/** A slave of a slave is one of the same master. */
const shares = ({ shared, master }: MountInfo, slave: boolean) =>
  shared !== undefined || (slave && master !== undefined);

const reach = ({ mountpoint }: MountInfo, own: (fd: number) => number) =>
  own(openPath(mountpoint, O.PATH | O.NOFOLLOW, "cannot open a mount outside"));

/** Our own mount that one of the tree comes from. */
function outsideOf({ origin }: Standing): MountInfo | undefined {
  const mntId = origin === undefined ? undefined : statFd(origin).mntId;
  return ownMounts().find((ours) => ours.mntId === mntId);
}
