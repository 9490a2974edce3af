/** What must be so before a tree can be dumped: looked at from outside, all problems at once. */
import { CrError } from "../error.ts";
import { restrictedByLandlock, tellsOfLandlock } from "../kernel/landlock.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type ProcStat, parseStat } from "../kernel/proc/stat.ts";
import { type ProcStatus, parseStatus } from "../kernel/proc/status.ts";
import { handlesOwnCalls } from "../kernel/ptrace.ts";
import type { NamespaceIds } from "../namespace/ids.ts";
import { namespaceKind } from "../namespace/registry.ts";
import { areRootsClocks, birthProblems, ownerProblems } from "../namespace/user.ts";
import type { DumpOptions } from "../options.ts";
import { tidsOf } from "./dead-leader.ts";
import type { VirtualPids } from "./pids.ts";
import type { FrozenTask, FrozenTree } from "./tree.ts";

function checkNamespaces(namespaces: NamespaceIds, options: DumpOptions, blocker: (error: CrError) => void): void {
  for (const { name, link, member } of namespaces.foreign) {
    const kind = namespaceKind(name);
    for (const problem of kind?.problems?.(member, options) ?? []) blocker(problem);
    if (kind) continue;
    blocker(
      new CrError(`the task lives in a ${name} namespace of its own: containers are not supported yet`, {
        code: "ENOTSUP",
        subject: { pid: member, namespace: link },
        remedy: "dump it from inside that namespace, or use criu",
      }),
    );
  }
}

/**
 * The next children's time namespace, where it is another one, has to be made by the task itself: which then lives in the user
 * namespace of the root, for it goes on to its own afterwards.
 */
function checkChildrensClocks(
  task: FrozenTask,
  root: number,
  pids: VirtualPids,
  blocker: (error: CrError) => void,
): void {
  const makers = [
    ...(pids.clocksBornInto(task.pid) === undefined ? [] : [task.pid]),
    ...tidsOf(task).filter((tid) => (pids.ofThread(tid)?.clocks_born_into ?? 0) !== 0),
  ];
  for (const pid of makers) {
    if (areRootsClocks(pid, root)) continue;
    blocker(
      new CrError(
        "the time namespace of a task's next children belongs to another user namespace than that of the tree's root: this is not supported yet",
        {
          code: "ENOTSUP",
          subject: { pid },
          remedy: "dump the tree of a task that lives in that user namespace by itself",
        },
      ),
    );
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
  if (livesBelow(process.pid, pid)) {
    throw new CrError("tscriu cannot dump itself or the processes that it runs below", {
      code: "EINVAL",
      subject,
      remedy: pid === process.pid ? "name another process" : "start tscriu from outside of that tree",
    });
  }
}

/** Is a process the root of a tree, or one of its descendants? */
export function livesBelow(pid: number, root: number): boolean {
  for (let above = pid; above > 0; above = parentOf(above)) if (above === root) return true;
  return false;
}

function parentOf(pid: number): number {
  try {
    using dir = new ProcDir(pid);
    return parseStat(dir.text("stat")).ppid;
  } catch {
    return 0;
  }
}

/** Only who may gain no more privileges is asked about, which all must be but root: to look takes a while. */
function checkLandlock(tree: FrozenTree, blocker: (error: CrError) => void): void {
  if (!tellsOfLandlock(tree.root.status)) return;
  const asked = tree.tasks.filter(({ zombie, status }) => !zombie && status.noNewPrivs);
  const tids = new Map(asked.flatMap(({ pid, threads }) => threads.map(({ tid }) => [tid, pid] as const)));
  for (const tid of restrictedByLandlock([...tids.keys()]))
    blocker(
      new CrError("a task has restricted itself by Landlock, and nobody can read its rules: it would come back free", {
        code: "ENOTSUP",
        subject: { pid: tids.get(tid) ?? tid, ...(tids.get(tid) !== tid && { tid }) },
        remedy: "dump it before it restricts itself, or have the program run without (landlock(7))",
      }),
    );
}

/** Calls that we would have such a thread make would be handed to the program. Half a microsecond for each thread. */
function checkOwnCalls({ pid, threads }: FrozenTask, blocker: (error: CrError) => void): void {
  const found = threads.find(({ tid }) => handlesOwnCalls(tid));
  if (!found) return;
  blocker(
    new CrError("a thread handles its own system calls (PR_SET_SYSCALL_USER_DISPATCH), which is not supported", {
      code: "ENOTSUP",
      subject: { pid, tid: found.tid },
      remedy: "dump it while that is switched off: Wine does it for some programs",
    }),
  );
}

export function checkTree(
  tree: FrozenTree,
  pids: VirtualPids,
  namespaces: NamespaceIds,
  blocker: (error: CrError) => void,
  options: DumpOptions,
): void {
  const { root } = tree;
  const { shellJob } = options;
  checkNamespaces(namespaces, options, blocker);
  for (const problem of ownerProblems(root.pid, namespaces.foreign, options)) blocker(problem);
  for (const problem of birthProblems(tree.tasks, namespaces.foreign)) blocker(problem);
  for (const task of tree.tasks) {
    if (task.stat.flags & PF_KTHREAD) {
      blocker(new CrError("a kernel thread is in the tree", { code: "ENOTSUP", subject: { pid: task.pid } }));
    }
    if (task.zombie) continue;
    checkChildrensClocks(task, root.pid, pids, blocker);
    checkOwnCalls(task, blocker);
  }
  checkLandlock(tree, blocker);
  if (pids.sessionOf(root) !== pids.of(root.leader) && !shellJob) {
    blocker(
      new CrError("the process is not the leader of its session: it hangs on a session that is not part of the tree", {
        code: "ENOTSUP",
        subject: { pid: root.pid, session: root.stat.sid },
        remedy: "pass --shell-job on dump and restore, or start the program with setsid",
      }),
    );
  }
}
