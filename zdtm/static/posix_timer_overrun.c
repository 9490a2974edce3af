// zdtm: {"category": "timers", "verifies": "timers that are due again and again while their signals are blocked tell how often; those whose signals wait for other reasons run as before", "needs": ["root", "file:/sys/kernel/btf/vmlinux"]}
#include "tst.h"

enum { INTERVAL = 20000000, TIMES = 10 };

static int64_t now(clockid_t clock) {
  struct timespec t;
  tst_sys(clock_gettime(clock, &t));
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static timer_t make(clockid_t clock, int signal, int value, long first, long interval) {
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal, .sigev_value.sival_int = value};
  struct itimerspec spec = {{interval / 1000000000, interval % 1000000000}, {first / 1000000000, first % 1000000000}};
  timer_t timer;
  tst_sys(timer_create(clock, &event, &timer));
  tst_sys(timer_settime(timer, 0, &spec, NULL));
  return timer;
}

int main(void) {
  static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME};
  struct timespec at_once = {0};
  siginfo_t info;
  sigset_t set;
  timer_t timers[2];
  int64_t start[2];
  tst_begin();
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < 2; i++) {
    start[i] = now(clocks[i]);
    timers[i] = make(clocks[i], SIGRTMIN + i, i, INTERVAL, INTERVAL);
  }
  timer_t once = make(CLOCK_MONOTONIC, SIGRTMIN + 2, 2, 1, 0), late = make(CLOCK_MONOTONIC, SIGRTMIN + 3, 3, INTERVAL, INTERVAL);
  tst_until((tst_status(getpid(), "ShdPnd", 16) >> (SIGRTMIN + 3 - 1) & 1) != 0, "the timer does not expire");
  /* its signal waits, and comes to nothing */
  struct itimerspec hour = {{3600, 0}, {3600, 0}};
  tst_sys(timer_settime(late, 0, &hour, NULL));
  tst_until(now(clocks[0]) > start[0] + (TIMES + 1LL) * INTERVAL, "time stands still");
  tst_ready();
  for (int i = 0; i < 2; i++) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGRTMIN + i);
    TST_SPOIL sigtimedwait(&one, &info, &at_once);
    tst_check(sigtimedwait(&one, &info, &at_once) == SIGRTMIN + i, "signal %d is gone", i);
    int64_t most = (now(clocks[i]) - start[i]) / INTERVAL;
    tst_check(info.si_code == SI_TIMER && info.si_int == i, "the signal has code %d, value %d", info.si_code, info.si_int);
    tst_check(info.si_overrun >= TIMES && info.si_overrun <= most, "timer %d was due %d times besides, not %d to %ld", i,
              info.si_overrun, TIMES, (long)most);
    tst_check(timer_getoverrun(timers[i]) == info.si_overrun, "the timer and its signal differ");
    tst_until(sigtimedwait(&one, &info, &at_once) == SIGRTMIN + i, "the timer does not go on");
    tst_check(info.si_overrun <= most, "it was due %d times once more", info.si_overrun);
  }
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 2);
  tst_check(sigtimedwait(&set, &info, &at_once) == SIGRTMIN + 2 && info.si_overrun == 0, "the signal of one that ran once is gone");
  struct itimerspec left;
  tst_sys(timer_gettime(once, &left));
  tst_check(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0, "one that ran once runs again");
  tst_sys(timer_gettime(late, &left));
  tst_check(left.it_value.tv_sec > 3000 && left.it_value.tv_sec < 3600, "%ld s are left", (long)left.it_value.tv_sec);
  return tst_pass();
}
