// zdtm: {"category": "threads", "needs": ["root"], "refused": "a thread has a net namespace of its own[^]*next children of a thread would be born into another pid", "verifies": "threads that have left the namespaces of their process cannot be saved yet: the dump says so, and they go on"}
#include "pidns.h"

static tst_step *ready, *go, *done;

static void *leaves(void *flag) {
  tst_sys(unshare((int)(intptr_t)flag));
  tst_raise(ready);
  tst_await(go, 1);
  tst_raise(done);
  return NULL;
}

int main(void) {
  tst_begin();
  ready = tst_new_step();
  go = tst_new_step();
  done = tst_new_step();
  pthread_t threads[2];
  tst_pthread(pthread_create(&threads[0], NULL, leaves, (void *)CLONE_NEWNET));
  tst_pthread(pthread_create(&threads[1], NULL, leaves, (void *)CLONE_NEWPID));
  tst_await(ready, 2);
  tst_ready();
  tst_set(go, 1);
  for (int i = 0; i < 2; i++) tst_pthread(pthread_join(threads[i], NULL));
  tst_check(done->value == 2, "a thread does not go on");
  return tst_pass();
}
