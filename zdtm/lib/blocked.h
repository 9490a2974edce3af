/*
 * A system call that a thread sits in while it is dumped. It has to go on as if nothing had been: the call ends when
 * it would have ended, and gives what it would have given.
 */
#ifndef BLOCKED_H
#define BLOCKED_H
#include "tst.h"

typedef struct {
  const char *name;
  long (*call)(void);  /* the result, or -1 with errno */
  void (*wake)(void);  /* what makes it end; NULL when its own time does */
  long result;         /* expected; or a negative errno */
  double seconds;      /* lasts at least as long */
} blocked;

static struct {
  const blocked *it;
  pthread_t id;
  pid_t tid;
  long result;
  int error;
  double took;
  int begun, ended;
} blocked_threads[16];

static double blocked_now(void) {
  struct timespec at;
  tst_sys(clock_gettime(CLOCK_MONOTONIC, &at));
  return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void *blocked_thread(void *which) {
  int n = (int)(intptr_t)which;
  blocked_threads[n].tid = (pid_t)syscall(SYS_gettid);
  double begun = blocked_now();
  __atomic_store_n(&blocked_threads[n].begun, 1, __ATOMIC_SEQ_CST);
  errno = 0;
  blocked_threads[n].result = blocked_threads[n].it->call();
  blocked_threads[n].error = errno;
  blocked_threads[n].took = blocked_now() - begun;
  __atomic_store_n(&blocked_threads[n].ended, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

static int blocked_case(const blocked *table, int count) {
  for (int i = 0; i < count; i++) {
    blocked_threads[i].it = &table[i];
    tst_pthread(pthread_create(&blocked_threads[i].id, NULL, blocked_thread, (void *)(intptr_t)i));
    tst_until(__atomic_load_n(&blocked_threads[i].begun, __ATOMIC_SEQ_CST), "%s does not begin", table[i].name);
    tst_until(tst_state(blocked_threads[i].tid) == 'S', "%s does not sleep", table[i].name);
  }
  tst_ready();
  for (int i = 0; i < count; i++) {
    if (!table[i].wake) continue;
    tst_check(!__atomic_load_n(&blocked_threads[i].ended, __ATOMIC_SEQ_CST), "%s ended by itself: %ld, %s",
              table[i].name, blocked_threads[i].result, strerror(blocked_threads[i].error));
    table[i].wake();
  }
  for (int i = 0; i < count; i++) {
    tst_pthread(pthread_join(blocked_threads[i].id, NULL));
    long result = blocked_threads[i].result, expected = table[i].result;
    if (tst_spoiling()) result = -2;
    if (expected >= 0) tst_check(result == expected, "%s gives %ld, not %ld: %s", table[i].name, result, expected,
                                 strerror(blocked_threads[i].error));
    else tst_check(result == -1 && blocked_threads[i].error == -expected, "%s gives %ld: %s, not %s", table[i].name,
                   result, strerror(blocked_threads[i].error), strerror((int)-expected));
    tst_check(blocked_threads[i].took >= table[i].seconds, "%s lasted %.3f s, not %.3f", table[i].name,
              blocked_threads[i].took, table[i].seconds);
  }
  return tst_pass();
}

#define BLOCKED_MAIN(table) \
  int main(void) {          \
    tst_begin();            \
    return blocked_case(table, (int)(sizeof(table) / sizeof(*table))); \
  }

#endif
