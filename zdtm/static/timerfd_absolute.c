// zdtm: {"category": "timers", "verifies": "a timerfd set to a point in time is still due at that very point"}
#include "tst.h"

#include <sys/timerfd.h>

static int64_t due(clockid_t clock, int fd) {
  struct itimerspec is;
  struct timespec now;
  tst_sys(timerfd_gettime(fd, &is));
  tst_sys(clock_gettime(clock, &now));
  return (is.it_value.tv_sec + now.tv_sec) * 1000000000LL + is.it_value.tv_nsec + now.tv_nsec;
}

int main(void) {
  tst_begin();
  static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};
  int fds[3];
  struct timespec at[3];
  for (int i = 0; i < 3; i++) {
    fds[i] = tst_sys(timerfd_create(clocks[i], 0));
    tst_sys(clock_gettime(clocks[i], &at[i]));
    struct itimerspec value = {.it_value = {at[i].tv_sec += 3600, at[i].tv_nsec}};
    tst_sys(timerfd_settime(fds[i], TFD_TIMER_ABSTIME, &value, NULL));
  }
  tst_ready();
  TST_SPOIL at[2].tv_sec += 100;
  for (int i = 0; i < 3; i++) {
    int64_t off = due(clocks[i], fds[i]) - (at[i].tv_sec * 1000000000LL + at[i].tv_nsec);
    /* The two readings of a clock lie apart by what the scheduler likes; what a dump takes would be far more. */
    tst_check(llabs(off) < 20000000000LL, "timerfd %d is due %lld ns off", i, (long long)off);
  }
  return tst_pass();
}
