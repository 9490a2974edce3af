// zdtm: {"category": "threads", "cc": ["-static"], "verifies": "a static program with threads comes back"}
#include "tst.h"

static __thread int local = 5;
static tst_step *up, *go;

static void *thread(void *which) {
  local += (int)(intptr_t)which;
  tst_raise(up);
  tst_await(go, 1);
  if (tst_spoiling() && which) local = 0;
  tst_check(local == 5 + (int)(intptr_t)which, "thread-local data are %d", local);
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[3];
  up = tst_new_step();
  go = tst_new_step();
  for (intptr_t i = 0; i < 3; i++) tst_pthread(pthread_create(&ids[i], NULL, thread, (void *)i));
  tst_await(up, 3);
  tst_ready();
  tst_set(go, 1);
  for (int i = 0; i < 3; i++) tst_pthread(pthread_join(ids[i], NULL));
  return tst_pass();
}
