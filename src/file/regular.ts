import { CrError } from "../error.ts";
import { FdTypes } from "../image/schema.gen.ts";
import { openPath } from "../kernel/fd.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../kernel/stat.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { FS } from "../kernel/uapi/magic.ts";
import { isStateless } from "./device.ts";
import type { FileDump, FileKind, FileRestore, OpenFile } from "./kind.ts";
import { comesLater, openLater } from "./later.ts";
import { openDescriptor } from "./open-regular.ts";
import { perRun } from "./per-run.ts";
import { RegularFiles } from "./regular-files.ts";
import { Remaps } from "./remaps.ts";
import { shmemDevice } from "./shmem-device.ts";

/** File systems whose files look regular but live by other rules than their names. */
const NOT_FILES: ReadonlySet<number> = new Set([FS.NSFS, FS.PIDFS, FS.SECRETMEM, FS.DMA_BUF, FS.ANON_INODE]);
const BY_NAME: ReadonlySet<number> = new Set([S_IFREG, S_IFDIR, S_IFLNK, S_IFBLK]);

function matches(file: OpenFile): boolean {
  if (!/^(\/|\(unreachable\))/.test(file.link)) return false;
  if (NOT_FILES.has(file.fsType) || file.stat.dev === shmemDevice()) return false;
  // nothing but the name was opened, whatever it names
  if ((file.flags & O.PATH) !== 0) return true;
  const type = file.stat.mode & S_IFMT;
  return type === S_IFCHR ? isStateless(file.stat.rdev, file.flags) : BY_NAME.has(type);
}

/** A file of pressure that is open for writing was told when to wake this program, and cannot be asked what it was told. */
function pressureProblem(file: OpenFile): CrError | undefined {
  if ((file.flags & O.ACCMODE) === O.RDONLY || (file.flags & O.PATH) !== 0) return undefined;
  if (!/^\/proc\/pressure\/|^\/sys\/fs\/cgroup\/.*\.pressure$/.test(file.link)) return undefined;
  return new CrError("a file waits for pressure (PSI) in a way that cannot be read", {
    code: "UNSUPPORTED",
    subject: { pid: file.pid, fd: file.fd, path: file.link },
    remedy: "let the program close it before the dump; reading pressure does not stand in the way",
  });
}

/**
 * A directory may be watched in the old way (fcntl(2), F_NOTIFY). Nobody can read that, but with a watch comes an owner, the process
 * that is told: it stays when the watch has told what there was, which is why this is not refused.
 */
function tellOfWatch({ pid, fd, link, stat, fown }: OpenFile, { log }: FileDump): void {
  if ((stat.mode & S_IFMT) !== S_IFDIR || fown.pid === 0) return;
  log.warn(
    `a directory may be watched (dnotify: fcntl with F_NOTIFY), which cannot be read and is not kept: pid ${pid}, descriptor ${fd}, ` +
      `${link}; watches of inotify are kept, or have the program set it anew after a restore`,
  );
}

/** The root of a mount that nobody has put anywhere is called as the tree's root is. */
function tellOfMount({ pid, fd, link, flags, mntId }: OpenFile, { log, mounts }: FileDump): void {
  if (link !== "/" || (flags & O.PATH) === 0 || mounts.some((mount) => mount.mntId === mntId)) return;
  log.warn(
    `pid ${pid} has the root of a mount that the tree does not see as descriptor ${fd} (open_tree, fsmount, another mount namespace): ` +
      "it comes back as the tree's own root; put the mount in its place, or close the descriptor, before the dump",
  );
}

/** Entries that are only the path of a terminal or FIFO: opening those has effects, so their own kinds do it. */
const pathsOfOthers = perRun((restore: FileRestore) => {
  const ids = new Set<number>();
  for (const { tty, fifo } of restore.entries.values()) {
    const id = tty?.regf_id ?? fifo?.regf_id;
    if (id !== undefined) ids.add(id);
  }
  return ids;
});

/** Whatever is opened by its path and keeps nothing but flags and a position. */
export const regular: FileKind = {
  name: "regular file",
  type: FdTypes.REG,
  matches,

  check(file, dump) {
    const problem = RegularFiles.of(dump).problem(file) ?? pressureProblem(file);
    if (problem) dump.blocker(problem);
    tellOfWatch(file, dump);
    tellOfMount(file, dump);
  },

  dump(file, dump) {
    RegularFiles.of(dump).addDescriptor(file);
  },

  open(entry, restore) {
    const { reg } = entry;
    if (reg === undefined)
      throw new CrError("a file without its path", { code: "BAD_IMAGE", subject: { file: entry.id } });
    const remaps = Remaps.of(restore);
    if (pathsOfOthers(restore).has(entry.id) || remaps.isLink(entry.id)) {
      restore.put(entry.id, openPath("/", O.PATH | O.DIRECTORY));
      return;
    }
    const isRemapped = remaps.has(entry.id) || remaps.deadProcess(entry.id) !== undefined;
    if (!isRemapped && comesLater(reg, restore)) {
      openLater(reg, restore);
      return;
    }
    const fd = openDescriptor(reg, restore);
    restore.put(entry.id, fd);
    restore.applyFown(fd, reg.fown, reg.flags);
  },

  arm(_, restore) {
    const remaps = Remaps.of(restore);
    remaps.removeLinks();
    remaps.finish();
  },
};
