import { CrError, type Subject } from "../error.ts";
import type { RegFileEntry } from "../image/schema.gen.ts";
import { setWriteLife } from "../kernel/attributes.ts";
import { closeFd, dupFd, tryOpen } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import {
  type FileStat,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  statFd,
} from "../kernel/stat.ts";
import { check, sys } from "../kernel/sys.ts";
import { O, SEEK } from "../kernel/uapi/fcntl.ts";
import { readBuildId } from "./build-id.ts";
import { DeadProcesses } from "./dead-process.ts";
import { usualPathByName } from "./device.ts";
import type { Ground } from "./ground.ts";
import type { FileRestore } from "./kind.ts";
import { Remaps } from "./remaps.ts";

/** What an image may not make us do, and what open(2) does not take. */
const NEVER = O.CREAT | O.EXCL | O.TRUNC | O.ASYNC | O.CLOEXEC;
const TMPFILE_BIT = O.TMPFILE & ~O.DIRECTORY;
/** A position that means: leave it. */
const NO_POS = 0xffff_ffff_ffff_ffffn;
/** A double holds an integer exactly when this many low bits of 64 are zero. */
const LOW = 0x7ffn;

const TYPES: ReadonlyMap<number, string> = new Map([
  [S_IFSOCK, "a socket"],
  [S_IFLNK, "a symbolic link"],
  [S_IFREG, "a regular file"],
  [S_IFBLK, "a block device"],
  [S_IFDIR, "a directory"],
  [S_IFCHR, "a character device"],
  [S_IFIFO, "a FIFO"],
]);

function typeName(mode: number): string {
  return TYPES.get(mode & S_IFMT) ?? "a file of an unknown type";
}

/** A file that is not what it was when the dump was made. */
function changed(what: string, path: string, remedy: string): CrError {
  return new CrError(what, { code: "FILE_CHANGED", subject: { path }, remedy });
}

const BRING_BACK = "bring the file back as it was at the dump";

/** Before anything is opened: a device of another kind may do who knows what when it is. */
function checkType(reg: RegFileEntry, ground: Ground): void {
  const there = ground.stat(reg.name, (reg.flags & O.PATH) !== 0);
  if (there === undefined) throw changed("a file of the dumped tree is missing", reg.name, BRING_BACK);
  if (reg.mode !== undefined && ((there.mode ^ reg.mode) & S_IFMT) !== 0) {
    throw changed(`the dump knew ${typeName(reg.mode)} here, now it is ${typeName(there.mode)}`, reg.name, BRING_BACK);
  }
}

function octal(mode: number): string {
  return `0${(mode & 0o7777).toString(8)}`;
}

/** Compares an opened file with what the dump saw. Files that are only appended to may have grown. */
function checkContent(fd: number, reg: RegFileEntry, flags: number, restore: FileRestore): void {
  const stat = statFd(fd, { path: reg.name });
  const { options } = restore;
  if (reg.mode !== undefined && stat.mode !== reg.mode && !options.skipFileRwxCheck) {
    throw changed(
      `the permissions of a file are ${octal(stat.mode)}, at the dump they were ${octal(reg.mode)}`,
      reg.name,
      "put them back with chmod, or restore with --skip-file-rwx-check",
    );
  }
  if ((stat.mode & S_IFMT) !== S_IFREG || (reg.mode === undefined && reg.size === undefined)) return;
  if (options.fileValidation === "buildid" && (reg.build_id?.length ?? 0) > 0) checkBuildId(fd, reg, flags);
  checkSize(stat, reg);
}

function checkSize(stat: FileStat, reg: RegFileEntry): void {
  const appends = (reg.flags & O.ACCMODE) === O.WRONLY && (reg.flags & O.APPEND) !== 0;
  if (appends || reg.size === undefined || stat.size === Number(reg.size)) return;
  throw changed(`the size of a file is ${stat.size} bytes, at the dump it was ${reg.size}`, reg.name, BRING_BACK);
}

function checkBuildId(fd: number, reg: RegFileEntry, flags: number): void {
  const isReadable = (flags & O.ACCMODE) === O.RDONLY && (flags & (O.PATH | O.DIRECT)) === 0;
  const readable = isReadable ? fd : tryOpen(`/proc/self/fd/${fd}`, O.RDONLY | O.NONBLOCK);
  if (readable < 0) return;
  const id = readBuildId(readable);
  if (readable !== fd) closeFd(readable);
  if (id.length === reg.build_id.length && id.every((word, i) => word === reg.build_id[i])) return;
  throw changed(
    "a program or library is not the one of the dump: its build id differs",
    reg.name,
    "install the version that was running, or compare sizes only with --file-validation filesize on dump and restore",
  );
}

