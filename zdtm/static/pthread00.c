// zdtm: {"category": "threads", "verifies": "threads and processes forked by threads keep thread-local data and private memory"}
#include "tst.h"

#define THREADS 4

static __thread uint64_t local[64];
static struct {
  tst_step up, go, done;
} *steps;

static int child(void *which) {
  int n = (int)(intptr_t)which;
  for (int i = 0; i < 64; i++) local[i] += 1000;
  tst_raise(&steps->up);
  tst_await(&steps->go, 1);
  if (tst_spoiling() && n == 2) local[7] = 0;
  for (int i = 0; i < 64; i++)
    tst_check(local[i] == (uint64_t)(n * 100 + i + 1000), "child %d: word %d is %ld", n, i, (long)local[i]);
  return 0;
}

static void *thread(void *which) {
  int n = (int)(intptr_t)which;
  uint8_t *own = tst_private(3 * tst_page());
  for (int i = 0; i < 64; i++) local[i] = (uint64_t)(n * 100 + i);
  tst_fill(own, 3 * tst_page(), (uint32_t)n);
  pid_t pid = tst_child(child, which);
  tst_raise(&steps->up);
  tst_await(&steps->go, 1);
  for (int i = 0; i < 64; i++)
    tst_check(local[i] == (uint64_t)(n * 100 + i), "thread %d: word %d is %ld", n, i, (long)local[i]);
  tst_check(tst_differs(own, 3 * tst_page(), (uint32_t)n) < 0, "thread %d: its memory is wrong", n);
  tst_check(tst_reap(pid) == 0, "the child of thread %d has failed", n);
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[THREADS];
  steps = tst_shared(sizeof(*steps));
  for (intptr_t i = 0; i < THREADS; i++) tst_pthread(pthread_create(&ids[i], NULL, thread, (void *)i));
  tst_await(&steps->up, 2 * THREADS);
  tst_ready();
  tst_set(&steps->go, 1);
  for (int i = 0; i < THREADS; i++) tst_pthread(pthread_join(ids[i], NULL));
  return tst_pass();
}
