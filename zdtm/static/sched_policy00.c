// zdtm: {"category": "misc", "flavours": ["h", "ns"], "verifies": "every scheduling policy with its priority and reset-on-fork comes back, of tasks and of threads"}
#include "tst.h"

#define RESET 0x40000000 /* SCHED_RESET_ON_FORK */

static const struct {
  int policy, priority;
} kinds[] = {{SCHED_RR | RESET, 7}, {SCHED_FIFO, 3}, {SCHED_BATCH, 0}, {SCHED_IDLE, 0}, {SCHED_OTHER | RESET, 0}};
enum { KINDS = 5 };
static tst_step *step;

static void *thread_of(void *number) {
  int nth = (int)(intptr_t)number;
  struct sched_param is = {.sched_priority = kinds[nth].priority};
  if (sched_setscheduler(0, kinds[nth].policy, &is)) tst_skip("policy %x: %s", kinds[nth].policy, strerror(errno));
  tst_set(step, nth + 1);
  tst_await(step, 100);
  TST_SPOIL if (nth == 2) sched_setscheduler(0, SCHED_OTHER, &is);
  tst_check(sched_getscheduler(0) == kinds[nth].policy, "the policy is %x, not %x", sched_getscheduler(0), kinds[nth].policy);
  tst_sys(sched_getparam(0, &is));
  tst_check(is.sched_priority == kinds[nth].priority, "the priority is %d", is.sched_priority);
  return NULL;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pthread_t threads[KINDS];
  for (int i = 0; i < KINDS; i++) {
    tst_pthread(pthread_create(&threads[i], NULL, thread_of, (void *)(intptr_t)i));
    tst_await(step, i + 1);
  }
  tst_ready();
  tst_check(sched_getscheduler(0) == SCHED_OTHER, "the leader's policy is %x", sched_getscheduler(0));
  tst_set(step, 100);
  for (int i = 0; i < KINDS; i++) tst_pthread(pthread_join(threads[i], NULL));
  return tst_pass();
}
