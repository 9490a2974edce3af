import { CrError } from "../error.ts";
import type { FileKind, OpenFile } from "../file/kind.ts";
import { FdTypes } from "../image/schema.gen.ts";
import { getNumber } from "../kernel/socket.ts";
import { AF, SO, SOL } from "../kernel/uapi/socket.ts";
import { atPlace, atTree } from "./elsewhere.ts";
import { checkInet, dumpInet, dumpInetContents } from "./inet-dump.ts";
import { finishInet, joinGroup, openInet } from "./inet-restore.ts";
import { inOrder } from "./reuse-group.ts";
import { checkConnection } from "./tcp-restore.ts";

function matches(file: OpenFile): boolean {
  if (!file.link.startsWith("socket:[")) return false;
  const family = getNumber(file.dup, SOL.SOCKET, SO.DOMAIN);
  return family === AF.INET || family === AF.INET6;
}

export const inet: FileKind = {
  name: "Internet socket",
  type: FdTypes.INETSK,
  matches,
  check: checkInet,
  dump: dumpInet,

  dumpAll(_, dump) {
    atTree(dump, () => dumpInetContents(dump));
  },

  precheck({ isk }, restore) {
    if (isk) checkConnection(isk, restore);
  },

  open(entry, restore) {
    const { isk } = entry;
    if (isk === undefined)
      throw new CrError("a socket without its entry", { code: "BAD_IMAGE", subject: { file: entry.id } });
    atPlace(isk, restore, () => openInet(isk, restore));
  },

  link(entries, restore) {
    const sockets = entries.flatMap(({ isk }) => (isk ? [isk] : []));
    for (const isk of inOrder(sockets)) atPlace(isk, restore, () => joinGroup(isk, restore));
    for (const isk of sockets) atPlace(isk, restore, () => finishInet(isk, restore));
  },
};
