// zdtm: {"category": "threads", "verifies": "a robust mutex is recovered when its owner, thread or process, dies after the restore"}
#include "tst.h"

static struct {
  pthread_mutex_t of_thread, of_process;
  tst_step up, die;
} *shared;

static void *owner(void *mutex) {
  tst_pthread(pthread_mutex_lock(mutex));
  tst_raise(&shared->up);
  tst_await(&shared->die, 1);
  return NULL; /* without unlocking */
}

static int child(void *unused) {
  (void)unused;
  owner(&shared->of_process);
  return 0;
}

static void make(pthread_mutex_t *mutex) {
  pthread_mutexattr_t attributes;
  tst_pthread(pthread_mutexattr_init(&attributes));
  tst_pthread(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
  tst_pthread(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
  tst_pthread(pthread_mutex_init(mutex, &attributes));
}

int main(void) {
  tst_begin();
  shared = tst_shared(sizeof(*shared));
  make(&shared->of_thread);
  make(&shared->of_process);
  pthread_t id;
  tst_pthread(pthread_create(&id, NULL, owner, &shared->of_thread));
  pid_t pid = tst_child(child, NULL);
  tst_await(&shared->up, 2);
  tst_ready();
  tst_check(pthread_mutex_trylock(&shared->of_thread) == EBUSY, "the thread does not hold its mutex");
  tst_check(pthread_mutex_trylock(&shared->of_process) == EBUSY, "the process does not hold its mutex");
  TST_SPOIL make(&shared->of_process);
  tst_set(&shared->die, 1);
  tst_pthread(pthread_join(id, NULL));
  tst_reap(pid);
  int first = pthread_mutex_lock(&shared->of_thread), second = pthread_mutex_lock(&shared->of_process);
  tst_check(first == EOWNERDEAD, "locking the dead thread's mutex gives %d", first);
  tst_check(second == EOWNERDEAD, "locking the dead process's mutex gives %d", second);
  tst_pthread(pthread_mutex_consistent(&shared->of_thread));
  tst_pthread(pthread_mutex_unlock(&shared->of_thread));
  return tst_pass();
}
