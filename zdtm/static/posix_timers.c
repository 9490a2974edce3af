// zdtm: {"category": "timers", "verifies": "POSIX timers of every clock keep interval, what was left, signal and value"}
#include "tst.h"

enum { CLOCKS = 6 };

int main(void) {
  tst_begin();
  static const clockid_t clocks[CLOCKS] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI,
                                           CLOCK_PROCESS_CPUTIME_ID, CLOCK_REALTIME_ALARM};
  timer_t timers[CLOCKS];
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < CLOCKS; i++) {
    sigaddset(&set, SIGRTMIN + i);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + i};
    event.sigev_value.sival_ptr = (void *)(0x1122334400000000UL + (unsigned)i);
    if (timer_create(clocks[i], &event, &timers[i])) {
      tst_check(errno == EOPNOTSUPP || errno == EINVAL, "timer_create for clock %d: %s", clocks[i], strerror(errno));
      timers[i] = (timer_t)-1;
      continue;
    }
    struct itimerspec value = {.it_value = {7000 + i, 5}, .it_interval = {i * 100, i * 8000000}};
    tst_sys(timer_settime(timers[i], 0, &value, NULL));
  }
  sigprocmask(SIG_BLOCK, &set, NULL);
  tst_ready();
  TST_SPOIL timer_delete(timers[2]);
  for (int i = 0; i < CLOCKS; i++) {
    if (timers[i] == (timer_t)-1) continue;
    struct itimerspec is, soon = {.it_value.tv_nsec = 1};
    tst_sys(timer_gettime(timers[i], &is));
    tst_check(is.it_value.tv_sec > 5000 && is.it_value.tv_sec <= 7000 + i, "timer %d has %ld s left", i,
              is.it_value.tv_sec);
    tst_check(is.it_interval.tv_sec == i * 100 && is.it_interval.tv_nsec == i * 8000000, "timer %d: interval %ld.%09ld",
              i, is.it_interval.tv_sec, is.it_interval.tv_nsec);
    tst_sys(timer_settime(timers[i], 0, &soon, NULL));
    siginfo_t info;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGRTMIN + i);
    struct timespec at_once = {0};
    while (sigtimedwait(&one, &info, &at_once) < 0) continue; /* running: one of the clocks counts only that */
    tst_check(info.si_code == SI_TIMER && (uintptr_t)info.si_ptr == 0x1122334400000000UL + (unsigned)i,
              "timer %d signals with code %d and %p", i, info.si_code, info.si_ptr);
  }
  return tst_pass();
}
