/**
 * Mounts at which the kernel asks a program of the tree to mount something (Documentation/filesystems/autofs.rst): through a
 * pipe, at whose other end its process group is. Who is in that group is never kept waiting there, and nobody else makes names.
 */
import { readdirSync } from "node:fs";
import { CrError, type Subject } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { type AutofsEntry, FdTypes, Fstype, type MntEntry, type TscriuAutofsName } from "../image/schema.gen.ts";
import { closeFd, openBelow, tryIoctl, tryOpen } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { pidfdGetfd, pidfdOpen } from "../kernel/pidfd.ts";
import type { MountInfo } from "../kernel/proc/mountinfo.ts";
import { S_IFDIR, S_IFMT, statFd } from "../kernel/stat.ts";
import { addressOf, check, cstring, must } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { AUTOFS } from "../kernel/uapi/ioctl.ts";
import { FSCONFIG } from "../kernel/uapi/mount.ts";
import type { NamespaceFill } from "./kind.ts";

export const isAutofs = ({ fstype }: Pick<MntEntry, "fstype">) => fstype === Fstype.AUTOFS;

/** enum autofs_type of linux/auto_fs.h */
const MODES: Readonly<Record<string, number>> = { indirect: 1, direct: 2, offset: 4 };
/** Words without a value that say more than the kind does. */
const FLAGS: ReadonlySet<string> = new Set(["strictexpire", "ignore"]);
/** Longest name in it, bytes, and longest path. */
const LONGEST = 4095;

interface Words {
  readonly numbers: ReadonlyMap<string, number>;
  readonly flags: readonly string[];
}

function wordsOf(options: string): Words {
  const words = options.split(",").map((word) => word.split("="));
  return {
    numbers: new Map(words.flatMap(([key = "", value]) => (value === undefined ? [] : [[key, Number(value)]]))),
    flags: words.flatMap(([key = "", value]) => (value === undefined ? [key] : [])),
  };
}

/** The pipe of an autofs: its inode. Undefined for one that asks nobody any more. */
export function pipeOf({ fsType, superOptions }: MountInfo): number | undefined {
  if (fsType !== "autofs") return undefined;
  const pipe = wordsOf(superOptions).numbers.get("pipe_ino") ?? -1;
  return pipe > 0 ? pipe : undefined;
}

/** The process group that is asked, as we call it. */
const groupOf = ({ superOptions }: MountInfo) => wordsOf(superOptions).numbers.get("pgrp") ?? 0;

/** Refuses one whose program is not in the tree. @param groups process groups of the tree: what it calls those that we know */
export function autofsProblem(mount: MountInfo, groups: ReadonlyMap<number, number>): CrError | undefined {
  if (mount.fsType !== "autofs" || pipeOf(mount) === undefined || groups.has(groupOf(mount))) return undefined;
  return new CrError("the program that mounts what somebody looks for (autofs) is outside of the tree", {
    code: "ENOTSUP",
    subject: { path: mount.mountpoint, group: groupOf(mount) },
    remedy: `give the mount from outside: --external 'mnt[${mount.mountpoint}]:NAME' at dump, --external 'mnt[NAME]:PATH' at restore`,
  });
}

/** The number that a program has for the end of a pipe that it reads from; undefined for none. */
function readEnd(pid: number, pipe: number): number | undefined {
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      const fd = tryOpen(`/proc/${pid}/fd/${name}`, O.PATH);
      if (fd < 0) continue;
      const { ino } = statFd(fd);
      closeFd(fd);
      if (ino === pipe) return Number(name);
    }
  } catch {
    // the leader of its group is gone
  }
  return undefined;
}

/** @param root a descriptor of ours for its root */
export function saveAutofs(
  images: ImageDirectory,
  mount: MountInfo,
  root: number,
  groups: ReadonlyMap<number, number>,
): void {
  const { numbers, flags } = wordsOf(mount.superOptions);
  const mode = flags.map((word) => MODES[word]).find((known) => known !== undefined);
  const pipe = pipeOf(mount);
  const reads = pipe === undefined ? undefined : readEnd(groupOf(mount), pipe);
  const entry: AutofsEntry = {
    fd: numbers.get("fd") ?? -1,
    pgrp: groups.get(groupOf(mount)) ?? 0,
    timeout: numbers.get("timeout") ?? 0,
    minproto: numbers.get("minproto") ?? 5,
    maxproto: numbers.get("maxproto") ?? 5,
    mode: mode ?? MODES.indirect ?? 1,
    tscriu_names: namesIn(root, ""),
  };
  const [uid, gid] = [numbers.get("uid"), numbers.get("gid")];
  if (uid !== undefined) entry.uid = uid;
  if (gid !== undefined) entry.gid = gid;
  if (reads !== undefined) entry.read_fd = reads;
  if (pipe !== undefined) entry.tscriu_pipe = pipe;
  images.write("AUTOFS", mount.dev, [entry]);
}

