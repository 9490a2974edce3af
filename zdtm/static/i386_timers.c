// zdtm: {"category": "timers", "needs": ["i386"], "except": {"memory": "its handlers run", "SigPnd": "signals come and go", "ShdPnd": "signals come and go", "state": "it handles signals"}, "verifies": "timers of a 32-bit program go on: POSIX timers with their values, interval timers, timer descriptors"}
#include "tst.h"

#include <sys/time.h>
#include <sys/timerfd.h>

static volatile sig_atomic_t ticks[2], values_right = 1, alarms;

static void on_timer(int signo, siginfo_t *info, void *context) {
  (void)context;
  int n = signo - SIGRTMIN;
  ticks[n]++;
  if (info->si_code != SI_TIMER || info->si_value.sival_int != (int)0x89ab0000 + n) values_right = 0;
}

static void on_alarm(int signo) { alarms += signo == SIGALRM; }

int main(void) {
  tst_begin();
  struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART};
  timer_t timers[2];
  struct itimerspec every = {{0, 20000000}, {0, 20000000}}, far = {{5000, 0}, {70000, 0}}, now;
  struct itimerval real = {{0, 20000}, {0, 20000}}, left;
  for (int i = 0; i < 2; i++) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + i};
    event.sigev_value.sival_int = (int)0x89ab0000 + i;
    tst_sys(sigaction(SIGRTMIN + i, &action, NULL));
    tst_sys(timer_create(CLOCK_MONOTONIC, &event, &timers[i]));
    tst_sys(timer_settime(timers[i], 0, i ? &far : &every, NULL));
  }
  int fd = tst_sys(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC));
  tst_sys(timerfd_settime(fd, 0, &far, NULL));
  signal(SIGALRM, on_alarm);
  tst_sys(setitimer(ITIMER_REAL, &real, NULL));
  tst_ready();
  TST_SPOIL timer_settime(timers[1], 0, &every, NULL);
  int seen = ticks[0], rung = alarms;
  tst_until(ticks[0] > seen + 1 && alarms > rung + 1, "the timers do not go on: %d and %d", (int)ticks[0], (int)alarms);
  tst_check(values_right, "a timer's signal has another value");
  tst_sys(timer_gettime(timers[1], &now));
  tst_check(now.it_interval.tv_sec == 5000 && now.it_value.tv_sec > 69000, "the far timer has %ld s left",
            (long)now.it_value.tv_sec);
  tst_sys(timerfd_gettime(fd, &now));
  tst_check(now.it_interval.tv_sec == 5000 && now.it_value.tv_sec > 69000, "the descriptor's timer has %ld s left",
            (long)now.it_value.tv_sec);
  tst_sys(getitimer(ITIMER_REAL, &left));
  tst_check(left.it_interval.tv_usec == 20000, "the interval timer has %ld us", (long)left.it_interval.tv_usec);
  return tst_pass();
}
