// zdtm: {"category": "arch-regs", "spoils": true, "except": {"memory": "the kernel writes the rest of the time when a wait is interrupted, threads write when theirs is over", "thread": "waits end when their time is over", "status Threads": "waits end when their time is over"}, "verifies": "clock_nanosleep lasts its time, relative and absolute, on several clocks"}
#include "blocked.h"

static long sleeps(clockid_t clock, int flags) {
  struct timespec time = {0};
  if (flags) tst_sys(clock_gettime(clock, &time));
  time.tv_sec += 2;
  int error = clock_nanosleep(clock, flags, &time, NULL);
  errno = error;
  return error ? -1 : 0;
}

static long relative(void) { return sleeps(CLOCK_MONOTONIC, 0); }
static long relative_real(void) { return sleeps(CLOCK_REALTIME, 0); }
static long absolute(void) { return sleeps(CLOCK_MONOTONIC, TIMER_ABSTIME); }
static long absolute_real(void) { return sleeps(CLOCK_REALTIME, TIMER_ABSTIME); }
static long absolute_boot(void) { return sleeps(CLOCK_BOOTTIME, TIMER_ABSTIME); }

static const blocked table[] = {
    {"relative, monotonic", relative, NULL, 0, 2.0},   {"relative, real time", relative_real, NULL, 0, 2.0},
    {"absolute, monotonic", absolute, NULL, 0, 1.99},  {"absolute, real time", absolute_real, NULL, 0, 1.9},
    {"absolute, boot time", absolute_boot, NULL, 0, 1.99},
};

BLOCKED_MAIN(table)
