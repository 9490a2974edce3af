// zdtm: {"category": "timers", "verifies": "POSIX timers notify as before: not at all, by signal to the process, by signal to one thread, by a new thread"}
#include "tst.h"

static tst_step *step;
static pid_t helper;
static int thread_value;

static void by_thread(union sigval value) { __atomic_store_n(&thread_value, value.sival_int, __ATOMIC_SEQ_CST); }

static void *other(void *unused) {
  helper = gettid();
  tst_set(step, 1);
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 1);
  tst_await(step, 2);
  tst_check(sigwaitinfo(&set, &info) == SIGRTMIN + 1 && info.si_int == 22, "the thread gets value %d", info.si_int);
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigaddset(&set, SIGRTMIN + 1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_await(step, 1);
  struct sigevent none = {.sigev_notify = SIGEV_NONE}, process = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN},
                  task = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 1},
                  fresh = {.sigev_notify = SIGEV_THREAD};
  process.sigev_value.sival_int = 11;
  task.sigev_value.sival_int = 22;
  task._sigev_un._tid = helper;
  fresh.sigev_value.sival_int = 33;
  fresh.sigev_notify_function = by_thread;
  struct sigevent *events[] = {&none, &process, &task, &fresh};
  timer_t timers[4];
  struct itimerspec late = {.it_value.tv_sec = 9000}, soon = {.it_value.tv_nsec = 1}, is;
  for (int i = 0; i < 4; i++) {
    tst_sys(timer_create(CLOCK_MONOTONIC, events[i], &timers[i]));
    tst_sys(timer_settime(timers[i], 0, &late, NULL));
  }
  tst_ready();
  TST_SPOIL timer_delete(timers[0]);
  for (int i = 0; i < 4; i++) {
    tst_sys(timer_gettime(timers[i], &is));
    tst_check(is.it_value.tv_sec > 7000 && is.it_value.tv_sec <= 9000, "timer %d has %ld s", i, is.it_value.tv_sec);
    tst_sys(timer_settime(timers[i], 0, &soon, NULL));
  }
  tst_set(step, 2);
  tst_pthread(pthread_join(thread, NULL));
  tst_check(sigwaitinfo(&set, &info) == SIGRTMIN && info.si_int == 11, "the process gets value %d", info.si_int);
  tst_until(__atomic_load_n(&thread_value, __ATOMIC_SEQ_CST) == 33, "no thread came");
  tst_sys(timer_gettime(timers[0], &is));
  tst_check(is.it_value.tv_sec == 0, "the silent timer did not expire");
  return tst_pass();
}
