import { CrError } from "../error.ts";
import type { FileEntry } from "../image/schema.gen.ts";
import { inet } from "../socket/inet.ts";
import { netlink } from "../socket/netlink.ts";
import { otherSocket } from "../socket/other.ts";
import { packet } from "../socket/packet.ts";
import { unix } from "../socket/unix.ts";
import { bpfmap } from "./bpfmap.ts";
import { epoll } from "./epoll.ts";
import { eventfd } from "./eventfd.ts";
import { fanotify } from "./fanotify.ts";
import { fifo } from "./fifo.ts";
import { inotify } from "./inotify.ts";
import type { FileKind, OpenFile } from "./kind.ts";
import { memfd } from "./memfd.ts";
import { mqueue } from "./mqueue.ts";
import { ns } from "./ns.ts";
import { pidfd } from "./pidfd.ts";
import { pipe } from "./pipe.ts";
import { regular } from "./regular.ts";
import { signalfd } from "./signalfd.ts";
import { timerfd } from "./timerfd.ts";
import { tty } from "./tty.ts";
import { tun } from "./tun.ts";
import { unsupported } from "./unsupported.ts";
import { uring } from "./uring.ts";

/**
 * Every kind of descriptor. The first that matches takes a description; `link` and `arm` go in this order, so what watches
 * files (inotify) stands behind what makes and removes them.
 */
export const kinds: readonly FileKind[] = [
  memfd,
  mqueue,
  regular,
  pipe,
  fifo,
  tty,
  tun,
  pidfd,
  eventfd,
  signalfd,
  timerfd,
  uring,
  epoll,
  ns,
  unix,
  inet,
  netlink,
  packet,
  otherSocket,
  inotify,
  fanotify,
  bpfmap,
  unsupported,
];

/** Plainly, as all that runs at each start: what the runtime offers for it would be compiled for this alone. */
const byType = new Map<FileKind["type"], FileKind[]>();
for (const kind of kinds) {
  const same = byType.get(kind.type);
  if (same) same.push(kind);
  else byType.set(kind.type, [kind]);
}

/** The kind that dumps a description. There always is one: the last says that it cannot. */
export function kindOf(file: OpenFile): FileKind {
  return kinds.find((kind) => kind.matches(file)) ?? unsupported;
}

/**
 * The kind that restores an entry of files.img.
 * @throws CrError UNSUPPORTED for types that no kind here has
 */
export function kindOfEntry(entry: FileEntry): FileKind {
  const kind = byType.get(entry.type)?.find(({ restores }) => restores?.(entry) ?? true);
  if (kind !== undefined && kind !== unsupported) return kind;
  throw new CrError("a descriptor of a kind that cannot be restored yet", {
    code: "UNSUPPORTED",
    subject: { file: entry.id, type: entry.type },
  });
}
