/** File systems that programs answer for (FUSE). Who asks one that a stopped task answers for waits for ever. */
import { readdirSync, readlinkSync } from "node:fs";
import { CrError } from "../error.ts";
import { readProcFile } from "../kernel/proc/read.ts";
import type { FrozenTask } from "./tree.ts";

const MOUNTED = / - fuse(blk)?[. ]/;
const DEVICE = "/dev/fuse";

function isServed(pid: number, fd: string): boolean {
  const path = `/proc/${pid}/fd/${fd}`;
  try {
    const link = readlinkSync(path);
    // newer kernels say so, wherever the device lies
    return link === DEVICE || (link.endsWith("fuse") && readProcFile(`/proc/${pid}/fdinfo/${fd}`).includes("fuse_"));
  } catch {
    return false;
  }
}

/**
 * Before anything is asked of a file of the tree.
 * @param mountsOf the number of the mount namespace of a task
 */
export function requireNobodyServes(tasks: readonly FrozenTask[], mountsOf: (pid: number) => number | undefined): void {
  const alive = tasks.filter(({ zombie }) => !zombie);
  const members = new Map(alive.map(({ pid }) => [mountsOf(pid), pid]));
  if (![...members.values()].some((pid) => MOUNTED.test(readProcFile(`/proc/${pid}/mountinfo`)))) return;
  for (const { pid } of alive) {
    const fd = readdirSync(`/proc/${pid}/fd`).find((name) => isServed(pid, name));
    if (fd === undefined) continue;
    throw new CrError("a task of the tree is the program of a FUSE file system: who uses that waits for it", {
      code: "ENOTSUP",
      subject: { pid, fd: Number(fd) },
      remedy:
        "unmount it before the dump, or start its program outside of the tree and name its mount: --external mnt[PATH]:NAME",
    });
  }
}
