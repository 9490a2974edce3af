/** What /proc/sys says of the machine. */
import { readdirSync, readFileSync } from "node:fs";

/** What changes by itself, or is of namespaces. */
const LIVELY =
  /(\/(random|pty|ns_last_pid|inode-nr|inode-state|file-nr|dentry-state|aio-nr|sched_domain|next_id|nr_\w*hugepages\w*)|\/stat_refresh|\/quota\/|flush|nf_conntrack_count)/;
const ROOT = "/proc/sys";

export function values(): Map<string, string> {
  const found = new Map<string, string>();
  for (const top of ["kernel", "vm", "fs", "net/core", "net/ipv4", "net/netfilter", "user"]) {
    let names: string[] = [];
    try {
      names = readdirSync(`${ROOT}/${top}`, { recursive: true, encoding: "utf8" });
    } catch {
      continue; // not in this kernel
    }
    for (const name of names) {
      const path = `${ROOT}/${top}/${name}`;
      // interfaces of other tests come and go
      if (LIVELY.test(path) || /\/(conf|neigh)\//.test(path)) continue;
      try {
        found.set(path, readFileSync(path, "latin1"));
      } catch {
        // a directory, or only to write
      }
    }
  }
  return found;
}
