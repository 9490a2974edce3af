/** A restored tree that has our terminal: it is to draw anew, and stops and goes on together with us, as a shell's job does. */
import { ioctlInt } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { sys } from "../kernel/sys.ts";
import { trySetTtyNumber } from "../kernel/tty.ts";
import { TIOC } from "../kernel/uapi/ioctl.ts";
import { SIG } from "../kernel/uapi/signal.ts";
import { defaultAction, ignore } from "./exec.ts";

const STDIN = 0;

/** Full-screen programs draw all of their screen when its size changes: here it shows something else. */
export function drawAnew(group: number): void {
  sys(NR.kill, -group, SIG.WINCH);
}

const ourGroup = () => sys(NR.getpgid, 0);

/** The tree has the terminal, and we write to it and set its modes all the same: in the background, where others are stopped. */
export function speakOn(): void {
  ignore(SIG.TTOU);
}

/** The terminal is ours again, when the tree has ended or stopped: a script that goes on behind us may read from it. */
export function takeBack(): void {
  trySetTtyNumber(STDIN, TIOC.SPGRP, ourGroup());
}

/**
 * The tree was stopped from its keyboard: we stop too, so that the shell that waits for us knows. When it continues us, in the
 * foreground or not, we continue the tree there. Where no shell could do that the kernel does not stop us.
 * @param pid the tree's root
 */
export function stopTogether(pid: number): void {
  const group = sys(NR.getpgid, pid);
  if (group === ourGroup()) return;
  takeBack();
  defaultAction(SIG.TSTP);
  sys(NR.kill, 0, SIG.TSTP);
  if (ioctlInt(STDIN, TIOC.GPGRP) === ourGroup()) trySetTtyNumber(STDIN, TIOC.SPGRP, group);
  sys(NR.kill, -group, SIG.CONT);
}
