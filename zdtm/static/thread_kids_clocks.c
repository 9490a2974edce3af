// zdtm: {"category": "pidns", "flavours": ["h"], "needs": ["root"], "cc": ["-pthread"], "verifies": "a thread whose next children would be born into a time namespace in which a child of it lives already is refused, and goes on", "refused": "would be born into a time namespace that others have"}
#include "tst.h"

#include <pthread.h>
#include <sched.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static tst_step *ready, *go;

static int kid(void *unused) {
  (void)unused;
  tst_sleep();
}

static void *leaves(void *unused) {
  if (unshare(CLONE_NEWTIME)) tst_skip("no namespace can be made: %s", strerror(errno));
  pid_t pid = tst_child(kid, NULL);
  tst_raise(ready);
  tst_await(go, 1);
  tst_check(!kill(pid, 0), "%d: the namespace is another one", pid);
  return unused;
}

int main(void) {
  pthread_t thread;
  tst_begin();
  ready = tst_new_step(), go = tst_new_step();
  tst_pthread(pthread_create(&thread, NULL, leaves, NULL));
  tst_await(ready, 1);
  tst_ready();
  TST_SPOIL tst_fail("spoiled");
  tst_set(go, 1);
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}
