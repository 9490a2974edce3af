// zdtm: {"category": "threads", "verifies": "a mutex, a condition, a barrier and a semaphore that processes share still work between them"}
#include "tst.h"

#include <semaphore.h>

static struct {
  pthread_mutex_t mutex;
  pthread_cond_t condition;
  pthread_barrier_t barrier;
  sem_t semaphore;
  int waiting, told, passed;
} *shared;

static int child(void *which) {
  int n = (int)(intptr_t)which;
  pthread_mutex_lock(&shared->mutex);
  shared->waiting++;
  while (!shared->told) pthread_cond_wait(&shared->condition, &shared->mutex);
  pthread_mutex_unlock(&shared->mutex);
  pthread_barrier_wait(&shared->barrier);
  sem_wait(&shared->semaphore);
  __atomic_add_fetch(&shared->passed, 1, __ATOMIC_SEQ_CST);
  return n;
}

int main(void) {
  tst_begin();
  shared = tst_shared(sizeof(*shared));
  pthread_mutexattr_t mutex;
  pthread_condattr_t condition;
  pthread_barrierattr_t barrier;
  pthread_mutexattr_init(&mutex);
  pthread_condattr_init(&condition);
  pthread_barrierattr_init(&barrier);
  pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
  pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
  pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&shared->mutex, &mutex);
  pthread_cond_init(&shared->condition, &condition);
  pthread_barrier_init(&shared->barrier, &barrier, 4);
  sem_init(&shared->semaphore, 1, 0);
  pid_t pids[3];
  for (intptr_t i = 0; i < 3; i++) pids[i] = tst_child(child, (void *)i);
  for (int i = 0; i < 3; i++)
    tst_until(__atomic_load_n(&shared->waiting, __ATOMIC_SEQ_CST) == 3 && tst_state(pids[i]) == 'S', "a child does not wait");
  tst_ready();
  TST_SPOIL shared->passed = 1;
  pthread_mutex_lock(&shared->mutex);
  shared->told = 1;
  pthread_cond_broadcast(&shared->condition);
  pthread_mutex_unlock(&shared->mutex);
  pthread_barrier_wait(&shared->barrier);
  for (int i = 0; i < 3; i++) sem_post(&shared->semaphore);
  for (int i = 0; i < 3; i++) tst_check(WEXITSTATUS(tst_reap(pids[i])) == i, "child %d ends wrongly", i);
  tst_check(shared->passed == 3, "%d have passed", shared->passed);
  return tst_pass();
}
