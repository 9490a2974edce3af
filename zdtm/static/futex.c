// zdtm: {"category": "threads", "verifies": "threads that wait for a mutex wait until it is unlocked, and each gets it once"}
#include "tst.h"

#define THREADS 16

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int inside, passed;
static pid_t tids[THREADS];

static void *thread(void *which) {
  tids[(intptr_t)which] = (pid_t)syscall(SYS_gettid);
  tst_pthread(pthread_mutex_lock(&mutex));
  tst_check(inside++ == 0, "two threads hold the mutex");
  passed++;
  tst_nap();
  inside--;
  tst_pthread(pthread_mutex_unlock(&mutex));
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[THREADS];
  tst_pthread(pthread_mutex_lock(&mutex));
  for (intptr_t i = 0; i < THREADS; i++) {
    tst_pthread(pthread_create(&ids[i], NULL, thread, (void *)i));
    tst_until(*(volatile pid_t *)&tids[i] && tst_state(tids[i]) == 'S', "thread %d does not wait", (int)i);
  }
  tst_ready();
  TST_SPOIL inside = 1;
  tst_check(passed == 0, "%d threads have passed a locked mutex", passed);
  tst_pthread(pthread_mutex_unlock(&mutex));
  for (int i = 0; i < THREADS; i++) tst_pthread(pthread_join(ids[i], NULL));
  tst_check(passed == THREADS, "%d threads have passed", passed);
  return tst_pass();
}
