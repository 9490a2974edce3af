/** How tasks of a tree that grows come into namespaces that they were not born into. */
import { LAST_PID } from "../agent/pid.ts";
import type { Program } from "../agent/program.ts";
import type { Puppet } from "../agent/puppet.ts";
import type { Subject } from "../error.ts";
import { receiveFd, type Service } from "../file/numbers.ts";
import type { TaskKobjIdsEntry } from "../image/schema.gen.ts";
import { closeFd, O, openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import { setGroups } from "../task/creds.ts";
import type { GrownTask, GrowOptions } from "./growth.ts";
import { nestOf, ownPid } from "./pid-numbers.ts";
import type { Owner } from "./pid-spaces.ts";
import type { SavedTask } from "./set.ts";

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
  for (const one of toEnter(ids, before)) {
    const isUser = one.flag === CLONE.NEWUSER;
    if (!isUser || !waits)
      enterOne(
        program,
        one,
        sources.service,
        { pid },
        isUser ? groupsBefore({ ids, core }, before?.user_ns_id) : undefined,
      );
  }
  task.namespaces = waits ? { ...ids, user_ns_id: before?.user_ns_id } : ids;
}

function enterOne(
  program: Program,
  { fd, flag }: { readonly fd: number; readonly flag: number },
  service: Service,
  subject: Subject,
  groups: readonly number[] | undefined,
): void {
  if (groups) setGroups(program, groups);
  const theirs = receiveFd(program, service, fd);
  program.call(NR.setns, [theirs, flag], { what: "cannot enter a namespace", subject });
  program.call(NR.close, [theirs]);
  program.run();
}

/**
 * The user namespace that the pid namespace of an init belongs to: who makes that has to be there, with whatever else the init lives in.
 * Undefined where its parent is there.
 * @param before what the parent lives in
 * @returns who brings a helper there, and what the init lives in once it is born
 */
export function ownerOfInit(
  { ids, core, pid, tree }: SavedTask,
  before: TaskKobjIdsEntry | undefined,
  { ownerOf, toEnter, groupsBefore, sources }: Pick<GrowOptions, "ownerOf" | "toEnter" | "groupsBefore" | "sources">,
): { readonly owner: Owner; readonly namespaces: TaskKobjIdsEntry } | undefined {
  const found = ids && ownPid({ tree }) === 1 ? ownerOf(nestOf(tree).at(-1)) : undefined;
  if (ids === undefined || found === undefined || found.user === before?.user_ns_id) return undefined;
  const namespaces = { ...ids, user_ns_id: found.user };
  const enter = ({ program }: Puppet) => {
    for (const one of toEnter(namespaces, before)) {
      const isUser = one.flag === CLONE.NEWUSER;
      enterOne(
        program,
        one,
        sources.service,
        { pid },
        isUser ? groupsBefore({ ids: namespaces, core }, before?.user_ns_id) : undefined,
      );
    }
    const what = "cannot become the root of a user namespace";
    program.call(NR.setresgid, [found.gid, found.gid, found.gid], { what });
    program.call(NR.setresuid, [found.uid, found.uid, found.uid], { what });
    program.run();
  };
  return { owner: { enter }, namespaces };
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
