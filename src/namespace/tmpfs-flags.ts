/** What chattr(1) sets of files of a tmpfs (Linux 6.1), by the names that archives have for it. */
import { CrError } from "../error.ts";
import { addInodeFlags, FS_FL, inodeFlags } from "../kernel/attributes.ts";
import { check } from "../kernel/sys.ts";

const FLAGS: ReadonlyMap<string, number> = new Map([
  ["schg", FS_FL.IMMUTABLE],
  ["sappnd", FS_FL.APPEND],
  ["nodump", FS_FL.NODUMP],
  ["noatime", FS_FL.NOATIME],
]);

/** @param fd of a file or directory, not O_PATH @returns names with commas between */
export function flagsOf(fd: number): string {
  const flags = inodeFlags(fd);
  return [...FLAGS].flatMap(([name, flag]) => ((flags & flag) === 0 ? [] : [name])).join();
}

/** @param words names with commas between */
export function setFlags(fd: number, words: string, path: string): void {
  let flags = 0;
  for (const word of words.split(",")) {
    const flag = FLAGS.get(word);
    if (flag === undefined)
      throw new CrError("an archive has a file with flags that are not known here", {
        code: "BAD_IMAGE",
        subject: { path, flags: words },
      });
    flags |= flag;
  }
  const what = "cannot set the flags of a file of a tmpfs (chattr)";
  check(addInodeFlags(fd, flags), what, { path, flags: words });
}
