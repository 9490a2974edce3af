// zdtm: {"category": "timers", "verifies": "a POSIX timer that expired many times while its signal was blocked tells all overruns when the signal is taken"}
#include "tst.h"

int main(void) {
  tst_begin();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 5};
  timer_t timer;
  tst_sys(timer_create(CLOCK_REALTIME, &event, &timer));
  /* First due ten and a half hours ago, then each hour: ten expirations beyond the first, and none in this test. */
  struct itimerspec value = {.it_value.tv_sec = time(NULL) - 37800, .it_interval.tv_sec = 3600};
  tst_sys(timer_settime(timer, TIMER_ABSTIME, &value, NULL));
  tst_until(tst_status(getpid(), "ShdPnd", 16) != 0, "the timer does not expire");
  tst_ready();
  siginfo_t info;
  struct timespec at_once = {0};
  TST_SPOIL sigtimedwait(&set, &info, &at_once);
  tst_check(sigtimedwait(&set, &info, &at_once) == SIGRTMIN, "the signal is gone");
  tst_check(info.si_code == SI_TIMER && info.si_int == 5, "the signal has code %d and value %d", info.si_code,
            info.si_int);
  tst_check(info.si_overrun == 10, "the signal tells %d overruns", info.si_overrun);
  tst_check(timer_getoverrun(timer) == 10, "the timer tells %d overruns", timer_getoverrun(timer));
  tst_sys(timer_gettime(timer, &value));
  tst_check(value.it_interval.tv_sec == 3600 && value.it_value.tv_sec > 900 && value.it_value.tv_sec <= 1800,
            "the timer has %ld s left", value.it_value.tv_sec);
  return tst_pass();
}