/** What its program has made there, directories before what is in them. Nobody is asked for anything. */
function namesIn(directory: number, above: string): TscriuAutofsName[] {
  // by way of /proc, which does not ask; an empty one cannot be opened by others than its program
  const fd = tryOpen(`/proc/self/fd/${directory}`, O.RDONLY | O.DIRECTORY);
  if (fd < 0) return [];
  const own = statFd(fd).dev;
  try {
    return readdirSync(`/proc/self/fd/${fd}`).flatMap((name) => {
      const one = check(openBelow(fd, name, O.PATH | O.NOFOLLOW), "cannot look into an autofs", { path: name });
      try {
        const { mode, dev } = statFd(one);
        const path = above === "" ? name : `${above}/${name}`;
        if (dev !== own) return [];
        if ((mode & S_IFMT) === S_IFDIR) return [{ path, mode: mode & 0o7777 }, ...namesIn(one, path)];
        return [{ path, mode: mode & 0o7777, target: linkTarget(one) }];
      } finally {
        closeFd(one);
      }
    });
  } finally {
    closeFd(fd);
  }
}

function linkTarget(fd: number): string {
  const out = new Uint8Array(new ArrayBuffer(LONGEST + 1));
  const what = "cannot read a link";
  const length = must(NR.readlinkat, [fd, addressOf(cstring("")), addressOf(out), out.length], what);
  return Buffer.from(out.buffer, 0, length).toString();
}

function entryOf(images: ImageDirectory, { root_dev, mountpoint }: MntEntry): AutofsEntry {
  const [entry] = images.read("AUTOFS", root_dev);
  const subject: Subject = { image: `autofs-${root_dev}.img`, path: mountpoint };
  if (entry === undefined) throw new CrError("an autofs without its entry", { code: "BAD_IMAGE", subject });
  const leadsOut = ({ path }: TscriuAutofsName) =>
    path.length > LONGEST || path.split("/").some((part) => part === "" || part === "." || part === "..");
  const strange = entry.tscriu_names.find(leadsOut);
  if (strange)
    throw new CrError("a name in an autofs leads elsewhere", {
      code: "BAD_IMAGE",
      subject: { ...subject, name: strange.path.slice(0, 80) },
    });
  return entry;
}

/** The pipe by which it asks: a set of criu's tells only which descriptor its program reads from. Undefined where it asks nobody. */
function savedPipe(images: ImageDirectory, { fd, pgrp, read_fd, tscriu_pipe }: AutofsEntry, subject: Subject) {
  if (tscriu_pipe !== undefined || fd < 0) return tscriu_pipe;
  const [ids] = images.read("IDS", pgrp);
  const held = ids === undefined ? [] : images.read("FDINFO", ids.files_id);
  const end = held.find((one) => one.fd === read_fd && one.type === FdTypes.PIPE);
  const found = end && images.read("FILES").find(({ type, id }) => type === FdTypes.PIPE && id === end.id);
  if (found?.pipe) return found.pipe.pipe_id;
  throw new CrError("the images do not tell by which pipe an autofs asks its program", {
    code: "BAD_IMAGE",
    subject: { ...subject, group: pgrp },
    remedy: "dump again with tscriu, or with the mount given from outside: --external 'mnt[PATH]:NAME'",
  });
}

/** Refuses what cannot be made, before anything is. */
export function checkAutofs(images: ImageDirectory, entry: MntEntry): void {
  const saved = entryOf(images, entry);
  savedPipe(images, saved, { image: `autofs-${entry.root_dev}.img`, path: entry.mountpoint });
}

