// zdtm: {"category": "timers", "verifies": "timers that notify by threads of the C library keep firing"}
#include "tst.h"

static int counts[3];

static void on_fire(union sigval value) { __atomic_add_fetch(&counts[value.sival_int], 1, __ATOMIC_SEQ_CST); }

int main(void) {
  tst_begin();
  timer_t timers[3];
  for (int i = 0; i < 3; i++) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_fire};
    event.sigev_value.sival_int = i;
    tst_sys(timer_create(i ? CLOCK_MONOTONIC : CLOCK_REALTIME, &event, &timers[i]));
    struct itimerspec value = {{0, 20000000 + i * 1000000}, {0, 1000000}};
    tst_sys(timer_settime(timers[i], 0, &value, NULL));
  }
  tst_until(counts[0] && counts[1] && counts[2], "the timers do not fire");
  tst_ready();
  for (int i = 0; i < 3; i++) {
    struct itimerspec is;
    tst_sys(timer_gettime(timers[i], &is));
    TST_SPOIL is.it_interval.tv_nsec = 0;
    tst_check(is.it_interval.tv_nsec == 20000000 + i * 1000000, "timer %d: interval %ld", i, is.it_interval.tv_nsec);
    int before = counts[i];
    tst_until(__atomic_load_n(&counts[i], __ATOMIC_SEQ_CST) > before + 1, "timer %d does not fire any more", i);
  }
  for (int i = 0; i < 3; i++) timer_delete(timers[i]);
  return tst_pass();
}
