// zdtm: {"category": "arch-regs", "spoils": true, "except": {"memory": "the kernel writes the rest of the time when a wait is interrupted, threads write when theirs is over", "thread": "waits end when their time is over", "status Threads": "waits end when their time is over"}, "verifies": "futex waits, with and without a time limit, go on and end as they would have"}
#include "blocked.h"

#include <linux/futex.h>

static int word, bits;

static long waits(void) { return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0); }
static void wake(void) { syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }

static long waits_for_bits(void) {
  return syscall(SYS_futex, &bits, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0x10);
}
static void wake_bits(void) { syscall(SYS_futex, &bits, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL, 0x30); }

static long relative(void) {
  static int never;
  struct timespec time = {2, 0};
  return syscall(SYS_futex, &never, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0);
}

static long absolute(void) {
  static int never;
  struct timespec time;
  tst_sys(clock_gettime(CLOCK_MONOTONIC, &time));
  time.tv_sec += 2;
  return syscall(SYS_futex, &never, FUTEX_WAIT_BITSET_PRIVATE, 0, &time, NULL, FUTEX_BITSET_MATCH_ANY);
}

static const blocked table[] = {
    {"futex", waits, wake, 0, 0},
    {"futex with bits", waits_for_bits, wake_bits, 0, 0},
    {"futex for two seconds", relative, NULL, -ETIMEDOUT, 2.0},
    {"futex until a time", absolute, NULL, -ETIMEDOUT, 1.99},
};

BLOCKED_MAIN(table)
