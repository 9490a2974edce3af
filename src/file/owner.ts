import type { Subject } from "../error.ts";
import type { FownEntry } from "../image/schema.gen.ts";
import { keepFileIds } from "../kernel/file-ids.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { F } from "../kernel/uapi/fcntl.ts";

/** An id that stays as it is: setresuid(2). */
const KEEP = 0xffff_ffff;

/**
 * Sets who is told of a descriptor's events, and by which signal. The kernel remembers on whose behalf this was done, and
 * tells nobody whom those users could not have signalled: so it is done as them, which needs CAP_SETUID when we are others.
 * @throws CrError ESRCH when there is no such process or group (any more)
 */
export function setOwner(fd: number, fown: FownEntry, subject: Subject = {}): void {
  const what = "cannot set the owner of a descriptor";
  if (fown.signum !== 0)
    check(sys(NR.fcntl, fd, F.SETSIG, fown.signum), "cannot set the signal of a descriptor", subject);
  if (fown.pid === 0) return;
  const uid = process.getuid?.() ?? 0;
  const euid = process.geteuid?.() ?? 0;
  const isOther = fown.uid !== uid || fown.euid !== euid;
  // the raw call changes this thread alone, and the saved id leads back
  if (isOther)
    check(sys(NR.setresuid, fown.uid, fown.euid, euid), what, { ...subject, uid: fown.uid, euid: fown.euid });
  const result = sys(NR.fcntl, fd, F.SETOWN_EX, addressOf(new Int32Array([fown.pid_type, fown.pid])));
  if (isOther) {
    check(sys(NR.setresuid, uid, euid, KEEP), "cannot become ourselves again");
    keepFileIds();
  }
  check(result, what, { ...subject, owner: fown.pid });
}
