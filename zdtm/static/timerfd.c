// zdtm: {"category": "timers", "verifies": "timerfds of every clock keep flags, interval and remaining time; an expired one keeps its ticks"}
#include "tst.h"

#include <sys/timerfd.h>

int main(void) {
  tst_begin();
  static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME};
  static const int flags[] = {0, TFD_NONBLOCK, TFD_CLOEXEC, TFD_NONBLOCK | TFD_CLOEXEC};
  int fds[4], expired, unarmed = tst_sys(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  for (int i = 0; i < 4; i++) {
    fds[i] = tst_sys(timerfd_create(clocks[i], flags[i]));
    struct itimerspec value = {.it_value = {6000 + i, 77}, .it_interval = {i * 10, 3 * i}};
    tst_sys(timerfd_settime(fds[i], 0, &value, NULL));
  }
  /* Due first five and a half hours ago, then each hour. */
  expired = tst_sys(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
  struct itimerspec past = {.it_value.tv_sec = time(NULL) - 19800, .it_interval.tv_sec = 3600};
  tst_sys(timerfd_settime(expired, TFD_TIMER_ABSTIME, &past, NULL));
  struct itimerspec is;
  tst_sys(timerfd_gettime(expired, &is)); /* folds the past expirations into ticks */
  tst_ready();
  TST_SPOIL tst_sys(timerfd_settime(fds[2], 0, &past, NULL));
  for (int i = 0; i < 4; i++) {
    tst_sys(timerfd_gettime(fds[i], &is));
    tst_check(is.it_value.tv_sec > 4000 && is.it_value.tv_sec <= 6000 + i, "timerfd %d has %ld s left", i,
              is.it_value.tv_sec);
    tst_check(is.it_interval.tv_sec == i * 10 && is.it_interval.tv_nsec == 3 * i, "timerfd %d: interval %ld.%ld", i,
              is.it_interval.tv_sec, is.it_interval.tv_nsec);
    tst_check(!(fcntl(fds[i], F_GETFL) & O_NONBLOCK) == !(flags[i] & TFD_NONBLOCK), "timerfd %d: wrong flags", i);
    tst_check(!fcntl(fds[i], F_GETFD) == !(flags[i] & TFD_CLOEXEC), "timerfd %d: wrong close-on-exec", i);
  }
  uint64_t ticks = 0;
  tst_check(read(unarmed, &ticks, sizeof(ticks)) == -1 && errno == EAGAIN, "the unarmed timerfd ticked");
  tst_sys(timerfd_gettime(unarmed, &is));
  tst_check(is.it_value.tv_sec == 0 && is.it_value.tv_nsec == 0, "the unarmed timerfd is armed");
  tst_sys(timerfd_gettime(expired, &is));
  tst_check(is.it_interval.tv_sec == 3600 && is.it_value.tv_sec > 900 && is.it_value.tv_sec <= 1800,
            "the expired timerfd has %ld s left", is.it_value.tv_sec);
  tst_sys(read(expired, &ticks, sizeof(ticks)));
  tst_check(ticks == 6, "the expired timerfd has %lu ticks", (unsigned long)ticks);
  struct itimerspec soon = {.it_value.tv_nsec = 1};
  tst_sys(timerfd_settime(fds[0], 0, &soon, NULL));
  tst_check(read(fds[0], &ticks, sizeof(ticks)) == 8 && ticks == 1, "the first timerfd does not fire");
  return tst_pass();
}
