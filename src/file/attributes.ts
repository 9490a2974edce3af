/** What deleted files and memfds have besides owner, permissions, content and times: in images, and given to those that are made again. */
import { CrError } from "../error.ts";
import type { TscriuAttributes } from "../image/schema.gen.ts";
import {
  addInodeFlags,
  FS_FL,
  inodeFlags,
  projectOf,
  setProject,
  setWriteLife,
  setXattr,
  withReadable,
  writeLife,
  xattrsOf,
} from "../kernel/attributes.ts";
import { errnoName } from "../kernel/errno.ts";
import { S_IFDIR, S_IFMT, S_IFREG } from "../kernel/stat.ts";
import type { Log } from "../log.ts";

/** A file with one of these is opened for writing no more, or only to append: they are set when all have it open. */
const LATE = FS_FL.IMMUTABLE | FS_FL.APPEND;
const { VERITY, ...SETTABLE } = FS_FL;
const CARRIED = Object.values(SETTABLE).reduce((all, flag) => all | flag, 0);

/**
 * What is to be kept of a file; nothing for one that is as it was made.
 * @param fd of the file, O_PATH or not
 * @param readable one to make calls with, where there is one
 * @param tell hears what cannot be kept
 */
export function attributesOf(
  fd: number,
  mode: number,
  readable: number | undefined,
  tell: (what: string) => void,
): TscriuAttributes | undefined {
  const xattrs = [...xattrsOf(fd)].map(([name, value]) => ({ name, value }));
  const type = mode & S_IFMT;
  const ask = (own: number): Omit<TscriuAttributes, "xattrs"> => {
    const flags = inodeFlags(own);
    if (flags & VERITY) tell("that nobody may change it, under a sum of its content (fs-verity)");
    const kept = (flags & CARRIED) >>> 0;
    const project = projectOf(own);
    const life = type === S_IFREG ? writeLife(own) : 0;
    return { ...(kept && { flags: kept }), ...(project && { project }), ...(life && { write_life: life }) };
  };
  // the others' ioctls would go to who is behind them
  const more =
    type !== S_IFREG && type !== S_IFDIR ? {} : readable === undefined ? withReadable(fd, ask) : ask(readable);
  const attributes = { xattrs, ...more };
  return xattrs.length > 0 || Object.keys(attributes).length > 1 ? attributes : undefined;
}

/** Says what a file system does not take of a file: the rest of it is worth more than nothing. */
function told(result: number, what: string, path: string, log: Log): void {
  if (result < 0) log.warn(`${path} comes back without ${what}: ${errnoName(-result)}`);
}

/**
 * Gives a file that has its owner, permissions and content what else it had, but for what would keep it from being opened.
 * @param fd of the file, O_PATH or not
 */
export function giveAttributes(
  fd: number,
  mode: number,
  { xattrs, flags = 0, project, write_life }: TscriuAttributes,
  path: string,
  log: Log,
): void {
  for (const { name, value } of xattrs) told(setXattr(fd, name, value), `its attribute ${name}`, path, log);
  const type = mode & S_IFMT;
  if (type !== S_IFREG && type !== S_IFDIR) return;
  const early = (flags & CARRIED & ~LATE) >>> 0;
  if (early === 0 && project === undefined && write_life === undefined) return;
  withReadable(fd, (own) => {
    if (early) told(addInodeFlags(own, early), `its flags 0x${early.toString(16)} (chattr)`, path, log);
    if (project) told(setProject(own, project), `its project ${project}`, path, log);
    if (write_life) told(setWriteLife(own, write_life), "its hint on how long it lives (F_SET_RW_HINT)", path, log);
  });
}

/** What of a file's flags waits until all have it open. */
export function lateFlags(attributes: TscriuAttributes | undefined): number {
  return (attributes?.flags ?? 0) & LATE;
}

/** @param fd of the file, O_PATH or not */
export function giveLateFlags(fd: number, flags: number, path: string, log: Log): void {
  const result = withReadable(fd, (own) => addInodeFlags(own, flags));
  if (result === undefined) throw new CrError("cannot open a file that was just made", { subject: { path } });
  told(result, `its flags 0x${flags.toString(16)} (chattr)`, path, log);
}
