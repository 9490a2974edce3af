// zdtm: {"category": "timers", "verifies": "periodic POSIX timers go on ticking, by signal to the process and to a thread"}
#include "tst.h"

static volatile int ticks[2];
static tst_step *step;
static pid_t helper;

static void on_tick(int number, siginfo_t *info, void *context) {
  (void)context;
  tst_check(info->si_code == SI_TIMER && info->si_int == number, "signal %d with value %d", number, info->si_int);
  if (number == SIGRTMIN + 1) tst_check(gettid() == helper, "the tick of the thread goes to %d", gettid());
  ticks[number - SIGRTMIN]++;
}

static void *other(void *unused) {
  helper = gettid();
  tst_set(step, 1);
  tst_await(step, 2);
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_await(step, 1);
  timer_t timers[2];
  for (int i = 0; i < 2; i++) {
    struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART};
    tst_sys(sigaction(SIGRTMIN + i, &action, NULL));
    struct sigevent event = {.sigev_notify = i ? SIGEV_THREAD_ID : SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + i};
    event.sigev_value.sival_int = SIGRTMIN + i;
    event._sigev_un._tid = helper;
    tst_sys(timer_create(CLOCK_MONOTONIC, &event, &timers[i]));
    struct itimerspec value = {{0, 9000000}, {0, 5000000}};
    tst_sys(timer_settime(timers[i], 0, &value, NULL));
  }
  tst_ready();
  TST_SPOIL timer_settime(timers[1], 0, &(struct itimerspec){{0}, {0}}, NULL);
  for (int i = 0; i < 2; i++) {
    struct itimerspec is;
    tst_sys(timer_gettime(timers[i], &is));
    tst_check(is.it_interval.tv_nsec == 9000000, "timer %d has the interval %ld", i, is.it_interval.tv_nsec);
    int before = ticks[i];
    tst_until(ticks[i] > before + 3, "timer %d does not tick", i);
  }
  tst_set(step, 2);
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}
