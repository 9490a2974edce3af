// zdtm: {"category": "threads", "verifies": "each thread keeps its niceness, scheduling policy, CPU affinity and timer slack"}
#include "tst.h"

#include <sys/resource.h>

static const struct {
  int policy, nice;
  unsigned long slack;
} kinds[] = {{SCHED_OTHER, 0, 50000}, {SCHED_BATCH, 7, 123000}, {SCHED_IDLE, 0, 50000}, {SCHED_OTHER, 12, 999999}};
#define THREADS ((int)(sizeof(kinds) / sizeof(*kinds)))

static tst_step *up, *go;

static void *thread(void *which) {
  int n = (int)(intptr_t)which, cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
  pid_t tid = (pid_t)syscall(SYS_gettid);
  struct sched_param none = {0};
  cpu_set_t set, now;
  tst_sys(sched_setscheduler(0, kinds[n].policy, &none));
  /* the tests themselves may have been started with another one */
  int nice = kinds[n].nice ? kinds[n].nice : getpriority(PRIO_PROCESS, (id_t)tid);
  if (kinds[n].nice) tst_sys(setpriority(PRIO_PROCESS, (id_t)tid, kinds[n].nice));
  tst_sys(prctl(PR_SET_TIMERSLACK, kinds[n].slack));
  CPU_ZERO(&set);
  CPU_SET((size_t)(n % cpus), &set);
  tst_sys(sched_setaffinity(0, sizeof(set), &set));
  tst_raise(up);
  tst_await(go, 1);
  if (tst_spoiling() && n == 1) tst_sys(prctl(PR_SET_TIMERSLACK, 1));
  tst_check(sched_getscheduler(0) == kinds[n].policy, "thread %d has policy %d", n, sched_getscheduler(0));
  int nice_now = getpriority(PRIO_PROCESS, (id_t)tid);
  tst_check(nice_now == nice, "thread %d has niceness %d", n, nice_now);
  tst_check(prctl(PR_GET_TIMERSLACK) == (int)kinds[n].slack, "thread %d has slack %d", n, prctl(PR_GET_TIMERSLACK));
  tst_sys(sched_getaffinity(0, sizeof(now), &now));
  tst_check(CPU_EQUAL(&set, &now), "thread %d may run on %d CPUs", n, CPU_COUNT(&now));
  return NULL;
}

int main(void) {
  tst_begin();
  pthread_t ids[THREADS];
  up = tst_new_step();
  go = tst_new_step();
  for (intptr_t i = 0; i < THREADS; i++) tst_pthread(pthread_create(&ids[i], NULL, thread, (void *)i));
  tst_await(up, THREADS);
  tst_ready();
  tst_set(go, 1);
  for (int i = 0; i < THREADS; i++) tst_pthread(pthread_join(ids[i], NULL));
  return tst_pass();
}
