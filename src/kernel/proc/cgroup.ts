import { CrError } from "../../error.ts";

/** Membership in one hierarchy: a line of /proc/PID/cgroup (cgroups(7)). */
export interface CgroupMembership {
  /** 0 for cgroup v2. */
  readonly hierarchy: number;
  /** Controllers as one string, `cpu,cpuacct` or `name=systemd`; empty for v2. */
  readonly controllers: string;
  /** Path below the reading process's cgroup namespace root. ` (deleted)` at its end is kept. */
  readonly path: string;
}

/**
 * The text of /proc/PID/cgroup.
 * @throws CrError BAD_PROC
 */
export function parseCgroup(text: string): CgroupMembership[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      // a path may hold colons, a named hierarchy may not
      const match = /^(\d+):([^:]*):(.*)$/.exec(line);
      if (!match) throw new CrError("a cgroup of an unknown form in /proc", { code: "BAD_PROC", subject: { line } });
      return { hierarchy: Number(match[1]), controllers: match[2] ?? "", path: match[3] ?? "" };
    });
}
