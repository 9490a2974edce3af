// zdtm: {"category": "timers", "except": {"memory": "the timers call", "area": "each call is a thread of its own", "thread": "as above", "Threads": "as above"}, "verifies": "POSIX timers that call a function in a thread of the C library's keep doing so, each with its own value"}
#include "tst.h"

enum { TIMERS = 5, MS = 1000000 };
static volatile int calls[TIMERS];

static void call(union sigval value) { __atomic_fetch_add(&calls[value.sival_int], 1, __ATOMIC_SEQ_CST); }

/* Waits for so many more calls of a timer; how many there were at last. */
static int more(int i, int wanted) {
  int from = calls[i];
  for (int turn = 0; turn < 5000 && calls[i] < from + wanted; turn++) usleep(MS / 1000);
  return calls[i] - from;
}

int main(void) {
  tst_begin();
  timer_t timers[TIMERS];
  for (int i = 0; i < TIMERS; i++) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = call, .sigev_value.sival_int = i};
    tst_sys(timer_create(i % 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME, &event, &timers[i]));
    struct itimerspec each = {.it_value = {0, 20 * MS}, .it_interval = {0, (20 + i) * MS}};
    tst_sys(timer_settime(timers[i], 0, &each, NULL));
  }
  /* one is not set any more */
  tst_sys(timer_settime(timers[0], 0, &(struct itimerspec){0}, NULL));
  usleep(50 * MS / 1000); /* a call of it may be under way */
  for (int i = 1; i < TIMERS; i++) tst_check(more(i, 2) >= 2, "timer %d does not call", i);
  tst_ready();
  TST_SPOIL timer_delete(timers[3]);
  int silent = calls[0];
  for (int i = 1; i < TIMERS; i++) tst_check(more(i, 3) >= 3, "timer %d does not call any more", i);
  tst_check(calls[0] == silent, "a timer that is not set calls");
  tst_sys(timer_settime(timers[0], 0, &(struct itimerspec){.it_value.tv_nsec = 1}, NULL));
  for (int turn = 0; turn < 5000 && calls[0] == silent; turn++) usleep(MS / 1000);
  tst_check(calls[0] == silent + 1, "a timer that is set again does not call");
  for (int i = 1; i < TIMERS; i++) {
    struct itimerspec now;
    tst_sys(timer_gettime(timers[i], &now));
    tst_check(now.it_interval.tv_nsec == (20 + i) * MS, "timer %d: interval %ld ns", i, now.it_interval.tv_nsec);
  }
  return tst_pass();
}
