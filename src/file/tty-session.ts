/** Sessions of a restored tree and the terminals that they control. */

import type { TtyInfoEntry } from "../image/schema.gen.ts";
import { ioctlInt } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { sys } from "../kernel/sys.ts";
import { TIOC } from "../kernel/uapi/ioctl.ts";
import type { RestoredTask } from "./kind.ts";

/** A terminal that a session gets, of ours. */
export interface SessionTerminal {
  readonly fd: number;
  /** It is taken from the session that we are in. */
  readonly steal: boolean;
}

/** Is a terminal the controlling one of the session that we are in? Others would lose theirs: nobody asked for that. */
export function hasOurSession(fd: number): boolean {
  return ioctlInt(fd, TIOC.GSID) === sys(NR.getsid, 0);
}

/** Are we in the foreground of our terminal? */
export function isForeground(): boolean {
  return ioctlInt(0, TIOC.GPGRP) === sys(NR.getpgid, 0);
}

/** Runs in the leader of the session: nobody else may. */
export function takeTerminal(leader: RestoredTask, fd: number, info: TtyInfoEntry): void {
  const subject = {
    pid: leader.pid,
    terminal: info.pty ? `/dev/pts/${info.pty.index}` : `tty ${info.rdev.toString(16)}`,
  };
  leader.run((program) => {
    const line = leader.receive(program, fd);
    const pgrp = program.data(new Uint8Array(new Int32Array([info.pgrp]).buffer));
    program.call(NR.ioctl, [line, TIOC.SCTTY, 0], { what: "cannot give a session its terminal", subject });
    // The group may be gone, as the shell finds out too.
    if (info.pgrp > 0) program.call(NR.ioctl, [line, TIOC.SPGRP, pgrp], { ignore: true });
    program.call(NR.close, [line]);
  });
}