/** The user's descriptor for a file (`--inherit-fd`): by its path without the first slash, or as `file[…]`. */
function inherited(reg: RegFileEntry, restore: FileRestore): number | undefined {
  const name = reg.ext === true ? reg.name : reg.name.replace(/^\//, "");
  const given = restore.options.inheritFds.find(({ resource }) => resource === name);
  return given && dupFd(given.fd, "cannot use the descriptor of --inherit-fd", { fd: given.fd, path: reg.name });
}

/** A FIFO waits for its other end when it is opened: hold both until it is. */
function openFifo(open: (flags: number) => number, flags: number, subject: Subject): number {
  const holder = check(open(O.RDWR | O.NONBLOCK), "cannot open a FIFO", subject);
  try {
    return check(open(flags), "cannot open a FIFO", subject);
  } finally {
    closeFd(holder);
  }
}

function openAs(open: (flags: number) => number, flags: number, mode: number | undefined, subject: Subject): number {
  if ((flags & O.PATH) === 0 && mode !== undefined && (mode & S_IFMT) === S_IFIFO)
    return openFifo(open, flags, subject);
  return check(open(flags), "cannot open a file of the dumped tree", subject);
}

/** Open flags for a file that has a name: O_TMPFILE would make another. */
function named(flags: number): number {
  return (flags & TMPFILE_BIT) === 0 ? flags : flags & ~O.TMPFILE;
}

/** By way of the ghost or the link: the name is not needed any more. */
function openRemapped(reg: RegFileEntry, flags: number, remaps: Remaps): number {
  const holder = remaps.holder(reg.id);
  // the holder is open just so, and through its link it could not be opened without being followed; a symbolic link can be
  // opened in no other way
  const isLink = reg.mode !== undefined && (reg.mode & S_IFMT) === S_IFLNK;
  if (isLink || ((flags & O.PATH) !== 0 && (flags & O.NOFOLLOW) !== 0)) return dupFd(holder);
  const open = (how: number) => tryOpen(`/proc/self/fd/${holder}`, how);
  return openAs(open, named(flags) & ~O.NOFOLLOW, reg.mode, { path: reg.name });
}

/**
 * Opens what a reg_file_entry names: by its path, checked against what the dump saw, by the user's descriptor, or as a
 * deleted file. Never waits, creates or empties. The caller closes the descriptor; its position is 0.
 * @param flags open flags other than the entry's: for mappings, executables, FIFOs
 * @throws CrError FILE_CHANGED naming the file, what differs, and the remedy
 */
export function openRegular(reg: RegFileEntry, restore: FileRestore, flags = reg.flags): number {
  const given = inherited(reg, restore);
  if (given !== undefined) return given;
  if (reg.ext === true) {
    throw new CrError("a file was declared external at the dump and is not given", {
      code: "MISSING_EXTERNAL",
      subject: { path: reg.name },
      remedy: `open it and pass the descriptor: --inherit-fd fd[N]:${reg.name}`,
    });
  }
  const wanted = (flags & ~NEVER) | O.NOCTTY;
  const remaps = Remaps.of(restore);
  if (remaps.has(reg.id)) return openRemapped(reg, wanted, remaps);
  const pid = remaps.deadProcess(reg.id);
  if (pid !== undefined) DeadProcesses.of(restore).hold(pid);
  return openNamed(reg, wanted, restore);
}

/** With `--evasive-devices` a device whose path is gone is taken from where it usually lies. */
function evaded(reg: RegFileEntry, restore: FileRestore, ground: Ground): RegFileEntry {
  const isDevice = reg.mode !== undefined && (reg.mode & S_IFMT) === S_IFCHR;
  if (!restore.options.evasiveDevices || !isDevice || ground.stat(reg.name) !== undefined) return reg;
  const name = usualPathByName(reg.name);
  return name === undefined ? reg : { ...reg, name };
}

function openNamed(known: RegFileEntry, flags: number, restore: FileRestore): number {
  const ground = restore.groundOf(known.mnt_id);
  const reg = evaded(known, restore, ground);
  checkType(reg, ground);
  const fd = openAs((how) => ground.open(reg.name, how), named(flags), reg.mode, { path: reg.name });
  try {
    checkContent(fd, reg, flags, restore);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/** Sets a position of up to 64 bits; those of directories on ext4 pass what a double holds. */
function seekTo(fd: number, pos: number | bigint, path: string): void {
  const at = BigInt(pos);
  const what = "cannot set the position in a file";
  check(sys(NR.lseek, fd, Number(at & ~LOW), SEEK.SET), what, { path });
  if ((at & LOW) !== 0n) check(sys(NR.lseek, fd, Number(at & LOW), SEEK.CUR), what, { path });
}

/** The description of a descriptor: flags as they were, position where it was. One that the user gave keeps its own. */
export function openDescriptor(reg: RegFileEntry, restore: FileRestore): number {
  const given = inherited(reg, restore);
  if (given !== undefined) return given;
  const ready = Remaps.of(restore).takeReady(reg.id);
  const fd = ready ?? openRegular(reg, restore);
  const pos = BigInt(reg.pos);
  // the kernel has forgotten it where nobody had the file open since; without it nothing is wrong
  if (reg.tscriu_write_life) setWriteLife(fd, reg.tscriu_write_life);
  if ((reg.flags & O.PATH) !== 0 || pos === NO_POS) return fd;
  const type = (reg.mode ?? S_IFREG) & S_IFMT;
  // some files of the kernel have no position: there it is 0, as it is where a file was opened just now
  if (pos === 0n && type === S_IFREG && ready !== undefined) sys(NR.lseek, fd, 0, SEEK.SET);
  else if (pos !== 0n && type !== S_IFIFO && type !== S_IFCHR) seekTo(fd, pos, reg.name);
  // a device may count what was read and yet refuse to be positioned
  else if (type === S_IFCHR && pos !== 0n) sys(NR.lseek, fd, Number(pos), SEEK.SET);
  return fd;
}
