/**
 * User namespaces (user_namespaces(7)): what users and groups are called inside. The maps are written from outside while the first task
 * waits, before anything else is made: all other namespaces of the tree belong to this one.
 */
import { writeFileSync } from "node:fs";
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { UidGidExtent, UsernsEntry } from "../image/schema.gen.ts";
import { envoyOf } from "../kernel/envoy.ts";
import { closeFd, O, openPath, tryOpen } from "../kernel/fd.ts";
import { makeFilesAs, makeFilesAsOurselves } from "../kernel/file-ids.ts";
import { KCMP, kcmp } from "../kernel/kcmp.ts";
import { NR } from "../kernel/nr.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type IdRange, idInside, idOutside, parseIdMap } from "../kernel/proc/uidmap.ts";
import { statFd } from "../kernel/stat.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { writeThere } from "../kernel/sysv.ts";
import { NS } from "../kernel/uapi/ioctl.ts";
import { PR } from "../kernel/uapi/prctl.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import type { DumpOptions } from "../options.ts";
import { type ForeignNamespace, inodeOf, linkOf, type NamespaceName } from "./ids.ts";
import type { NamespaceKind } from "./kind.ts";
import { type IdMaps, mapsOf, NOBODY } from "./user-ids.ts";

const [SIGKILL, SIGCHLD] = [9, 17];
const EINTR = -4;
/** How deep the kernel nests them. */
const DEEPEST = 33;

const extents = (map: readonly IdRange[]): UidGidExtent[] =>
  map.map(({ first, lowerFirst, count }) => ({ first, lower_first: lowerFirst, count }));

const ranges = (extent: readonly UidGidExtent[]): IdRange[] =>
  extent.map(({ first, lower_first, count }) => ({ first, lowerFirst: lower_first, count }));

/** Of a namespace in the images: to what we call them, not to what a namespace in between does. */
export function savedMaps(images: ImageDirectory, id: number, nested = 0): IdMaps {
  const { uid_map, gid_map, tscriu_parent } = images.one("USERNS", id);
  if (tscriu_parent === undefined) return { uids: ranges(uid_map), gids: ranges(gid_map) };
  if (nested > DEEPEST) throw new CrError("user namespaces lie in each other", { code: "BAD_IMAGE", subject: { id } });
  const parent = savedMaps(images, tscriu_parent, nested + 1);
  const outside = (extent: readonly UidGidExtent[], of: readonly IdRange[]) =>
    ranges(extent).map((one) => ({ ...one, lowerFirst: idOutside(of, one.lowerFirst) ?? NOBODY }));
  return { uids: outside(uid_map, parent.uids), gids: outside(gid_map, parent.gids) };
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
  return new Uint8Array(Int32Array.of(...chiefOf(images, id)).buffer);
}

/** User and group that a task becomes who makes what belongs to a namespace: its root where that is mapped. */
export function chiefOf(images: ImageDirectory, id: number): [uid: number, gid: number] {
  const { uid_map, gid_map } = images.one("USERNS", id);
  const chief = (map: readonly UidGidExtent[]) => (idOutside(ranges(map), 0) === undefined ? (map[0]?.first ?? -1) : 0);
  return [chief(uid_map), chief(gid_map)];
}

/** Inode of the user namespace that a namespace belongs to; undefined for one above ours. */
const ownerOf = ({ name, link, member }: ForeignNamespace) =>
  // a time namespace may be that of children to come
  related(member, name === "time" && linkOf(member, name) !== link ? "time_for_children" : name, NS.GET_USERNS);

/** Inode of the user namespace that a task's was made in. */
const parentOf = (pid: number) => related(pid, "user", NS.GET_PARENT);

function related(pid: number, name: NamespaceName | "time_for_children", request: number): number | undefined {
  const link = tryOpen(`/proc/${pid}/ns/${name}`, O.RDONLY);
  if (link < 0) return undefined;
  const other = sys(NR.ioctl, link, request);
  closeFd(link);
  if (other < 0) return undefined;
  const { ino } = statFd(other);
  closeFd(other);
  return ino;
}

/** The user who made a task's user namespace, as we call them. */
function makerOf(pid: number): number {
  const link = openPath(`/proc/${pid}/ns/user`, O.RDONLY, "cannot open a user namespace");
  const uid = new Uint32Array(1);
  check(sys(NR.ioctl, link, NS.GET_OWNER_UID, addressOf(uid)), "cannot see who made a user namespace", { pid });
  closeFd(link);
  return uid[0] ?? 0;
}

