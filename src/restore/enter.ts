/** How tasks of a tree that grows come into namespaces that they were not born into. */
import { LAST_PID } from "../agent/pid.ts";
import type { Puppet } from "../agent/puppet.ts";
import { receiveFd, type Service } from "../file/numbers.ts";
import { closeFd, O, openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import { setGroups } from "../task/creds.ts";
import type { GrownTask, GrowOptions } from "./grow.ts";

/**
 * Into the namespaces that a task does not share with whom it was cloned by, before it has children. Into a user namespace only at the
 * end, for there it may not choose their numbers; but nobody enters one who shares root and working directory.
 */
export function enterNamespaces(
  task: GrownTask,
  { toEnter, groupsBefore, sources }: Pick<GrowOptions, "toEnter" | "groupsBefore" | "sources">,
  isLast = false,
): void {
  const { program } = task.puppet;
  const { ids, children, core, pid } = task.saved;
  if (!ids) return;
  const before = task.namespaces;
  const waits = !isLast && !children.some((child) => child.ids?.fs_id === ids.fs_id);
  for (const { fd, flag } of toEnter(ids, before)) {
    const isUser = flag === CLONE.NEWUSER;
    if (isUser && waits) continue;
    const groups = isUser ? groupsBefore({ ids, core }) : undefined;
    if (groups) setGroups(program, groups);
    const theirs = receiveFd(program, sources.service, fd);
    program.call(NR.setns, [theirs, flag], { what: "cannot enter a namespace", subject: { pid } });
    program.call(NR.close, [theirs]);
    program.run();
  }
  task.namespaces = waits ? { ...ids, user_ns_id: before?.user_ns_id } : ids;
}

/** The root says which number its pid namespace gave last: who lives in a user namespace below may not. */
export function sayLast(root: Puppet, number: number, service: Service): void {
  const what = "cannot choose the number of a task";
  const file = openPath(LAST_PID, O.WRONLY, what);
  const text = Buffer.from(`${number}`);
  const { program } = root;
  try {
    const theirs = receiveFd(program, service, file);
    program.call(NR.write, [theirs, program.data(text), text.length], { what });
    program.call(NR.close, [theirs]);
    program.run();
  } finally {
    closeFd(file);
  }
}
