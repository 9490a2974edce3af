/** Mount namespaces (mount_namespaces(7)): looked at and saved by `TreeMounts`, made again by `restoreMounts`. */

import { CLONE } from "../kernel/uapi/sched.ts";
import type { NamespaceFill, NamespaceKind } from "./kind.ts";
import { checkMounts, type Planned, readPlans } from "./mnt-check.ts";
import { surroundings } from "./mnt-ground.ts";
import { LooseMounts } from "./mnt-loose.ts";
import { Descriptors } from "./mnt-makers.ts";
import { Builder } from "./mnt-restore.ts";

function restoreMounts(context: NamespaceFill): void {
  const plans = readPlans(context.images, context.ids, context.options);
  const fds = new Descriptors();
  context.atEnd(() => fds[Symbol.dispose]());
  const loose = new LooseMounts(context, plans, fds);
  const builder = new Builder(context, plans, fds, loose);
  try {
    loose.collect();
    loose.makeSystems();
    builder.build();
  } finally {
    loose.clean();
  }
  context.late(() => builder.finish());
  const surround = (all: readonly Planned[]) =>
    context.surround(surroundings(all, builder, context.isRoots, (thing) => fds.use(thing)));
  surround(
    plans.map(({ id, mounts }) => ({ id, mounts: mounts.filter(({ isLate, isTerminal }) => !isLate && !isTerminal) })),
  );
  if (!builder.isWaiting) return;
  context.grown(() => {
    builder.complete();
    loose.clean();
    surround(plans.map(({ id, mounts }) => ({ id, mounts: mounts.filter(({ isTerminal }) => !isTerminal) })));
  });
}

export const mnt: NamespaceKind = {
  name: "mnt",
  flag: 0,
  entered: CLONE.NEWNS,
  check: checkMounts,
  fill: restoreMounts,
};
