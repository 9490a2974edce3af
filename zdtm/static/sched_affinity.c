// zdtm: {"category": "misc", "verifies": "each thread keeps the processors that it may run on"}
#include "tst.h"

static tst_step *step;
static cpu_set_t one;

static void *other(void *unused) {
  cpu_set_t is;
  tst_sys(sched_setaffinity(0, sizeof(one), &one));
  tst_set(step, 1);
  tst_await(step, 2);
  TST_SPOIL {
    CPU_SET(1, &one);
    CPU_SET(0, &one);
    tst_sys(sched_setaffinity(0, sizeof(one), &one));
  }
  tst_sys(sched_getaffinity(0, sizeof(is), &is));
  tst_check(CPU_COUNT(&is) == 1, "the thread may run on %d processors", CPU_COUNT(&is));
  return unused;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  cpu_set_t was, is;
  tst_sys(sched_getaffinity(0, sizeof(was), &was));
  if (CPU_COUNT(&was) < 2) tst_skip("there is one processor only");
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
    if (CPU_ISSET(cpu, &was)) {
      CPU_SET(cpu, &one);
      break;
    }
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_await(step, 1);
  tst_ready();
  tst_sys(sched_getaffinity(0, sizeof(is), &is));
  tst_check(CPU_EQUAL(&is, &was), "the leader may run on %d processors, not %d", CPU_COUNT(&is), CPU_COUNT(&was));
  tst_set(step, 2);
  tst_pthread(pthread_join(thread, NULL));
  return tst_pass();
}
