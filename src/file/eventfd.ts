import { CrError } from "../error.ts";
import { type EventfdFileEntry, FdTypes, type FileEntry } from "../image/schema.gen.ts";
import { O, tryWrite } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { check, sys } from "../kernel/sys.ts";
import { EFD } from "../kernel/uapi/event.ts";
import type { FileKind } from "./kind.ts";

const INITIAL_MAX = 0xffff_ffffn;
/** One write adds at most this (eventfd(2)); the counter itself holds one more after a KVM or AIO signal only. */
const COUNT_MAX = 0xffff_ffff_ffff_fffen;

/** Makes an eventfd that holds `counter`; the caller closes it. */
function make(efd: EventfdFileEntry): number {
  const counter = BigInt(efd.counter);
  const subject = { file: efd.id };
  if (counter > COUNT_MAX || counter < 0n) {
    throw new CrError("an eventfd counter beyond what can be set", { code: "BAD_IMAGE", subject });
  }
  const initial = counter > INITIAL_MAX ? 0n : counter;
  const flags = (efd.flags & O.NONBLOCK) | O.CLOEXEC | (efd.tscriu_semaphore === true ? EFD.SEMAPHORE : 0);
  const fd = check(sys(NR.eventfd2, Number(initial), flags), "cannot make an eventfd", subject);
  if (initial !== counter) {
    const bytes = new Uint8Array(new BigUint64Array([counter]).buffer);
    check(tryWrite(fd, bytes), "cannot set an eventfd's counter", subject);
  }
  return fd;
}

export const eventfd: FileKind = {
  name: "eventfd",
  type: FdTypes.EVENTFD,

  matches: (file) => file.info.eventfd !== undefined && file.link === "anon_inode:[eventfd]",

  dump(file, dump) {
    const state = file.info.eventfd;
    const efd: EventfdFileEntry = { id: file.id, flags: file.flags, fown: file.fown, counter: state?.count ?? 0 };
    if (state?.semaphore === true) efd.tscriu_semaphore = true;
    dump.add({ type: FdTypes.EVENTFD, id: file.id, efd });
  },

  open(entry: FileEntry, restore) {
    const { efd } = entry;
    if (efd === undefined)
      throw new CrError("an eventfd without its state", { code: "BAD_IMAGE", subject: { file: entry.id } });
    const fd = make(efd);
    restore.put(entry.id, fd);
    restore.applyFown(fd, efd.fown, efd.flags);
  },
};
