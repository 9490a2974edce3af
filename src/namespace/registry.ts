/** All kinds of namespaces that can be saved and made again. */
import type { NamespaceName } from "./ids.ts";
import type { NamespaceKind } from "./kind.ts";
import { pid } from "./pid.ts";
import { uts } from "./uts.ts";

/** In the order in which they are filled. */
export const namespaceKinds: readonly NamespaceKind[] = [pid, uts];

export function namespaceKind(name: NamespaceName): NamespaceKind | undefined {
  return namespaceKinds.find((kind) => kind.name === name);
}
