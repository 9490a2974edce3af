/** Process groups of a tree that has grown. */
import type { Program } from "../agent/program.ts";
import type { Puppet } from "../agent/puppet.ts";
import { NR } from "../kernel/nr.ts";
import type { Forest } from "./grow.ts";
import type { GrownTask } from "./growth.ts";
import { type Group, groupOf, nestOf, ownGroup, seenBy } from "./pid-numbers.ts";
import type { SavedTask } from "./set.ts";

/** Process groups: leaders first, helpers for groups whose leader is gone, and last who has left the group that it leads. */
export function makeGroups(forest: Forest): void {
  const all = [...forest.tasks.values()];
  const { root } = forest.set;
  const keepsOurs = (saved: SavedTask) =>
    forest.options.shellJob && saved.tree.pgid === root.tree.pgid && !forest.tasks.has(root.tree.pgid);
  for (const task of all)
    if (task.saved.tree.pgid === task.saved.pid && task.pgid !== task.saved.pid) join(forest, task);
  const departed = new Set(whoHasLeft(all).filter(({ saved }) => !keepsOurs(saved)));
  for (const task of departed) {
    run(task.puppet, (program) => void program.call(NR.setpgid, [0, 0], { what: "cannot make a process group" }));
    task.pgid = task.saved.pid;
  }
  const helpers = new Map<number, { helper: Puppet; parent: Puppet }>();
  for (const task of [...all.filter((task) => !departed.has(task)), ...departed]) {
    const { pgid } = task.saved.tree;
    if (pgid === task.pgid || keepsOurs(task.saved)) continue;
    if (!forest.tasks.has(pgid) && !helpers.has(pgid) && !all.some((t) => t.pgid === pgid)) {
      const group = groupOf(task.saved, "pgid");
      const parent = whoCanMake(forest, group, task).puppet;
      const helper = forest.makeHelper(parent, group);
      run(helper, (program) => void program.call(NR.setpgid, [0, 0], { what: "cannot make a process group" }));
      helpers.set(pgid, { helper, parent });
    }
    join(forest, task);
  }
  for (const { helper, parent } of helpers.values()) forest.pids.dismiss(helper, parent);
}

/**
 * Leaders of groups with members who are in another group themselves by now. Who goes to the group of one of the others stands before
 * that: it ends with its last member.
 */
function whoHasLeft(all: readonly GrownTask[]): GrownTask[] {
  const groups = new Set(all.map(({ saved }) => saved.tree.pgid));
  const left = all.filter(({ saved, sid }) => {
    const { pid, tree } = saved;
    return tree.pgid !== pid && sid !== pid && groups.has(pid);
  });
  const ordered: GrownTask[] = [];
  while (left.length > 0) {
    const free = left.findIndex(({ saved }) => !left.some((other) => other.saved.tree.pgid === saved.pid));
    ordered.push(...left.splice(Math.max(0, free), 1));
  }
  return ordered;
}

/** Who can clone the leader of a group that is gone: somebody of its session who lives where it did, or above. */
function whoCanMake(forest: Forest, { nest }: Group, member: GrownTask): GrownTask {
  const isFit = ({ saved, sid }: GrownTask) =>
    !saved.zombie && sid === member.sid && nestOf(saved.tree).every((id, i) => nest[i] === id);
  return isFit(member) ? member : ([...forest.tasks.values()].find(isFit) ?? member);
}

/** A task into its process group: by itself, or where it cannot see that by its parent. */
function join(forest: Forest, task: GrownTask): void {
  const { saved, puppet } = task;
  const { pgid } = saved.tree;
  const what = `cannot join process group ${pgid}`;
  const own = ownGroup(saved);
  const parent = saved.parent && forest.tasks.get(saved.parent.pid);
  if (own !== 0)
    run(puppet, (program) => void program.call(NR.setpgid, [0, own], { what, subject: { pid: saved.pid } }));
  else if (parent) {
    const group = seenBy(parent.saved, groupOf(saved, "pgid").numbers);
    run(parent.puppet, (program) => {
      program.call(NR.setpgid, [puppet.seen, group], { what, subject: { pid: saved.pid } });
    });
  }
  task.pgid = pgid;
}

function run(puppet: Puppet, build: (program: Program) => void): void {
  build(puppet.program);
  puppet.program.run();
}
