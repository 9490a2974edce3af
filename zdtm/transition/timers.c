// zdtm: {"category": "timers", "verifies": "the three interval timers keep ticking on"}
#include "tst.h"

#include <sys/time.h>

static volatile int ticks[3];

static void on_tick(int number) { ticks[number == SIGALRM ? 0 : number == SIGVTALRM ? 1 : 2]++; }

int main(void) {
  tst_begin();
  static const int kinds[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF}, signals[] = {SIGALRM, SIGVTALRM, SIGPROF};
  for (int i = 0; i < 3; i++) {
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    tst_sys(sigaction(signals[i], &action, NULL));
    struct itimerval set = {.it_value.tv_usec = 7000, .it_interval.tv_usec = 11000};
    tst_sys(setitimer(kinds[i], &set, NULL));
  }
  tst_mark_ready();
  while (tst_going()) continue;
  TST_SPOIL setitimer(ITIMER_VIRTUAL, &(struct itimerval){0}, NULL);
  int before[3] = {ticks[0], ticks[1], ticks[2]};
  for (int i = 0; i < 3; i++) {
    struct itimerval is;
    tst_sys(getitimer(kinds[i], &is));
    tst_check(is.it_interval.tv_usec > 9000 && is.it_interval.tv_usec < 17000, "timer %d has the interval %ld us", i,
              is.it_interval.tv_usec);
  }
  while (ticks[0] < before[0] + 3 || ticks[1] < before[1] + 3 || ticks[2] < before[2] + 3) continue;
  return tst_pass();
}