/**
 * Tasks that would have to be born outside of the user namespace that their parent lives in by then: one who shares root and working
 * directory with children enters it before they are born.
 */
export function birthProblems(
  tasks: readonly {
    readonly pid: number;
    readonly zombie: boolean;
    readonly parent: { readonly pid: number } | undefined;
  }[],
  foreign: readonly ForeignNamespace[],
): CrError[] {
  const users = foreign.filter(({ name }) => name === "user");
  if (users.length === 0) return [];
  const home = inodeOf(linkOf(tasks[0]?.pid ?? 0, "user"));
  const isBelow = (ino: number | undefined, top: number): boolean => {
    const member = users.find(({ link }) => inodeOf(link) === ino)?.member;
    const above = member === undefined ? undefined : parentOf(member);
    return ino === top || (above !== undefined && isBelow(above, top));
  };
  return tasks.flatMap(({ pid, zombie, parent }) => {
    if (zombie || parent === undefined) return [];
    const [own, above] = [inodeOf(linkOf(pid, "user")), inodeOf(linkOf(parent.pid, "user"))];
    const isSharing = () =>
      tasks.some((one) => one.parent === parent && !one.zombie && kcmp(one.pid, parent.pid, KCMP.FS) === 0);
    if (isBelow(own, above) || (isBelow(own, home) && !isSharing())) return [];
    return [
      new CrError("the task lives outside of the user namespace of its parent, which has entered that since", {
        code: "ENOTSUP",
        subject: { pid, parent: parent.pid },
        remedy: "dump it by itself",
      }),
    ];
  });
}

/** Namespaces of a tree that belong to a user namespace in which they cannot be made again. */
export function ownerProblems(root: number, foreign: readonly ForeignNamespace[], options: DumpOptions): CrError[] {
  const home = inodeOf(linkOf(root, "user"));
  const ours = inodeOf(linkOf("self", "user"));
  const known = new Set([home, ...foreign.filter(({ name }) => name === "user").map(({ link }) => inodeOf(link))]);
  return foreign.flatMap((one) => {
    const { name, link, member } = one;
    const isGiven = options.external.some(({ kind, id }) => kind === name && Number(id) === inodeOf(link));
    const owner = name === "user" ? parentOf(member) : ownerOf(one);
    const isRoots = name === "user" ? inodeOf(link) === home : linkOf(root, name) === link;
    // who lives in a user namespace may enter nothing that belongs to one above
    const fits =
      name === "user"
        ? owner === ours || (owner !== undefined && known.has(owner))
        : owner === home || (owner !== undefined && known.has(owner) && !isRoots);
    if (isGiven || fits || (owner === undefined && name !== "user")) return [];
    const what =
      "a namespace belongs to another user namespace than that of the tree's root: this is not supported yet";
    return [
      new CrError(what, {
        code: "ENOTSUP",
        subject: { pid: member, namespace: link, owner: owner === undefined ? undefined : `user:[${owner}]` },
        remedy: "dump the tree of a task that lives in that user namespace by itself",
      }),
    ];
  });
}

/** Whether the time namespace of a task's next children belongs to the user namespace of the tree's root. */
export const areRootsClocks = (pid: number, root: number) =>
  related(pid, "time_for_children", NS.GET_USERNS) === inodeOf(linkOf(root, "user"));

const isOwned = (one: ForeignNamespace, by: number) =>
  one.name !== "user" && ownerOf(one) === inodeOf(linkOf(by, "user"));

