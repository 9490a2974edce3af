import { CrError } from "../error.ts";
import type { FileKind, OpenFile } from "../file/kind.ts";
import { FdTypes } from "../image/schema.gen.ts";
import { getNumber } from "../kernel/socket.ts";
import { AF, SO, SOL } from "../kernel/uapi/socket.ts";
import { atPlace, atPlaceOf, atTree, checkAtPlaceOf } from "./elsewhere.ts";
import { checkUnix, dumpAllUnix, dumpUnix, queuedInUnix } from "./unix-dump.ts";
import { unixSockets } from "./unix-restore.ts";

function matches(file: OpenFile): boolean {
  return file.link.startsWith("socket:[") && getNumber(file.dup, SOL.SOCKET, SO.DOMAIN) === AF.UNIX;
}

export const unix: FileKind = {
  name: "unix socket",
  type: FdTypes.UNIXSK,
  matches,
  check: (file, dump) => checkAtPlaceOf(file, dump, () => checkUnix(file, dump)),
  queued: (file, dump) => queuedInUnix(file, dump),
  dump: (file, dump) => atPlaceOf(file, dump, () => dumpUnix(file, dump)),
  dumpAll: (_, dump) => atTree(dump, () => dumpAllUnix(dump)),

  open(entry, restore) {
    const { usk } = entry;
    if (usk === undefined)
      throw new CrError("a socket without its entry", { code: "BAD_IMAGE", subject: { file: entry.id } });
    atPlace(usk, restore, () => unixSockets(restore).open(usk));
  },

  link(entries, restore) {
    atTree(restore, () => unixSockets(restore).link(entries.flatMap(({ usk }) => usk ?? [])));
  },
};
