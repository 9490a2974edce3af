import { CrError, type Subject } from "../error.ts";
import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { type FileStat, S_IFBLK, S_IFCHR, S_IFDIR, S_IFMT } from "../kernel/stat.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { FS } from "../kernel/uapi/magic.ts";
import type { External } from "../options.ts";
import { usualPath } from "./device.ts";
import type { Ground } from "./ground.ts";

/** An open file with what the kernel calls it: a descriptor, a mapping, an executable, a directory. */
export interface NamedFile {
  /** Our descriptor for it, O_PATH or not. */
  readonly dup: number;
  /** What the link in /proc says. */
  readonly link: string;
  readonly stat: FileStat;
  /** statfs(2) f_type. */
  readonly fsType: number;
  readonly mntId: number;
  /** F_GETFL without O_CLOEXEC; 0 for what is no descriptor. */
  readonly flags: number;
  /** Of what is no descriptor: `dup` can be read. */
  readonly isReadable?: boolean;
  /** Where it was met, for errors. */
  readonly pid: number;
  readonly fd: number;
}

/** Where a restore finds a file again. */
export type Place =
  /** By its name. */
  | { readonly how: "path"; readonly name: string }
  /** The user gives it (`--external file[…]`). */
  | { readonly how: "external"; readonly name: string }
  /** Nowhere: it was deleted, and its content goes into the images. */
  | { readonly how: "ghost"; readonly name: string }
  /** By a hard link that the dump makes: this name is gone, others are not known. */
  | { readonly how: "link"; readonly name: string }
  /** In /proc, while a process with the pid exists: its task has ended. */
  | { readonly how: "process"; readonly name: string; readonly process: number };

const DELETED = " (deleted)";
/** File systems whose files the kernel makes: what is gone there cannot be made again by writing a file. */
const KERNEL_MADE: ReadonlySet<number> = new Set([
  FS.PROC,
  FS.SYSFS,
  FS.CGROUP,
  FS.CGROUP2,
  FS.DEBUGFS,
  FS.TRACEFS,
  FS.SECURITYFS,
  FS.BPF,
  FS.AUTOFS,
  FS.DEVPTS,
  FS.MQUEUE,
]);

export function subjectOf(file: NamedFile): Subject {
  return { pid: file.pid, fd: file.fd >= 0 ? file.fd : undefined, path: file.link };
}

/** NFS keeps a file that was deleted while open under such a name until the last close. */
function isSillyRenamed(file: NamedFile): boolean {
  return /\/\.nfs[0-9a-f]+$/.test(file.link) && file.fsType === FS.NFS;
}

function isSame(a: FileStat, b: FileStat): boolean {
  return a.dev === b.dev && a.ino === b.ino && (a.mode & S_IFMT) === (b.mode & S_IFMT);
}

const statfsBuffer = new BigInt64Array(new ArrayBuffer(128));

/**
 * Whether a name on overlayfs is the file although the numbers differ: old kernels show the lower or upper file behind a
 * mapping instead of the overlay's own.
 */
function isOverlaid(name: string, there: FileStat, file: NamedFile, ground: Ground): boolean {
  const fd = ground.open(name, O.PATH);
  if (fd < 0) return false;
  const result = sys(NR.fstatfs, fd, addressOf(statfsBuffer));
  closeFd(fd);
  if (result !== 0) return false;
  const { stat } = file;
  return (
    Number(statfsBuffer[0] ?? 0n) === FS.OVERLAY &&
    (file.fsType !== FS.OVERLAY || file.flags === 0) &&
    there.mode === stat.mode &&
    there.size === stat.size &&
    there.mtimeNs === stat.mtimeNs
  );
}

function isDevice(stat: FileStat): boolean {
  const type = stat.mode & S_IFMT;
  return type === S_IFCHR || type === S_IFBLK;
}

/** MNT:INO of `--external file[MNT:INO]`, both hexadecimal. */
function externalId(file: NamedFile): string {
  return `${file.mntId.toString(16)}:${file.stat.ino.toString(16)}`;
}

function externalName(file: NamedFile, externals: readonly External[]): string | undefined {
  const id = externalId(file);
  return externals.some((external) => external.kind === "file" && external.id === id) ? `file[${id}]` : undefined;
}

