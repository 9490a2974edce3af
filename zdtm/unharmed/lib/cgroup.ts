import { existsSync, mkdirSync, rmdirSync } from "node:fs";

/** A cgroup that a process may be put into, or undefined. */
export function freshCgroup(name: string): string | undefined {
  for (const top of ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"]) {
    const path = `${top}/${name}`;
    try {
      mkdirSync(path);
      if (existsSync(`${path}/cgroup.procs`)) return path;
      rmdirSync(path);
    } catch {
      // not here
    }
  }
  return undefined;
}
