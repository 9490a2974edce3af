// zdtm: {"category": "signals", "verifies": "queued signals of the process and of each thread keep their order, senders, codes and values"}
#include "tst.h"

static tst_step *step;
static pid_t helper;

static void queue(pid_t tid, int number, int value) {
  siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};
  info.si_pid = getpid();
  info.si_uid = 123;
  info.si_int = value;
  if (tid) tst_sys(syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, number, &info));
  else tst_sys(syscall(SYS_rt_sigqueueinfo, getpid(), number, &info));
}

/* What a thread takes: its own signals first, low numbers first, equal ones in their order; then the process's. */
static void take(const char *who, int number, int value) {
  siginfo_t info;
  struct timespec at_once = {0};
  sigset_t all;
  sigfillset(&all);
  sigdelset(&all, SIGTERM);
  int got = sigtimedwait(&all, &info, &at_once);
  tst_check(got == number, "%s takes signal %d, not %d with %d", who, got, number, value);
  if (value < 0) return;
  tst_check(info.si_code == SI_QUEUE && info.si_uid == 123 && info.si_pid == getpid() && info.si_int == value,
            "%s: signal %d has code %d, uid %d, value %d instead of %d", who, number, info.si_code, info.si_uid,
            info.si_int, value);
}

static void *other(void *unused) {
  helper = gettid();
  queue(helper, SIGRTMIN + 5, 51);
  queue(helper, SIGRTMIN + 4, 41);
  queue(helper, SIGRTMIN + 5, 52);
  tst_set(step, 1);
  tst_await(step, 2);
  take("the thread", SIGRTMIN + 4, 41);
  take("the thread", SIGRTMIN + 5, 51);
  take("the thread", SIGRTMIN + 5, 52);
  tst_set(step, 3);
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_await(step, 1);
  queue(gettid(), SIGRTMIN + 4, 1);
  queue(gettid(), SIGRTMIN + 4, 2);
  queue(gettid(), SIGUSR2, 3);
  queue(0, SIGRTMIN + 5, 4);
  queue(0, SIGRTMIN + 4, 5);
  queue(0, SIGRTMIN + 4, 6);
  tst_sys(kill(getpid(), SIGUSR1));
  tst_ready();
  TST_SPOIL queue(gettid(), SIGRTMIN + 3, 7);
  take("main", SIGUSR2, 3);
  take("main", SIGRTMIN + 4, 1);
  take("main", SIGRTMIN + 4, 2);
  take("main", SIGUSR1, -1);
  take("main", SIGRTMIN + 4, 5);
  take("main", SIGRTMIN + 4, 6);
  take("main", SIGRTMIN + 5, 4);
  tst_set(step, 2);
  tst_await(step, 3);
  take("nobody", -1, -1);
  return tst_pass();
}
