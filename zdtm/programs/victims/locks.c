/*
 * 64 threads that take locks: a mutex for one counter, a priority-inheriting one for a second, a read-write lock, and a
 * condition that hands a turn round. What each did is counted twice, under the locks and by the thread for itself.
 */
#include "wire.h"

#include <pthread.h>

#define MANY 64

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER, heir, turns = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t shared = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static volatile uint64_t a, b, c, turn;
static uint64_t own[MANY], taken[MANY];
static volatile int stop, busy;

static void *work(void *at) {
  uintptr_t me = (uintptr_t)at;
  while (!stop) {
    pthread_mutex_lock(&plain);
    if (__atomic_exchange_n(&busy, 1, __ATOMIC_SEQ_CST)) exit(42); /* the lock let two in */
    uint64_t was = a;
    if (was % 16 == 0) usleep(200); /* now others wait for it */
    a = was + 1;
    __atomic_store_n(&busy, 0, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&plain);

    pthread_mutex_lock(&heir);
    b++;
    pthread_mutex_unlock(&heir);

    pthread_rwlock_wrlock(&shared);
    c++;
    pthread_rwlock_unlock(&shared);
    pthread_rwlock_rdlock(&shared);
    if (c == 0) exit(43);
    pthread_rwlock_unlock(&shared);
    own[me]++;

    pthread_mutex_lock(&turns);
    while (turn % MANY != me && !stop) pthread_cond_wait(&turned, &turns);
    if (!stop) taken[me]++, turn++;
    pthread_cond_broadcast(&turned);
    pthread_mutex_unlock(&turns);
    usleep(2000);
  }
  return NULL;
}

int main(void) {
  pthread_t threads[MANY];
  pthread_mutexattr_t kind;
  wire_open();
  pthread_mutexattr_init(&kind);
  pthread_mutexattr_setprotocol(&kind, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&heir, &kind);
  for (uintptr_t i = 0; i < MANY; i++)
    if (pthread_create(&threads[i], NULL, work, (void *)i)) return 1;
  answer("ready");
  while (strcmp(wire_next(), "end")) answer("%llu", (unsigned long long)turn);
  pthread_mutex_lock(&turns);
  stop = 1;
  pthread_cond_broadcast(&turned);
  pthread_mutex_unlock(&turns);
  uint64_t all = 0, rounds = 0;
  for (int i = 0; i < MANY; i++) {
    pthread_join(threads[i], NULL);
    all += own[i];
    rounds += taken[i];
  }
  answer(all == a && all == b && all == c && rounds == turn ? "equal" : "NOT equal");
  return 0;
}
