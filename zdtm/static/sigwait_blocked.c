// zdtm: {"category": "signals", "verifies": "a thread that waits in sigwaitinfo goes on waiting and takes a later signal with its value"}
#include "tst.h"

static tst_step *step;

static void *waiter(void *number) {
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 1);
  tst_set(step, gettid());
  int got = sigwaitinfo(&set, &info);
  tst_check(got == SIGRTMIN + 1, "sigwaitinfo gives %d: %s", got, got < 0 ? strerror(errno) : "");
  tst_check(info.si_int == (int)(intptr_t)number, "the value is %d", info.si_int);
  return NULL;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, waiter, (void *)4711));
  tst_await(step, 1);
  tst_until(tst_state(step->value) == 'S', "the thread does not sleep");
  tst_ready();
  int value = 4711;
  TST_SPOIL value = 0;
  tst_sys(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = value}));
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}
