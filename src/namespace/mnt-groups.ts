/**
 * Propagation (mount_namespaces(7), "shared subtrees"): mounts of a peer group share what is mounted upon them, slaves of a group
 * get it and give nothing. All mounts are made private; here they get their groups again, masters before slaves.
 */
import { CrError } from "../error.ts";
import type { MntEntry } from "../image/schema.gen.ts";
import { isBelow } from "./mnt-table.ts";

/** A mount in a group, by what is needed to choose among them. */
type Member = Pick<MntEntry, "mnt_id" | "root" | "root_dev" | "shared_id" | "master_id" | "mountpoint">;

/** One step: `mount` joins the group of another one, and becomes a slave of it, or has a group of its own, or both. */
export interface GroupStep<M> {
  readonly mount: M;
  /** Whose peer it becomes: another mount, or whoever is in this group outside. */
  readonly peerOf?: M | { readonly outside: number };
  /** Then it turns from a peer into a slave. */
  readonly slave: boolean;
  /** Then it begins a group. */
  readonly shared: boolean;
}

function cannot(member: Member, why: string): CrError {
  return new CrError(`a mount cannot share with others as it did: ${why}`, {
    code: "ENOTSUP",
    subject: { path: member.mountpoint, shared: member.shared_id, master: member.master_id },
  });
}

/** The member that shows the most: only what it shows can join it. */
function widest<M extends Member>(members: readonly M[]): M | undefined {
  return members.find((one) => members.every((other) => isBelow(other.root, one.root)));
}

/**
 * The steps for all mounts, of every namespace of the tree.
 * @param outside groups that mounts of ours are in
 */
export function planGroups<M extends Member>(
  members: readonly M[],
  outside: ReadonlySet<number>,
): { steps: GroupStep<M>[]; errors: CrError[] } {
  const steps: GroupStep<M>[] = [];
  const errors: CrError[] = [];
  const peers = Map.groupBy(
    members.filter(({ shared_id }) => (shared_id ?? 0) !== 0),
    ({ shared_id }) => shared_id ?? 0,
  );
  const done = new Set<number>();
  const open = new Set<number>();
  /** Makes `mount` a slave of a group, which is made first. */
  const enslave = (mount: M, master: number, shared: boolean): void => {
    const inside = peers.get(master);
    if (inside) group(master);
    const above = inside?.find((one) => one.root_dev === mount.root_dev && isBelow(mount.root, one.root));
    if (above) steps.push({ mount, peerOf: above, slave: true, shared });
    else if (outside.has(master)) steps.push({ mount, peerOf: { outside: master }, slave: true, shared });
    else errors.push(cannot(mount, inside ? "no mount of its master shows as much" : "its master is not there"));
  };
  const group = (id: number): void => {
    if (done.has(id)) return;
    const all = peers.get(id) ?? [];
    const first = widest(all);
    const [any] = all;
    if (any === undefined) return;
    if (first === undefined) {
      done.add(id);
      errors.push(cannot(any, "no mount of its group shows all that the others do"));
      return;
    }
    if (open.has(id)) {
      errors.push(cannot(any, "its group is its own master"));
      return;
    }
    open.add(id);
    const master = first.master_id ?? 0;
    if (outside.has(id)) steps.push({ mount: first, peerOf: { outside: id }, slave: false, shared: false });
    else if (master !== 0) enslave(first, master, true);
    else steps.push({ mount: first, slave: false, shared: true });
    for (const one of all) if (one !== first) steps.push({ mount: one, peerOf: first, slave: false, shared: false });
    done.add(id);
  };
  for (const id of peers.keys()) group(id);
  for (const one of members) {
    if ((one.shared_id ?? 0) === 0 && (one.master_id ?? 0) !== 0) enslave(one, one.master_id ?? 0, false);
  }
  return { steps, errors };
}
