// zdtm: {"category": "threads", "verifies": "each thread takes signals on its own alternate stack"}
#include "tst.h"

#define THREADS 4

static tst_step *up, *go;
static __thread uint8_t *own;
static __thread bool right;
static const size_t size = 65536;

static void on_signal(int number) {
  uint8_t here;
  (void)number;
  right = &here >= own && &here < own + size;
}

static void *thread(void *which) {
  own = tst_private(size);
  stack_t stack = {.ss_sp = own, .ss_size = size}, now;
  tst_sys(sigaltstack(&stack, NULL));
  tst_raise(up);
  tst_await(go, 1);
  if (tst_spoiling() && which) tst_sys(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL));
  tst_sys(sigaltstack(NULL, &now));
  tst_check(now.ss_sp == own && now.ss_size == size && now.ss_flags == 0, "thread %d has its stack at %p, flags %x",
            (int)(intptr_t)which, now.ss_sp, now.ss_flags);
  tst_pthread(pthread_kill(pthread_self(), SIGUSR1));
  tst_check(right, "thread %d took the signal elsewhere", (int)(intptr_t)which);
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[THREADS];
  up = tst_new_step();
  go = tst_new_step();
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
  tst_sys(sigaction(SIGUSR1, &action, NULL));
  for (intptr_t i = 0; i < THREADS; i++) tst_pthread(pthread_create(&ids[i], NULL, thread, (void *)i));
  tst_await(up, THREADS);
  tst_ready();
  tst_set(go, 1);
  for (int i = 0; i < THREADS; i++) tst_pthread(pthread_join(ids[i], NULL));
  return tst_pass();
}
