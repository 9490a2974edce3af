/** What chattr(1) sets of files of a tmpfs (Linux 6.1), by the names that archives have for it. */
import { CrError } from "../error.ts";
import { tryIoctl } from "../kernel/fd.ts";
import { check } from "../kernel/sys.ts";
import { FS_IOC } from "../kernel/uapi/ioctl.ts";

/** FS_IMMUTABLE_FL, APPEND, NODUMP, NOATIME (linux/fs.h). */
const FLAGS: ReadonlyMap<string, number> = new Map([
  ["schg", 0x10],
  ["sappnd", 0x20],
  ["nodump", 0x40],
  ["noatime", 0x80],
]);

function read(fd: number): number {
  const flags = new Uint32Array(new ArrayBuffer(8));
  // a kernel that knows none
  return tryIoctl(fd, FS_IOC.GETFLAGS, flags) < 0 ? 0 : (flags[0] ?? 0);
}

/** @param fd of a file or directory, not O_PATH @returns names with commas between */
export function flagsOf(fd: number): string {
  const flags = read(fd);
  return [...FLAGS].flatMap(([name, flag]) => ((flags & flag) === 0 ? [] : [name])).join();
}

/** @param words names with commas between */
export function setFlags(fd: number, words: string, path: string): void {
  let flags = read(fd);
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
  check(tryIoctl(fd, FS_IOC.SETFLAGS, Uint32Array.of(flags, 0)), what, { path, flags: words });
}
