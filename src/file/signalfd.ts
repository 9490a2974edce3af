import { CrError } from "../error.ts";
import { FdTypes } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { toU64 } from "../kernel/u64.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import type { FileKind } from "./kind.ts";

/** A signalfd holds nothing but its mask: pending signals are the tasks', and are read from whoever reads. */
export const signalfd: FileKind = {
  name: "signalfd",
  type: FdTypes.SIGNALFD,

  matches: (file) => file.info.signalfd !== undefined && file.link === "anon_inode:[signalfd]",

  dump(file, dump) {
    const sigmask = toU64(file.info.signalfd ?? 0n);
    dump.add({
      type: FdTypes.SIGNALFD,
      id: file.id,
      sgfd: { id: file.id, flags: file.flags, fown: file.fown, sigmask },
    });
  },

  open(entry, restore) {
    const { sgfd } = entry;
    if (sgfd === undefined)
      throw new CrError("a signalfd without its state", { code: "BAD_IMAGE", subject: { file: entry.id } });
    const mask = new BigUint64Array([BigInt(sgfd.sigmask)]);
    const flags = (sgfd.flags & O.NONBLOCK) | O.CLOEXEC;
    const fd = check(sys(NR.signalfd4, -1, addressOf(mask), 8, flags), "cannot make a signalfd", { file: entry.id });
    restore.put(entry.id, fd);
    restore.applyFown(fd, sgfd.fown, sgfd.flags);
  },
};
