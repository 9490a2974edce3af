/** What must be so before a tree can be dumped: looked at from outside, all problems at once. */
import { readlinkSync } from "node:fs";
import { CrError } from "../error.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type ProcStat, parseStat } from "../kernel/proc/stat.ts";
import { type ProcStatus, parseStatus } from "../kernel/proc/status.ts";
import type { FrozenTask, FrozenTree } from "./tree.ts";

const NAMESPACES = ["pid", "net", "ipc", "uts", "mnt", "user", "cgroup", "time"] as const;

/** Namespaces of ours, read once. */
export function ownNamespaces(): ReadonlyMap<string, string> {
  return new Map(NAMESPACES.map((name) => [name, link(`/proc/self/ns/${name}`)]));
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** Namespaces of the task's own: containers are another matter. */
function foreignNamespaces(
  task: FrozenTask,
  ours: ReadonlyMap<string, string>,
  blocker: (error: CrError) => void,
): void {
  for (const [name, own] of ours) {
    const theirs = link(`/proc/${task.pid}/ns/${name}`);
    if (own !== "" && theirs !== "" && theirs !== own) {
      blocker(
        new CrError(`the task lives in a ${name} namespace of its own: containers are not supported yet`, {
          code: "ENOTSUP",
          subject: { pid: task.pid, namespace: theirs },
          remedy: "dump it from inside that namespace, or use criu",
        }),
      );
    }
  }
}

const PF_KTHREAD = 0x200000;

/** What the process may not be, looked at before anything is stopped. */
export function checkRoot(pid: number): void {
  const subject = { pid };
  let stat: ProcStat;
  let status: ProcStatus;
  try {
    using dir = new ProcDir(pid);
    stat = parseStat(dir.text("stat"));
    status = parseStatus(dir.text("status"));
  } catch {
    throw new CrError("there is no such process", { code: "ESRCH", subject, remedy: "look it up with ps or pgrep" });
  }
  if (status.tgid !== pid) {
    throw new CrError(`this is a thread of process ${status.tgid}`, {
      code: "EINVAL",
      subject,
      remedy: `pass --tree ${status.tgid}`,
    });
  }
  if (stat.flags & PF_KTHREAD) {
    throw new CrError("this is a kernel thread", { code: "ENOTSUP", subject, remedy: "name a process of a program" });
  }
  for (let above = process.pid; above > 0; above = parentOf(above)) {
    if (above !== pid) continue;
    throw new CrError("tscriu cannot dump itself or the processes that it runs below", {
      code: "EINVAL",
      subject,
      remedy: pid === process.pid ? "name another process" : "start tscriu from outside of that tree",
    });
  }
}

function parentOf(pid: number): number {
  try {
    using dir = new ProcDir(pid);
    return parseStat(dir.text("stat")).ppid;
  } catch {
    return 0;
  }
}

export function checkTree(tree: FrozenTree, blocker: (error: CrError) => void, shellJob: boolean): void {
  const ours = ownNamespaces();
  const { root } = tree;
  for (const task of tree.tasks) {
    if (!task.zombie) {
      foreignNamespaces(task, ours, blocker);
    }
    if (task.stat.flags & 0x200000) {
      blocker(new CrError("a kernel thread is in the tree", { code: "ENOTSUP", subject: { pid: task.pid } }));
    }
  }
  if (root.stat.sid !== root.pid && !shellJob) {
    blocker(
      new CrError("the process is not the leader of its session: it hangs on a session that is not part of the tree", {
        code: "ENOTSUP",
        subject: { pid: root.pid, session: root.stat.sid },
        remedy: "pass --shell-job on dump and restore, or start the program with setsid",
      }),
    );
  }
}
