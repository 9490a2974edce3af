/** Mount namespaces (mount_namespaces(7)): looked at and saved by `TreeMounts`, made again by `restoreMounts`. */
import { CLONE } from "../kernel/uapi/sched.ts";
import type { NamespaceKind } from "./kind.ts";
import { checkMounts } from "./mnt-check.ts";
import { restoreMounts } from "./mnt-restore.ts";

export const mnt: NamespaceKind = {
  name: "mnt",
  flag: 0,
  entered: CLONE.NEWNS,
  check: checkMounts,
  fill: restoreMounts,
};
