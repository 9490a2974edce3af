// zdtm: {"category": "timers", "verifies": "timers that would wake the machine (CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM) are set to the same points in time, on a machine without a clock that wakes it, too"}
#include "tst.h"

#include <sys/timerfd.h>

int main(void) {
  tst_begin();
  static const int clocks[] = {CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM}, plain[] = {CLOCK_REALTIME, CLOCK_BOOTTIME};
  int fds[2];
  struct timespec at[2];
  for (int i = 0; i < 2; i++) {
    fds[i] = timerfd_create(clocks[i], TFD_NONBLOCK);
    if (fds[i] < 0) tst_skip("nobody may wake this machine: %s", strerror(errno));
    tst_sys(clock_gettime(plain[i], &at[i]));
    at[i].tv_sec += 100000;
    struct itimerspec spec = {.it_value = at[i]};
    tst_sys(timerfd_settime(fds[i], TFD_TIMER_ABSTIME, &spec, NULL));
  }
  tst_ready();
  TST_SPOIL tst_sys(timerfd_settime(fds[0], 0, &(struct itimerspec){{0, 0}, {1, 0}}, NULL));
  for (int i = 0; i < 2; i++) {
    struct itimerspec left;
    tst_sys(timerfd_gettime(fds[i], &left));
    // what is left was counted while nobody was there
    tst_check(left.it_value.tv_sec > 90000 && left.it_value.tv_sec <= 100000, "timer %d has %ld s", i, left.it_value.tv_sec);
  }
  return tst_pass();
}
