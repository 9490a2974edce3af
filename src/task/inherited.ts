/**
 * What a process has of whoever made it, and a restored one is not to have of whoever restores it: none of it stands in an image
 * where it is as every process has it that never asked for another.
 */
import type { Program } from "../agent/program.ts";
import type { CoreEntry, ThreadCoreEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import type { ProcStatus } from "../kernel/proc/status.ts";
import { sys } from "../kernel/sys.ts";
import { PR, PR_SPEC } from "../kernel/uapi/prctl.ts";
import type { Log } from "../log.ts";
import { DEFAULT_POLICY } from "./habits.ts";
import { DEFAULT_COREDUMP_FILTER, writeCoredumpFilter } from "./process.ts";
import { DEFAULT_SLACK } from "./sched.ts";
import { hasSeccomp } from "./seccomp.ts";

const PR_MCE_KILL_CLEAR = 0;

/** Our own thread, before it makes any: a task begins with its maker's timer slack, and goes back to that when it asks for 0. */
export function forgetSlack(): void {
  sys(NR.prctl, PR.SET_TIMERSLACK, DEFAULT_SLACK, 0, 0, 0);
}

/** In the first process, before it has memory of its own or children: six calls. What this kernel does not have nobody gave it. */
export function disinherit(program: Program): void {
  const set = (option: number, ...args: [number, number?]) =>
    program.call(NR.prctl, [option, args[0], args[1] ?? 0, 0, 0], { ignore: true });
  set(PR.MCE_KILL, PR_MCE_KILL_CLEAR);
  set(PR.SET_THP_DISABLE, 0);
  set(PR.SET_MEMORY_MERGE, 0);
  set(PR.SET_IO_FLUSHER, 0);
  set(PR.SET_SPECULATION_CTRL, PR_SPEC.STORE_BYPASS, PR_SPEC.ENABLE);
  set(PR.SET_SPECULATION_CTRL, PR_SPEC.INDIRECT_BRANCH, PR_SPEC.ENABLE);
}

/** What its core dump would hold, from outside: before it has children. */
export function disinheritOutside(pid: number): void {
  using own = new ProcDir(process.pid);
  const filter = own.optional("coredump_filter");
  if (filter === undefined || Number.parseInt(filter, 16) === DEFAULT_COREDUMP_FILTER) return;
  using dir = new ProcDir(pid);
  writeCoredumpFilter(dir, DEFAULT_COREDUMP_FILTER);
}

/**
 * On which nodes memory comes: whoever restores may choose that for the pages of the images (numactl), and so it goes when these
 * are there. Where our own thread has such a policy (`hasOwnPolicy`), before a process has threads.
 */
export function forgetPolicy(program: Program): void {
  program.call(NR.set_mempolicy, [DEFAULT_POLICY, 0, 0], { what: "cannot give up a policy of memory" });
  program.run();
}

interface Task {
  readonly pid: number;
  readonly core: CoreEntry;
  readonly threads: readonly { readonly core: CoreEntry }[];
}

/** What nobody can take off any more. @param own of a task that was made, before it becomes itself */
export function tellOfRemains(own: Pick<ProcStatus, "noNewPrivs" | "seccomp">, tasks: readonly Task[], log: Log): void {
  const find = (is: (thread: ThreadCoreEntry) => boolean) =>
    tasks.find(({ core, threads }) =>
      [core, ...threads.map((one) => one.core)].some((c) => c.thread_core && is(c.thread_core)),
    );
  const free = own.noNewPrivs ? find(({ creds }) => creds !== undefined && !creds.no_new_privs) : undefined;
  if (free)
    log.warn(
      `whoever restores may gain no privileges (no_new_privs), nor may tasks any more that could before: restore from where that is not set (systemd: NoNewPrivileges=no) (pid ${free.pid})`,
    );
  const open = own.seccomp !== 0 ? find((thread) => !hasSeccomp(thread)) : undefined;
  if (open)
    log.warn(
      `a filter of whoever restores (seccomp) stays on tasks that had none: restore from where there is none (pid ${open.pid})`,
    );
}
