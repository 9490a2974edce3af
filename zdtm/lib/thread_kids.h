/* A thread whose next children would be born into other namespaces than those of its process: the dump is refused. */
#ifndef THREAD_KIDS_H
#define THREAD_KIDS_H
#include "tst.h"

#include <pthread.h>
#include <sched.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static tst_step *thread_kids_ready, *thread_kids_go;

/* The thread leaves, and has its first child. */
static inline pid_t thread_kids_leave(int kind, int (*kid)(void *)) {
  if (unshare(kind)) tst_skip("no namespace can be made: %s", strerror(errno));
  return tst_child(kid, NULL);
}

/* It stands as it shall be dumped; returns when it is to look. */
static inline void thread_kids_stay(void) {
  tst_raise(thread_kids_ready);
  tst_await(thread_kids_go, 1);
}

/* All of a case with such a thread. */
static inline int thread_kids_main(void *(*leaves)(void *)) {
  pthread_t thread;
  tst_begin();
  thread_kids_ready = tst_new_step(), thread_kids_go = tst_new_step();
  tst_pthread(pthread_create(&thread, NULL, leaves, NULL));
  tst_await(thread_kids_ready, 1);
  tst_ready();
  TST_SPOIL tst_fail("spoiled");
  tst_set(thread_kids_go, 1);
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}

#endif
