/**
 * User and group ids in images are those of the user namespace that the root of the tree lives in. Where that is not the dumper's own,
 * they are translated on their way into images and out of them, so that everybody else deals with ids as we see them. Credentials of tasks
 * are another matter: each task may have a namespace of its own.
 */
import type { Entry } from "./codec.ts";
import { descriptor } from "./descriptor.ts";
import type { TscriuXattr } from "./schema.gen.ts";

export interface IdTranslation {
  uid(id: number): number;
  gid(id: number): number;
  /** Of one from images to us: what root of that user namespace is called, 0 where it has none. */
  readonly chief?: { readonly uid: number; readonly gid: number };
}

type How = "uid" | "gid";

const UID_GID = { uid: "uid", gid: "gid" } as const;
const OURS = { tscriu_uid: "uid", tscriu_gid: "gid" } as const;
/** Pid, user and group in a list. */
const TRIPLE = [undefined, "uid", "gid"] as const;

/** Fields that hold ids, by message. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, How | readonly (How | undefined)[]>>>> = {
  fown_entry: { uid: "uid", euid: "uid" },
  sk_opts_entry: OURS,
  tscriu_mqueue: UID_GID,
  ghost_file_entry: UID_GID,
  pipe_entry: OURS,
  memfd_inode_entry: UID_GID,
  tty_info_entry: UID_GID,
  autofs_entry: UID_GID,
  tun_link_entry: { owner: "uid", group: "gid" },
  ipc_desc_entry: { ...UID_GID, cuid: "uid", cgid: "gid" },
  cgroup_perms: UID_GID,
  file_perms_entry: UID_GID,
  unix_sk_entry: { ...OURS, tscriu_peer: TRIPLE },
  sk_packet_entry: { tscriu_credentials: TRIPLE },
};

/** Its value may hold ids as well. */
const XATTR = "tscriu_xattr";

const known = new Map<string, boolean>();

/** Whether ids are in such a message, or in one within. */
function holdsIds(message: string): boolean {
  const before = known.get(message);
  if (before !== undefined) return before;
  // one within itself
  known.set(message, false);
  const within = () => descriptor(message).fields.some(({ kind, type }) => kind === "message" && holdsIds(type));
  const holds = message in FIELDS || message === XATTR || within();
  known.set(message, holds);
  return holds;
}

function translated(value: unknown, how: How | readonly (How | undefined)[], ids: IdTranslation): unknown {
  // nobody: an interface that all may use
  if (typeof value === "number" && typeof how === "string") return value < 0 ? value : ids[how](value);
  if (!Array.isArray(value)) return value;
  return value.map((one: unknown, at) => {
    const which = typeof how === "string" ? how : how[at];
    return which === undefined ? one : translated(one, which, ids);
  });
}

/** Where an attribute has whom it speaks of: POSIX ACLs by entries of 8 bytes behind the first 4, capabilities at their end. */
const ACL = { name: /^system\.posix_acl_/, first: 4, size: 8, id: 4, user: 2, group: 8 } as const;
const CAPABILITY = { name: "security.capability", size: 24, id: 20 } as const;

/** The value of an extended attribute with the ids in it translated. */
function translatedXattr({ name, value }: TscriuXattr, ids: IdTranslation): Uint8Array {
  const copy = new Uint8Array(value);
  const view = new DataView(copy.buffer);
  if (name === CAPABILITY.name && copy.length === CAPABILITY.size)
    view.setUint32(CAPABILITY.id, ids.uid(view.getUint32(CAPABILITY.id, true)), true);
  if (!ACL.name.test(name)) return copy;
  for (let at = ACL.first; at + ACL.size <= copy.length; at += ACL.size) {
    const tag = view.getUint16(at, true);
    const how = tag === ACL.user ? "uid" : tag === ACL.group ? "gid" : undefined;
    if (how) view.setUint32(at + ACL.id, ids[how](view.getUint32(at + ACL.id, true)), true);
  }
  return copy;
}

/** The entry with its ids translated; the entry itself where it has none. */
export function translateIds(message: string, entry: Entry, ids: IdTranslation): Entry {
  if (message === "" || !holdsIds(message)) return entry;
  const out: Entry = { ...entry };
  if (message === XATTR) out.value = translatedXattr(entry as unknown as TscriuXattr, ids);
  for (const [name, how] of Object.entries(FIELDS[message] ?? {}))
    if (out[name] !== undefined) out[name] = translated(out[name], how, ids);
  for (const { kind, name, type, isList } of descriptor(message).fields) {
    const value = out[name];
    if (kind !== "message" || value === undefined || !holdsIds(type)) continue;
    out[name] = isList
      ? (value as Entry[]).map((one) => translateIds(type, one, ids))
      : translateIds(type, value as Entry, ids);
  }
  return out;
}
