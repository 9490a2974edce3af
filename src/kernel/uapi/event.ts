// sys/epoll.h, sys/inotify.h, linux/fanotify.h, sys/timerfd.h, sys/eventfd.h, linux/time.h

/** Events of epoll_ctl(2); unsigned. */
export const EPOLL = {
  IN: 1,
  PRI: 2,
  OUT: 4,
  ERR: 8,
  HUP: 0x10,
  RDNORM: 0x40,
  RDBAND: 0x80,
  WRNORM: 0x100,
  WRBAND: 0x200,
  MSG: 0x400,
  RDHUP: 0x2000,
  EXCLUSIVE: 0x10000000,
  WAKEUP: 0x20000000,
  ONESHOT: 0x40000000,
  ET: 0x80000000,
} as const;

export const EPOLL_CTL = {
  ADD: 1,
  DEL: 2,
  MOD: 3,
} as const;

/** struct epoll_event: its size and where its data stands. It is packed on x86_64 only. */
export const EPOLL_EVENT = process.arch === "x64" ? { size: 12, data: 4 } : { size: 16, data: 8 };

/** Events of inotify(7); unsigned. */
export const IN = {
  ACCESS: 1,
  MODIFY: 2,
  ATTRIB: 4,
  CLOSE_WRITE: 8,
  CLOSE_NOWRITE: 0x10,
  OPEN: 0x20,
  MOVED_FROM: 0x40,
  MOVED_TO: 0x80,
  CREATE: 0x100,
  DELETE: 0x200,
  DELETE_SELF: 0x400,
  MOVE_SELF: 0x800,
  UNMOUNT: 0x2000,
  Q_OVERFLOW: 0x4000,
  IGNORED: 0x8000,
  ONLYDIR: 0x1000000,
  DONT_FOLLOW: 0x2000000,
  EXCL_UNLINK: 0x4000000,
  MASK_CREATE: 0x10000000,
  MASK_ADD: 0x20000000,
  ISDIR: 0x40000000,
  ONESHOT: 0x80000000,
} as const;

/** Flags of fanotify_mark(2). */
export const FAN_MARK = {
  INODE: 0,
  ADD: 1,
  REMOVE: 2,
  DONT_FOLLOW: 4,
  ONLYDIR: 8,
  MOUNT: 0x10,
  IGNORED_MASK: 0x20,
  IGNORED_SURV_MODIFY: 0x40,
  FLUSH: 0x80,
  FILESYSTEM: 0x100,
  EVICTABLE: 0x200,
  IGNORE: 0x400,
} as const;

/** Flags of fanotify_init(2). */
export const FAN = {
  CLOEXEC: 1,
  NONBLOCK: 2,
  CLASS_NOTIF: 0,
  CLASS_CONTENT: 4,
  CLASS_PRE_CONTENT: 8,
  UNLIMITED_QUEUE: 0x10,
  UNLIMITED_MARKS: 0x20,
  ENABLE_AUDIT: 0x40,
  REPORT_PIDFD: 0x80,
  REPORT_TID: 0x100,
  REPORT_FID: 0x200,
  REPORT_DIR_FID: 0x400,
  REPORT_NAME: 0x800,
  REPORT_TARGET_FID: 0x1000,
  REPORT_MNT: 0x4000,
} as const;

/** Events of fanotify; all but the first ask for an answer. */
export const FAN_EVENT = {
  OPEN: 0x20,
  OPEN_PERM: 0x10000,
  ACCESS_PERM: 0x20000,
  OPEN_EXEC_PERM: 0x40000,
  PRE_ACCESS: 0x100000,
} as const;

/** timerfd_create(2), timerfd_settime(2). */
export const TFD = {
  TIMER_ABSTIME: 1,
  TIMER_CANCEL_ON_SET: 2,
  NONBLOCK: 0o4000,
  CLOEXEC: 0o2000000,
} as const;

/** eventfd2(2). */
export const EFD = {
  SEMAPHORE: 1,
  NONBLOCK: 0o4000,
  CLOEXEC: 0o2000000,
} as const;

/** signalfd4(2). */
export const SFD = {
  NONBLOCK: 0o4000,
  CLOEXEC: 0o2000000,
} as const;

/** Clocks (clock_gettime(2)). */
export const CLOCK = {
  REALTIME: 0,
  MONOTONIC: 1,
  PROCESS_CPUTIME_ID: 2,
  THREAD_CPUTIME_ID: 3,
  MONOTONIC_RAW: 4,
  REALTIME_COARSE: 5,
  MONOTONIC_COARSE: 6,
  BOOTTIME: 7,
  REALTIME_ALARM: 8,
  BOOTTIME_ALARM: 9,
  TAI: 11,
} as const;

export const TIMER_ABSTIME = 1;

/** Interval timers (setitimer(2)). */
export const ITIMER = {
  REAL: 0,
  VIRTUAL: 1,
  PROF: 2,
} as const;
