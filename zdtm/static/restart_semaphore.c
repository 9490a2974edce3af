// zdtm: {"category": "arch-regs", "spoils": true, "except": {"memory": "the kernel writes the rest of the time when a wait is interrupted, threads write when theirs is over", "thread": "waits end when their time is over", "status Threads": "waits end when their time is over"}, "verifies": "sem_timedwait, pthread_cond_timedwait and a blocked lock go on as they would have"}
#include "blocked.h"

#include <semaphore.h>

static sem_t semaphore, never;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, taken = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void __attribute__((constructor)) make(void) {
  sem_init(&semaphore, 0, 0);
  sem_init(&never, 0, 0);
  pthread_mutex_lock(&taken);
}

static struct timespec in_two_seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  time.tv_sec += 2;
  return time;
}

static long waits(void) { return sem_wait(&semaphore); }
static void post(void) { sem_post(&semaphore); }

static long waits_for_a_time(void) {
  struct timespec time = in_two_seconds();
  return sem_timedwait(&never, &time);
}

static long condition_for_a_time(void) {
  struct timespec time = in_two_seconds();
  pthread_mutex_lock(&mutex);
  int error = pthread_cond_timedwait(&condition, &mutex, &time);
  pthread_mutex_unlock(&mutex);
  return error;
}

static long locks(void) { return pthread_mutex_lock(&taken); }
static void unlock(void) { pthread_mutex_unlock(&taken); }

static const blocked table[] = {
    {"sem_wait", waits, post, 0, 0},
    {"sem_timedwait", waits_for_a_time, NULL, -ETIMEDOUT, 1.9},
    {"pthread_cond_timedwait", condition_for_a_time, NULL, ETIMEDOUT, 1.9},
    {"pthread_mutex_lock", locks, unlock, 0, 0},
};

BLOCKED_MAIN(table)
