/* Cases whose threads are in several cgroups. */
#ifndef CGROUP_THREADS_H
#define CGROUP_THREADS_H
#include "cgroups.h"
#include <pthread.h>

static tst_step *cgroup_step;
static pid_t cgroup_tids[2];

static inline void *cgroup_thread(void *at) {
  *(pid_t *)at = gettid();
  tst_raise(cgroup_step);
  tst_sleep();
}

/* Two threads that sleep in the cgroup of their leader. */
static inline void cgroup_threads(void) {
  pthread_t threads[2];
  cgroup_step = tst_new_step();
  for (int i = 0; i < 2; i++) tst_pthread(pthread_create(&threads[i], NULL, cgroup_thread, &cgroup_tids[i]));
  tst_await(cgroup_step, 2);
}
#endif
