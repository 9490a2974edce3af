import { CrError } from "../error.ts";
import { FdTypes, type TimerfdEntry } from "../image/schema.gen.ts";
import { O, tryIoctl } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { readFdInfo } from "../kernel/proc/fdinfo.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { TFD } from "../kernel/uapi/event.ts";
import { TFD_IOC_SET_TICKS } from "../kernel/uapi/ioctl.ts";
import type { FileKind, OpenFile } from "./kind.ts";

/** CLOCK_REALTIME_ALARM and CLOCK_BOOTTIME_ALARM by the clocks that they go by: a machine that nothing wakes cannot read them. */
const AWAKE: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [9, 7],
]);
const NSEC_PER_SEC = 1_000_000_000n;

/** struct itimerspec: interval, then value. */
const spec = new BigInt64Array(new ArrayBuffer(32));
const now = new BigInt64Array(new ArrayBuffer(16));

/**
 * State of a timer. A periodic one that expired stands still until somebody looks: asking for its time lets the kernel count
 * what it missed and run on, which its owner cannot tell from a read. So ask first, then read the count.
 */
function readTimer(file: OpenFile): TimerfdEntry {
  const subject = { pid: file.pid, fd: file.fd };
  check(sys(NR.timerfd_gettime, file.dup, addressOf(spec)), "cannot read a timerfd", subject);
  const [isec = 0n, insec = 0n, vsec = 0n, vnsec = 0n] = spec;
  using self = new ProcDir(process.pid);
  const state = readFdInfo(self, file.dup).timerfd;
  if (state === undefined) throw new CrError("a timerfd does not tell its clock", { code: "BAD_PROC", subject });
  return {
    id: file.id,
    flags: file.flags,
    fown: file.fown,
    clockid: state.clockid,
    ticks: state.ticks,
    settime_flags: state.settimeFlags,
    vsec: Number(vsec),
    vnsec: Number(vnsec),
    isec: Number(isec),
    insec: Number(insec),
  };
}

/** The time that is left, as timerfd_settime(2) wants it: on the clock when the timer was set to a point in time. */
function fillSpec(tfd: TimerfdEntry): void {
  let value = BigInt(tfd.vsec) * NSEC_PER_SEC + BigInt(tfd.vnsec);
  if (value > 0n && (tfd.settime_flags & TFD.TIMER_ABSTIME) !== 0) {
    const clock = AWAKE.get(tfd.clockid) ?? tfd.clockid;
    check(sys(NR.clock_gettime, clock, addressOf(now)), "cannot read a timerfd's clock", { clock });
    value += (now[0] ?? 0n) * NSEC_PER_SEC + (now[1] ?? 0n);
  }
  spec[0] = BigInt(tfd.isec);
  spec[1] = BigInt(tfd.insec);
  spec[2] = value / NSEC_PER_SEC;
  spec[3] = value % NSEC_PER_SEC;
}

function arm(tfd: TimerfdEntry, fd: number): void {
  const subject = { file: tfd.id };
  const flags = tfd.settime_flags & (TFD.TIMER_ABSTIME | TFD.TIMER_CANCEL_ON_SET);
  fillSpec(tfd);
  check(sys(NR.timerfd_settime, fd, flags, addressOf(spec), 0), "cannot arm a timerfd", subject);
  if (BigInt(tfd.ticks) === 0n) return;
  check(
    tryIoctl(fd, TFD_IOC_SET_TICKS, new BigUint64Array([BigInt(tfd.ticks)])),
    "cannot set how often a timerfd expired",
    subject,
    "use a kernel with CONFIG_CHECKPOINT_RESTORE",
  );
}

export const timerfd: FileKind = {
  name: "timerfd",
  type: FdTypes.TIMERFD,

  matches: (file) => file.info.timerfd !== undefined && file.link === "anon_inode:[timerfd]",

  dump(file, dump) {
    dump.add({ type: FdTypes.TIMERFD, id: file.id, tfd: readTimer(file) });
  },

  open(entry, restore) {
    const { tfd } = entry;
    if (tfd === undefined)
      throw new CrError("a timerfd without its state", { code: "BAD_IMAGE", subject: { file: entry.id } });
    const flags = (tfd.flags & O.NONBLOCK) | O.CLOEXEC;
    const fd = check(sys(NR.timerfd_create, tfd.clockid, flags), "cannot make a timerfd", { file: entry.id });
    restore.put(entry.id, fd);
    restore.applyFown(fd, tfd.fown, tfd.flags);
  },

  arm(entries, restore) {
    for (const { id, tfd } of entries) if (tfd !== undefined) arm(tfd, restore.descriptor(id));
  },
};