export const user: NamespaceKind = {
  name: "user",
  flag: CLONE.NEWUSER,
  entered: CLONE.NEWUSER,

  save(images, id, member, _, foreign) {
    const maps = mapsOf(member);
    using dir = new ProcDir(member);
    const users = foreign.filter(({ name }) => name === "user");
    const parent = users.find(({ link }) => inodeOf(link) === parentOf(member));
    // as its parent calls them
    const lower = parent && mapsOf(parent.member);
    const inParent = (map: readonly IdRange[], of: readonly IdRange[] | undefined) =>
      extents(of ? map.map((one) => ({ ...one, lowerFirst: idInside(of, one.lowerFirst) ?? NOBODY })) : map);
    const entry: UsernsEntry = {
      uid_map: inParent(maps.uids, lower?.uids),
      gid_map: inParent(maps.gids, lower?.gids),
      tscriu_projid_map: parent ? [] : extents(parseIdMap(dir.text("projid_map"))),
      // itself too: so one of ours is told from one of criu, to which all belongs
      tscriu_owned: [id, ...foreign.filter((one) => isOwned(one, member)).map((one) => one.id)],
    };
    if (dir.optional("setgroups")?.trim() === "deny") entry.tscriu_setgroups_denied = true;
    if (parent) entry.tscriu_parent = parent.id;
    const maker = makerOf(member);
    if (maker !== 0) entry.tscriu_owner = lower ? (idInside(lower.uids, maker) ?? NOBODY) : maker;
    images.write("USERNS", id, [entry]);
  },

  check(images, ids) {
    for (const id of ids) {
      savedMaps(images, id);
      const { tscriu_owner, tscriu_parent } = images.one("USERNS", id);
      if (tscriu_owner === NOBODY && tscriu_parent === undefined)
        throw new CrError("a user namespace belongs to nobody", { code: "BAD_IMAGE", subject: { namespace: id } });
    }
  },

  fill({ images, id: first, ids, isRoots, pid, late, atEnd, entrance }) {
    const made = new Map<number, number>();
    const keep = (id: number, fd: number) => {
      atEnd(() => closeFd(fd));
      made.set(id, fd);
      entrance(id, fd);
      return fd;
    };
    if (isRoots) keep(first, openPath(`/proc/${pid}/ns/user`, O.RDONLY, "cannot open a user namespace"));
    const make = (id: number, nested = 0): number => {
      const known = made.get(id);
      if (known !== undefined) return known;
      const entry = images.one("USERNS", id);
      if (nested > ids.length)
        throw new CrError("user namespaces lie in each other", { code: "BAD_IMAGE", subject: { id } });
      return keep(id, makeInside(entry, entry.tscriu_parent && make(entry.tscriu_parent, nested + 1)));
    };
    for (const id of ids) make(id);
    if (!isRoots) return;
    const { uids, gids } = savedMaps(images, first);
    const [uid, gid] = [idOutside(uids, 0), idOutside(gids, 0)];
    if (uid === undefined || gid === undefined) return;
    // what the tree gets from us is its root's
    const back = makeFilesAs({ uid, gid });
    late(back);
    atEnd(back);
  },
};

/**
 * A user namespace that the root of the tree does not live in.
 * @param parent our descriptor of the one that it is made in; undefined for ours
 * @returns our descriptor
 */
function makeInside(entry: UsernsEntry, parent: number | undefined): number {
  using maker = envoyOf(parent);
  // the files that take the maps are root's: who writes them stays so, and may write as one who is in the parent
  using writer = makeFilesAsOurselves(() => envoyOf(parent));
  const what = "cannot make a user namespace";
  const { tscriu_owner: owner = 0 } = entry;
  const dumpable = sys(NR.prctl, PR.GET_DUMPABLE, 0, 0, 0, 0);
  if (parent !== undefined) maker.call(NR.setresgid, 0, 0, 0);
  if (parent !== undefined || owner !== 0) maker.call(NR.setresuid, owner, owner, owner);
  sys(NR.prctl, PR.SET_DUMPABLE, dumpable, 0, 0, 0);
  // it waits for nothing, and holds the namespace until we do
  const holder = check(maker.call(NR.clone, CLONE.NEWUSER + SIGCHLD), what);
  const put = (file: string, text: string) => {
    if (text === "") return;
    const path = `/proc/${holder}/${file}`;
    check(writeThere(path, text, writer.call), what, { path, text }, "restore where these ids are");
  };
  try {
    if (entry.tscriu_setgroups_denied) put("setgroups", "deny");
    put("uid_map", lines(entry.uid_map));
    put("gid_map", lines(entry.gid_map));
    put("projid_map", lines(entry.tscriu_projid_map));
    return openPath(`/proc/${holder}/ns/user`, O.RDONLY, what);
  } finally {
    sys(NR.kill, holder, SIGKILL);
    while (maker.call(NR.wait4, holder, 0, 0, 0) === EINTR);
  }
}