/**
 * Tells where a file can be found again. Reads only.
 * @throws CrError when it cannot: its name is no UTF-8, it lies under another mount, or the kernel made it
 */
export function placeOf(
  file: NamedFile,
  options: { readonly external: readonly External[]; readonly evasiveDevices: boolean },
  ground: Ground,
): Place {
  const external = externalName(file, options.external);
  if (external !== undefined) return { how: "external", name: external };
  const { link, stat } = file;
  const there = link.startsWith("/") ? ground.stat(link, true) : undefined;
  if (there && isSame(there, stat)) return { how: isSillyRenamed(file) ? "link" : "path", name: link };
  const deleted = link.endsWith(DELETED);
  const name = deleted ? link.slice(0, -DELETED.length) : link;
  if (options.evasiveDevices && isDevice(stat)) {
    const usual = [name, usualPath(stat.rdev)].find(
      (path) => path !== undefined && isDeviceAt(ground.stat(path, true), stat),
    );
    if (usual !== undefined) return { how: "path", name: usual };
  }
  // a name that was taken away and given back; the kernel forgets names of its own below /proc/PID/net
  const back = deleted ? ground.stat(name, true) : undefined;
  if (back && isSame(back, stat)) return { how: "path", name };
  if (there && !deleted && isOverlaid(link, there, file, ground)) return { how: "path", name: link };
  const process = file.fsType === FS.PROC ? deadProcess(name, ground) : undefined;
  if (process !== undefined) return { how: "process", name, process };
  const known = link.startsWith("/") && !link.includes("\ufffd");
  if (known && !KERNEL_MADE.has(file.fsType) && (deleted || stat.nlink === 0)) {
    // a directory has no second name, whatever its file system counts
    const isGone = stat.nlink === 0 || (stat.mode & S_IFMT) === S_IFDIR;
    return { how: isGone ? "ghost" : "link", name };
  }
  throw unreachable(file, deleted, there);
}

/** The pid in a name of /proc, when no such process is there any more. */
function deadProcess(name: string, ground: Ground): number | undefined {
  const pid = /^\/proc\/(\d+)(\/|$)/.exec(name)?.[1];
  return pid === undefined || ground.stat(`/proc/${pid}`) !== undefined ? undefined : Number(pid);
}

function isDeviceAt(there: FileStat | undefined, stat: FileStat): boolean {
  return there !== undefined && there.rdev === stat.rdev && (there.mode & S_IFMT) === (stat.mode & S_IFMT);
}

function unreachable(file: NamedFile, deleted: boolean, there: FileStat | undefined): CrError {
  const subject = subjectOf(file);
  const id = `file[${externalId(file)}]`;
  const close = `close the file, or give it from outside: --external '${id}' at dump, --inherit-fd 'fd[N]:${id}' at restore`;
  if (file.link.includes("\ufffd")) {
    return new CrError("the name of an open file is not UTF-8 text", {
      code: "EILSEQ",
      subject,
      remedy: "rename the file",
    });
  }
  if (!file.link.startsWith("/")) {
    const what = file.link.startsWith("(unreachable)")
      ? "an open file lies outside of our root directory"
      : "an open file has no path";
    return new CrError(what, {
      code: "ENOENT",
      subject,
      remedy: `its mount was taken away or belongs to another namespace: ${close}`,
    });
  }
  if (file.fsType === FS.PROC) {
    return new CrError("a file of /proc is open whose task or object has ended", {
      code: "ENOENT",
      subject,
      remedy: "close the file",
    });
  }
  if (KERNEL_MADE.has(file.fsType) && deleted) {
    return new CrError("an open file that the kernel had made is gone", {
      code: "ENOENT",
      subject,
      remedy: "close the file",
    });
  }
  const what =
    there === undefined ? "an open file cannot be found by its name" : "another file has the name of an open file";
  return new CrError(what, {
    code: there === undefined ? "ENOENT" : "ESTALE",
    subject,
    remedy: isDevice(file.stat)
      ? "accept another path to the same device with --evasive-devices"
      : `does it lie below another mount, or outside of the tree's mounts, as what a container's caller had open? Unmount that, ${close}`,
  });
}
