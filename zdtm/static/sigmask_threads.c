// zdtm: {"category": "signals", "verifies": "each thread keeps its own mask, and a signal goes to the one that lets it in"}
#include "tst.h"

enum { THREADS = 8 };
static tst_step *step;
static volatile int caught_by;
static __thread int mine;

static void on_signal(int number) {
  (void)number;
  caught_by = mine;
}

static void *other(void *number) {
  mine = (int)(intptr_t)number;
  sigset_t mask, now;
  sigfillset(&mask);
  sigdelset(&mask, SIGRTMIN + mine);
  sigdelset(&mask, SIGKILL);
  sigdelset(&mask, SIGSTOP);
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
  tst_set(step, mine);
  tst_await(step, 100);
  TST_SPOIL if (mine == 5) sigaddset(&mask, SIGRTMIN + 5);
  pthread_sigmask(SIG_SETMASK, NULL, &now);
  for (int n = 1; n <= 64; n++)
    tst_check(sigismember(&now, n) == sigismember(&mask, n), "thread %d: signal %d is %d", mine, n, sigismember(&now, n));
  tst_await(step, 200);
  return NULL;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pthread_t threads[THREADS];
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  struct sigaction action = {.sa_handler = on_signal};
  for (int i = 1; i < THREADS; i++) {
    tst_sys(sigaction(SIGRTMIN + i, &action, NULL));
    tst_pthread(pthread_create(&threads[i], NULL, other, (void *)(intptr_t)i));
    tst_await(step, i);
  }
  tst_ready();
  for (int i = THREADS - 1; i > 0; i--) {
    tst_sys(kill(getpid(), SIGRTMIN + i));
    tst_until(caught_by == i, "signal %d is not caught by thread %d", SIGRTMIN + i, i);
  }
  tst_set(step, 100);
  tst_set(step, 200);
  for (int i = 1; i < THREADS; i++) tst_pthread(pthread_join(threads[i], NULL));
  return tst_pass();
}
