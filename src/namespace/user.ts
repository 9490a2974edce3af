/**
 * User namespaces (user_namespaces(7)): what users and groups are called inside. The maps are written from outside while the first task
 * waits, before anything else is made: all other namespaces of the tree belong to this one.
 */
import { writeFileSync } from "node:fs";
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { UidGidExtent, UsernsEntry } from "../image/schema.gen.ts";
import { closeFd, O, tryOpen } from "../kernel/fd.ts";
import { makeFilesAs } from "../kernel/file-ids.ts";
import { NR } from "../kernel/nr.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type IdRange, idOutside, parseIdMap } from "../kernel/proc/uidmap.ts";
import { statFd } from "../kernel/stat.ts";
import { sys } from "../kernel/sys.ts";
import { NS } from "../kernel/uapi/ioctl.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import { type ForeignNamespace, linkOf, type NamespaceName } from "./ids.ts";
import type { NamespaceKind } from "./kind.ts";
import { type IdMaps, mapsOf } from "./user-ids.ts";

const extents = (map: readonly IdRange[]): UidGidExtent[] =>
  map.map(({ first, lowerFirst, count }) => ({ first, lower_first: lowerFirst, count }));

const ranges = (extent: readonly UidGidExtent[]): IdRange[] =>
  extent.map(({ first, lower_first, count }) => ({ first, lowerFirst: lower_first, count }));

/** Of a namespace in the images. */
export function savedMaps(images: ImageDirectory, id: number): IdMaps {
  const { uid_map, gid_map } = images.one("USERNS", id);
  return { uids: ranges(uid_map), gids: ranges(gid_map) };
}

function write(pid: number, file: string, text: string): void {
  if (text === "") return;
  const path = `/proc/${pid}/${file}`;
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw new CrError("cannot set up a user namespace", {
      code: "EPERM",
      subject: { path, text },
      remedy: "restore as root of a user namespace that has all these ids",
      cause,
    });
  }
}

const lines = (map: readonly UidGidExtent[]) =>
  map.map(({ first, lower_first, count }) => `${first} ${lower_first} ${count}\n`).join("");

/**
 * Gives a task that was born into namespace `id`, and waits, its maps.
 * @returns the word that lets it go: whom it becomes, the namespace's root where that is mapped
 */
export function giveMaps(images: ImageDirectory, id: number, pid: number): Uint8Array {
  const { uid_map, gid_map, tscriu_projid_map, tscriu_setgroups_denied } = images.one("USERNS", id);
  if (tscriu_setgroups_denied) write(pid, "setgroups", "deny");
  write(pid, "uid_map", lines(uid_map));
  write(pid, "gid_map", lines(gid_map));
  write(pid, "projid_map", lines(tscriu_projid_map));
  const chief = (map: readonly UidGidExtent[]) => (idOutside(ranges(map), 0) === undefined ? (map[0]?.first ?? -1) : 0);
  return new Uint8Array(Int32Array.of(chief(uid_map), chief(gid_map)).buffer);
}

/** Inode of the user namespace that a namespace belongs to; undefined for one above ours. */
export function ownerOf(pid: number, name: NamespaceName): number | undefined {
  const link = tryOpen(`/proc/${pid}/ns/${name}`, O.RDONLY);
  if (link < 0) return undefined;
  const owner = sys(NR.ioctl, link, NS.GET_USERNS);
  closeFd(link);
  if (owner < 0) return undefined;
  const { ino } = statFd(owner);
  closeFd(owner);
  return ino;
}

/** Namespaces of a tree that belong to another user namespace than its root lives in. */
export function ownerProblems(root: number, foreign: readonly ForeignNamespace[]): CrError[] {
  const expected = Number(/\d+/.exec(linkOf(root, "user"))?.[0]);
  return foreign.flatMap(({ name, link, member }) => {
    const owner = name === "user" ? expected : ownerOf(member, name);
    if (owner === undefined || owner === expected) return [];
    return [
      new CrError(
        "a namespace belongs to another user namespace than that of the tree's root: this is not supported yet",
        {
          code: "ENOTSUP",
          subject: { pid: member, namespace: link, owner: `user:[${owner}]` },
          remedy: "make the user namespace first, and the others in it",
        },
      ),
    ];
  });
}

export const user: NamespaceKind = {
  name: "user",
  flag: CLONE.NEWUSER,

  save(images, id, member) {
    const { uids, gids } = mapsOf(member);
    using dir = new ProcDir(member);
    const entry: UsernsEntry = {
      uid_map: extents(uids),
      gid_map: extents(gids),
      tscriu_projid_map: extents(parseIdMap(dir.text("projid_map"))),
      tscriu_groups: [],
      tscriu_owned: [],
    };
    if (dir.optional("setgroups")?.trim() === "deny") entry.tscriu_setgroups_denied = true;
    images.write("USERNS", id, [entry]);
  },

  check(images, ids) {
    for (const id of ids) savedMaps(images, id);
  },

  fill({ images, id, isRoots, late, atEnd }) {
    if (!isRoots) return;
    const { uids, gids } = savedMaps(images, id);
    const [uid, gid] = [idOutside(uids, 0), idOutside(gids, 0)];
    if (uid === undefined || gid === undefined) return;
    // what the tree gets from us is its root's
    const back = makeFilesAs({ uid, gid });
    late(back);
    atEnd(back);
  },
};
