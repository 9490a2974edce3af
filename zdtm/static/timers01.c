// zdtm: {"category": "timers", "verifies": "the three interval timers of a process keep their interval and what was left of them, and fire"}
#include "tst.h"

#include <sys/time.h>

static volatile int fired;

static void on_alarm(int number) {
  (void)number;
  fired = 1;
}

int main(void) {
  tst_begin();
  static const int kinds[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
  signal(SIGALRM, on_alarm);
  for (int i = 0; i < 3; i++) {
    struct itimerval set = {.it_value = {5000 + i, 250000}, .it_interval = {i * 700, 4000}};
    tst_sys(setitimer(kinds[i], &set, NULL));
  }
  tst_ready();
  TST_SPOIL tst_sys(setitimer(ITIMER_PROF, &(struct itimerval){0}, NULL));
  for (int i = 0; i < 3; i++) {
    struct itimerval is;
    tst_sys(getitimer(kinds[i], &is));
    tst_check(is.it_value.tv_sec > 3000 && is.it_value.tv_sec <= 5000 + i, "timer %d has %ld s left", i,
              is.it_value.tv_sec);
    tst_check(is.it_interval.tv_sec == i * 700 && is.it_interval.tv_usec == 4000,
              "timer %d: interval %ld.%06ld", i, is.it_interval.tv_sec, is.it_interval.tv_usec);
  }
  tst_check(!fired, "the timer fired long before its time");
  struct itimerval soon = {.it_value.tv_usec = 1};
  tst_sys(setitimer(ITIMER_REAL, &soon, NULL));
  tst_until(fired, "the timer does not fire");
  return tst_pass();
}