/** Directories on which something is mounted, and those above them. A set of criu's has no others, and asking for one would wait. */
function withPlaces(names: readonly TscriuAutofsName[], places: readonly string[]): readonly TscriuAutofsName[] {
  const known = new Set(names.map(({ path }) => path));
  const missing = places.flatMap((place) => {
    const parts = place.split("/").filter(Boolean);
    return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
  });
  return [...names, ...[...new Set(missing)].filter((path) => !known.has(path)).map((path) => ({ path, mode: 0o755 }))];
}

/**
 * Has a task of the group make one, and the names in it, once all tasks are there. One that asks nobody any more is made by any.
 * @param places where something is mounted in it, from its root on
 * @returns our descriptor of a mount of it that stands nowhere
 */
export function makeAutofs(context: NamespaceFill, entry: MntEntry, places: readonly string[]): number {
  const { images, inGroup, pipe } = context;
  const saved = entryOf(images, entry);
  const { timeout, uid, gid } = saved;
  const subject = { path: entry.mountpoint, type: "autofs" };
  const asks = savedPipe(images, saved, subject);
  const what = "cannot make a file system";
  const maker = inGroup(saved.pgrp) ?? (asks === undefined ? context : undefined);
  if (maker === undefined)
    throw new CrError("nobody is there whom an autofs shall ask", {
      code: "BAD_IMAGE",
      subject: { ...subject, group: saved.pgrp },
    });
  const { program } = maker;
  const text = (words: string) => program.data(cstring(words));
  // the number has to be known: older kernels take it in words alone
  const received = maker.receive(pipe(asks));
  const end = program.call(NR.fcntl, [received, 0, 0], { what, subject });
  program.call(NR.close, [received]);
  const opened = program.call(NR.fsopen, [text("autofs"), 1], { what, subject });
  program.run();
  const [number, fs] = [program.result(end), program.result(opened)];
  const { flags } = wordsOf(entry.options);
  const kind = Object.entries(MODES).find(([, mode]) => mode === saved.mode)?.[0] ?? "indirect";
  const options: (readonly [key: string, value: string | number | undefined])[] = [
    ["source", entry.source],
    ["fd", number],
    ["minproto", saved.minproto],
    ["maxproto", saved.maxproto],
    ...(uid === undefined ? [] : [["uid", uid] as const]),
    ...(gid === undefined ? [] : [["gid", gid] as const]),
    ...[kind, ...flags.filter((word) => FLAGS.has(word))].map((word) => [word, undefined] as const),
  ];
  for (const [key, value] of options) {
    const [command, words] = value === undefined ? [FSCONFIG.SET_FLAG, 0] : [FSCONFIG.SET_STRING, text(`${value}`)];
    program.call(NR.fsconfig, [fs, command, text(key), words, 0], { what, subject: { ...subject, key } });
  }
  program.call(NR.fsconfig, [fs, FSCONFIG.CMD_CREATE, 0, 0, 0], { what, subject });
  const made = program.call(NR.fsmount, [fs, 1, 0], { what, subject });
  program.call(NR.close, [fs]);
  program.call(NR.close, [number]);
  program.call(NR.umask, [0]);
  for (const { path, mode, target } of withPlaces(saved.tscriu_names, places)) {
    const about = { what: "cannot make a name in an autofs", subject: { ...subject, name: path } };
    if (target === undefined) program.call(NR.mkdirat, [made, text(path), mode], about);
    else program.call(NR.symlinkat, [text(target), made, text(path)], about);
  }
  program.run();
  const there = program.result(made);
  const pidfd = pidfdOpen(maker.pid);
  const mount = pidfdGetfd(pidfd, there);
  closeFd(pidfd);
  program.call(NR.close, [there]);
  program.run();
  set(mount, timeout, asks === undefined, subject);
  return mount;
}

/** What is said by ioctl(2) alone. @param isQuiet it asks nobody any more */
function set(mount: number, timeout: number, isQuiet: boolean, subject: Subject): void {
  const what = "cannot set up an autofs";
  const fd = check(tryOpen(`/proc/self/fd/${mount}`, O.RDONLY | O.DIRECTORY), what, subject);
  try {
    const seconds = new DataView(new ArrayBuffer(8));
    seconds.setBigUint64(0, BigInt(Math.max(timeout, 0)), true);
    check(tryIoctl(fd, AUTOFS.SETTIMEOUT, seconds), what, subject);
    if (isQuiet) must(NR.ioctl, [fd, AUTOFS.CATATONIC, 0], what, subject);
  } finally {
    closeFd(fd);
  }
}
