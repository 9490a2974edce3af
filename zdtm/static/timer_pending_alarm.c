// zdtm: {"category": "timers", "verifies": "an alarm that expired while it was blocked is still pending, and its one-shot timer stays off"}
#include "tst.h"

#include <sys/time.h>

int main(void) {
  tst_begin();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  struct itimerval soon = {.it_value.tv_usec = 1}, is;
  tst_sys(setitimer(ITIMER_REAL, &soon, NULL));
  tst_until(tst_status(getpid(), "ShdPnd", 16) != 0, "the timer does not expire");
  tst_ready();
  struct timespec at_once = {0};
  TST_SPOIL sigtimedwait(&set, NULL, &at_once);
  siginfo_t info;
  tst_check(sigtimedwait(&set, &info, &at_once) == SIGALRM && info.si_code == SI_KERNEL, "the alarm is gone");
  tst_sys(getitimer(ITIMER_REAL, &is));
  tst_check(is.it_value.tv_sec == 0 && is.it_value.tv_usec == 0, "the timer is armed again");
  tst_check(sigtimedwait(&set, NULL, &at_once) == -1, "there is a second alarm");
  return tst_pass();
}
