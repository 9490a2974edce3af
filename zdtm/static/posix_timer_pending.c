// zdtm: {"category": "timers", "verifies": "a periodic POSIX timer that expired while its signal was blocked has its signal pending, with its value and how often it was due besides, and is due next as before"}
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
  /* First due ten and a half hours ago, then each hour. */
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
  /* the kernel alone knows */
  bool told = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
  tst_check(!told || info.si_overrun == 10, "it was due %d times besides, not 10", info.si_overrun);
  tst_check(!told || timer_getoverrun(timer) == 10, "the timer was due %d times besides, not 10", timer_getoverrun(timer));
  tst_sys(timer_gettime(timer, &value));
  tst_check(value.it_interval.tv_sec == 3600 && value.it_value.tv_sec > 900 && value.it_value.tv_sec <= 1800,
            "the timer has %ld s left", value.it_value.tv_sec);
  tst_check(sigtimedwait(&set, &info, &at_once) == -1, "there is a second signal");
  return tst_pass();
}
