// zdtm: {"category": "threads", "verifies": "each thread keeps its thread-specific values and its own mask of blocked signals"}
#include "tst.h"

#define THREADS 8

static pthread_key_t key;
static tst_step *up, *go;

static void mask_of(int n, sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGTERM);
  for (int number = 34 + n; number <= 64; number += n + 2) sigaddset(set, number);
}

static void *thread(void *which) {
  int n = (int)(intptr_t)which;
  sigset_t mask, now;
  char value[32], expected[32];
  snprintf(value, sizeof(value), "value of %d", n);
  snprintf(expected, sizeof(expected), "value of %d", n);
  tst_pthread(pthread_setspecific(key, value));
  mask_of(n, &mask);
  tst_pthread(pthread_sigmask(SIG_SETMASK, &mask, NULL));
  tst_raise(up);
  tst_await(go, 1);
  if (tst_spoiling() && n == 3) sigaddset(&mask, SIGUSR1);
  tst_pthread(pthread_sigmask(SIG_SETMASK, NULL, &now));
  for (int number = 1; number <= 64; number++)
    if (number != 32 && number != 33)
      tst_check(sigismember(&mask, number) == sigismember(&now, number), "thread %d: signal %d is %s", n, number,
                sigismember(&now, number) ? "blocked" : "open");
  tst_check(pthread_getspecific(key) == value && !strcmp(value, expected), "thread %d has lost its value", n);
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[THREADS];
  up = tst_new_step();
  go = tst_new_step();
  tst_pthread(pthread_key_create(&key, NULL));
  for (intptr_t i = 0; i < THREADS; i++) tst_pthread(pthread_create(&ids[i], NULL, thread, (void *)i));
  tst_await(up, THREADS);
  tst_ready();
  tst_set(go, 1);
  for (int i = 0; i < THREADS; i++) tst_pthread(pthread_join(ids[i], NULL));
  return tst_pass();
}
