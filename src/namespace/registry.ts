/** All kinds of namespaces that can be saved and made again. */
import { cgroup } from "./cgroup.ts";
import type { NamespaceName } from "./ids.ts";
import { ipc } from "./ipc.ts";
import type { NamespaceKind } from "./kind.ts";
import { mnt } from "./mnt.ts";
import { net } from "./net.ts";
import { pid } from "./pid.ts";
import { time } from "./time.ts";
import { user } from "./user.ts";
import { uts } from "./uts.ts";

/** In the order in which they are filled. */
export const namespaceKinds: readonly NamespaceKind[] = [user, cgroup, pid, uts, ipc, net, time, mnt];

export function namespaceKind(name: NamespaceName): NamespaceKind | undefined {
  return namespaceKinds.find((kind) => kind.name === name);
}
