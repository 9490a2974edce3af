import { CrError } from "../error.ts";
import { FdTypes } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { makeFilesLike } from "../kernel/file-ids.ts";
import { NR } from "../kernel/nr.ts";
import { type Call, makeCalls } from "../kernel/standby.ts";
import { statFd } from "../kernel/stat.ts";
import { addressOf, cstring, sys, sysError } from "../kernel/sys.ts";
import { AT } from "../kernel/uapi/fcntl.ts";
import type { Ground } from "./ground.ts";
import type { FileDump } from "./kind.ts";
import { type NamedFile, subjectOf } from "./place.ts";

const nobody = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };

/** The nearest directory above a name that still is there: a link may lie in any of the same file system. */
function directoryFor(name: string, ground: Ground): string {
  let dir = name;
  do dir = dir.slice(0, dir.lastIndexOf("/"));
  while (dir !== "" && ground.stat(dir, true) === undefined);
  return dir;
}

/** A new name for an open file that still has others: linkat(2). */
export function linkOpenFile(fd: number, name: string): number {
  const empty = cstring("");
  const to = cstring(name);
  const result = sys(NR.linkat, fd, addressOf(empty), AT.FDCWD, addressOf(to), AT.EMPTY_PATH);
  if (result !== -(ERRNO.ENOENT ?? 2) && result !== -(ERRNO.EPERM ?? 1)) return result;
  // without CAP_DAC_READ_SEARCH the way leads over /proc
  const from = cstring(`/proc/self/fd/${fd}`);
  return sys(NR.linkat, AT.FDCWD, addressOf(from), AT.FDCWD, addressOf(to), AT.SYMLINK_FOLLOW);
}

/** The error for a file that needs a link while the user did not allow any; undefined when all is well. */
export function linkForbidden(file: NamedFile, allowed: boolean): CrError | undefined {
  if (allowed) return undefined;
  return new CrError("an open file has lost its name but has others that are not known", {
    code: "ENOENT",
    subject: subjectOf(file),
    remedy: "allow a temporary hard link beside it with --link-remap",
  });
}

/**
 * Links that keep files alive between dump and restore: files whose name is gone while other names hold the inode. A
 * failed dump takes them back; otherwise the restore does.
 */
export class LinkRemaps {
  readonly #ids = new Map<string, number>();

  constructor(private readonly dump: FileDump) {}

  /** The id of the entry that names the link; the link is made on first use. */
  idOf(file: NamedFile, name: string): number {
    const key = `${file.stat.dev}:${file.stat.ino}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const forbidden = linkForbidden(file, this.dump.options.linkRemap);
    if (forbidden) throw forbidden;
    const id = this.dump.nextId();
    const ground = this.dump.groundOf(file.mntId);
    const path = `${directoryFor(name, ground)}/link_remap.${id}`;
    const place = ground.at(path);
    const link = () => linkOpenFile(file.dup, place);
    const isTaken = ground.stat(path, true) !== undefined;
    const remove: Call = { nr: NR.unlinkat, args: [AT.FDCWD, cstring(place), 0] };
    const forget = isTaken ? () => {} : this.dump.ifWeDie([remove], ground);
    // a file system of a user namespace takes nothing of users whom that does not know: its own owner does it
    const result = makeFilesLike(statFd(file.dup), link);
    if (result < 0) {
      forget();
      const cause = sysError(
        result,
        "cannot make the link",
        { path },
        "remove what lies there, or let the program close the file",
      );
      throw new CrError("cannot keep a file that lost its name", { subject: subjectOf(file), cause });
    }
    this.dump.onFailure(() => {
      makeCalls([remove]);
      forget();
    });
    this.#ids.set(key, id);
    const mnt_id = this.dump.mountId(file.mntId);
    const reg = { id, flags: 0, pos: 0, fown: nobody, name: path, mnt_id, mode: file.stat.mode, build_id: [] };
    this.dump.add({ type: FdTypes.REG, id, reg });
    return id;
  }
}
