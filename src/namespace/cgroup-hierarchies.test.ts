import { describe, expect, test } from "bun:test";
import { readlinkSync } from "node:fs";
import { ownMounts } from "../kernel/mount.ts";
import { cgroupsOf, Hierarchies, mountsOf } from "./cgroup-hierarchies.ts";

const LINES = [
  "20 1 0:20 / /sys/fs/cgroup rw - tmpfs tmpfs rw",
  "21 20 0:21 / /sys/fs/cgroup/cpu rw,nosuid - cgroup cgroup rw,cpu,cpuacct",
  "22 20 0:22 /docker /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids",
  "23 20 0:23 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory",
  "24 20 0:24 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio",
  "25 24 0:25 / /sys/fs/cgroup/blkio/deep rw - tmpfs tmpfs rw",
  "26 20 0:26 / /sys/fs/cgroup/unified rw shared:4 - cgroup2 cgroup2 rw,nsdelegate",
  "27 20 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd",
  "28 1 0:28 / /mnt/cpuset rw - cgroup cgroup rw,cpuset",
  "",
];
const found = (hierarchy: string) => mountsOf(hierarchy, LINES.join("\n")).map(({ mountpoint }) => mountpoint);

describe("hierarchies of cgroups", () => {
  test("mounts that show all of one, and may be written to", () => {
    expect(found("cpu,cpuacct")).toEqual(["/sys/fs/cgroup/cpu"]);
    expect(found("name=systemd")).toEqual(["/sys/fs/cgroup/systemd"]);
    expect(found("cpuset")).toEqual(["/mnt/cpuset"]);
    expect(found("")).toEqual(["/sys/fs/cgroup/unified"]);
  });

  test("none that shows a part, is read-only, or has something mounted upon it", () => {
    for (const hierarchy of ["pids", "memory", "blkio", "freezer"]) expect(found(hierarchy)).toEqual([]);
  });

  const mounted = ownMounts().find(({ fsType, root }) => fsType === "cgroup2" && root === "/");
  test.skipIf(process.getuid?.() !== 0 || mounted === undefined)("a mount that is there is the one", () => {
    using hierarchies = new Hierarchies(undefined);
    for (const { controllers } of cgroupsOf("self")) {
      const [there] = mountsOf(controllers, ownMounts().map(line).join("\n"));
      const directory = hierarchies.directory(controllers, "/");
      // a mount of ours stands nowhere
      expect(readlinkSync(directory)).toBe(there?.mountpoint ?? "/");
    }
  });
});

/** As the kernel writes it, as far as it matters here. */
const line = (one: ReturnType<typeof ownMounts>[number]) =>
  `${one.mntId} ${one.parentId} 0:0 ${one.root} ${one.mountpoint} ${one.options} - ${one.fsType} x ${one.superOptions}`;
