// zdtm: {"category": "threads", "verifies": "a priority-inheriting mutex stays with its owner and goes to those who wait for it"}
#include "tst.h"

static pthread_mutex_t mutex;
static volatile int passed;
static pid_t tids[3];

static void *thread(void *which) {
  *(volatile pid_t *)&tids[(intptr_t)which] = (pid_t)syscall(SYS_gettid);
  tst_pthread(pthread_mutex_lock(&mutex));
  passed++;
  tst_pthread(pthread_mutex_unlock(&mutex));
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[3];
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  tst_pthread(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
  tst_pthread(pthread_mutex_init(&mutex, &attributes));
  tst_pthread(pthread_mutex_lock(&mutex));
  for (intptr_t i = 0; i < 3; i++) {
    tst_pthread(pthread_create(&ids[i], NULL, thread, (void *)i));
    tst_until(*(volatile pid_t *)&tids[i] && tst_state(tids[i]) == 'S', "thread %d does not wait", (int)i);
  }
  tst_ready();
  TST_SPOIL passed = 1;
  tst_check(passed == 0, "%d have passed a locked mutex", passed);
  tst_pthread(pthread_mutex_unlock(&mutex));
  for (int i = 0; i < 3; i++) tst_pthread(pthread_join(ids[i], NULL));
  tst_check(passed == 3, "%d have passed", passed);
  return tst_pass();
}
