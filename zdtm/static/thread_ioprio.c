// zdtm: {"category": "threads", "verifies": "each thread keeps its priority for input and output"}
#include "tst.h"

#define BEST_EFFORT 2
#define IDLE 3
static const int priorities[] = {BEST_EFFORT << 13 | 1, BEST_EFFORT << 13 | 6, IDLE << 13, 0};
static tst_step *up, *go;

static void *thread(void *which) {
  int n = (int)(intptr_t)which;
  if (priorities[n]) tst_sys(syscall(SYS_ioprio_set, 1, 0, priorities[n]));
  long before = tst_sys(syscall(SYS_ioprio_get, 1, 0));
  tst_raise(up);
  tst_await(go, 1);
  if (tst_spoiling() && n == 1) tst_sys(syscall(SYS_ioprio_set, 1, 0, BEST_EFFORT << 13 | 2));
  long after = tst_sys(syscall(SYS_ioprio_get, 1, 0));
  tst_check(before == after, "thread %d has priority %lx, had %lx", n, after, before);
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[4];
  up = tst_new_step();
  go = tst_new_step();
  for (intptr_t i = 0; i < 4; i++) tst_pthread(pthread_create(&ids[i], NULL, thread, (void *)i));
  tst_await(up, 4);
  tst_ready();
  tst_set(go, 1);
  for (int i = 0; i < 4; i++) tst_pthread(pthread_join(ids[i], NULL));
  return tst_pass();
}
