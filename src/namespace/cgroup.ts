/**
 * Cgroup namespaces (cgroup_namespaces(7)): the root of one is the cgroup of whoever made it, at that time. So the root of a
 * restored tree makes its own while it is there, and goes where it belongs afterwards: see cgroup-restore.ts. Those of other tasks
 * and of threads are made by somebody who goes there.
 */
import { CrError } from "../error.ts";
import { Envoy, envoyOf } from "../kernel/envoy.ts";
import { closeFd, openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { parseCgroup } from "../kernel/proc/cgroup.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { addressOf, check, cstring, must } from "../kernel/sys.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import { cgroupsOf } from "./cgroup-hierarchies.ts";
import { managesCgroups } from "./cgroup-sets.ts";
import type { NamespaceKind } from "./kind.ts";
import { from, isBelow } from "./mnt-table.ts";

/** More than /proc/PID/cgroup ever has, bytes. */
const TEXT = 1 << 16;

/** /proc/PID/cgroup as those see it who live in its cgroup namespace: the kernel asks who reads. */
function seenInside(pid: number): string {
  const what = "cannot look into a cgroup namespace";
  const subject = { pid };
  const name = (text: string) => cstring(`/proc/${pid}/${text}`);
  const [link, file, text] = [name("ns/cgroup"), name("cgroup"), new Uint8Array(TEXT)];
  const namespace = must(NR.openat, [AT.FDCWD, addressOf(link), O.RDONLY | O.CLOEXEC, 0], what, subject);
  try {
    using envoy = new Envoy();
    const ask = (nr: number, ...args: number[]) => {
      const result = envoy.call(nr, ...args);
      if (result < 0) throw new CrError(what, { code: "EPERM", subject });
      return result;
    };
    ask(NR.setns, namespace, CLONE.NEWCGROUP);
    const fd = ask(NR.openat, AT.FDCWD, addressOf(file), O.RDONLY | O.CLOEXEC, 0);
    try {
      return Buffer.from(text.subarray(0, ask(NR.read, fd, addressOf(text), text.length))).toString("latin1");
    } finally {
      closeFd(fd);
    }
  } finally {
    closeFd(namespace);
  }
}

/** Where the cgroup namespace of a task begins in each hierarchy, as we see it. */
export function namespaceRoots(pid: number): Map<string, string> {
  const inside = new Map(parseCgroup(seenInside(pid)).map(({ controllers, path }) => [controllers, path]));
  const roots = new Map<string, string>();
  for (const { controllers, path } of cgroupsOf(`${pid}`)) {
    const seen = inside.get(controllers);
    if (seen === undefined) continue;
    // "/..": it has left its namespace, whose root cannot be told from here
    if (seen === "/") roots.set(controllers, path);
    else if (path.endsWith(seen)) roots.set(controllers, path.slice(0, -seen.length) || "/");
  }
  return roots;
}

/** The root of a cgroup file system's mount as it is seen in a cgroup namespace that begins there; undefined for any other mount. */
export function rootInside(mount: MountInfo, roots: ReadonlyMap<string, string>): string | undefined {
  const words = mount.superOptions.split(",");
  for (const [hierarchy, root] of roots) {
    const isIt =
      hierarchy === ""
        ? mount.fsType === "cgroup2"
        : mount.fsType === "cgroup" && hierarchy.split(",").every((word) => words.includes(word));
    if (isIt && isBelow(mount.root, root)) return from(root, mount.root);
  }
  return undefined;
}

export const cgroup: NamespaceKind = {
  name: "cgroup",
  flag: 0,
  entered: CLONE.NEWCGROUP,

  problems(_, { cgroups: { mode } }) {
    if (managesCgroups(mode)) return [];
    return [
      new CrError("the tree has a cgroup namespace of its own, whose root is a cgroup", {
        code: "ENOTSUP",
        remedy: "save its cgroups too: leave --manage-cgroups=ignore out",
      }),
    ];
  },

  fill({ program, images, id: first, ids, isRoots, owner, entrance, atEnd, enterCgroupRoot }) {
    const keep = (id: number, fd: number) => {
      atEnd(() => closeFd(fd));
      entrance(id, fd);
    };
    // tasks of a tree in another one may live in ours
    const ours = images.inventory.root_ids?.cgroup_ns_id;
    if (ours !== undefined) keep(ours, openPath("/proc/self/ns/cgroup", O.RDONLY));
    for (const id of ids) {
      if (id === first && isRoots) {
        program.call(NR.unshare, [CLONE.NEWCGROUP], { what: "cannot make a cgroup namespace" });
        // before whatever else asks for it: the root goes on to its own cgroup
        program.run();
        continue;
      }
      using maker = envoyOf(owner(id));
      enterCgroupRoot(id, maker.pid);
      check(maker.call(NR.unshare, CLONE.NEWCGROUP), "cannot make a cgroup namespace");
      keep(id, openPath(`/proc/${maker.pid}/ns/cgroup`, O.RDONLY, "cannot open a cgroup namespace"));
    }
  },
};
