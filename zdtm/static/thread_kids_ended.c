// zdtm: {"category": "pidns", "flavours": ["h"], "needs": ["root"], "cc": ["-pthread"], "verifies": "a thread whose next children would be born where the init has ended is refused, and goes on", "refused": "would be born where the init has ended"}
#include "tst.h"

#include <pthread.h>
#include <sched.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static tst_step *ready, *go;

static int kid(void *unused) {
  (void)unused;
  _exit(0);
}

static void *leaves(void *unused) {
  if (unshare(CLONE_NEWPID)) tst_skip("no namespace can be made: %s", strerror(errno));
  pid_t pid = tst_child(kid, NULL);
  tst_reap(pid);
  tst_raise(ready);
  tst_await(go, 1);
  tst_check(fork() < 0 && errno == ENOMEM, "%d: the namespace is another one", pid);
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
