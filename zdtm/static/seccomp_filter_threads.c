// zdtm: {"category": "seccomp", "verifies": "threads of one process keep different filters, and one without any stays free"}
#include "filter.h"

enum { THREADS = 5 };
static tst_step *step;

static void *other(void *number) {
  int nth = (int)(intptr_t)number;
  for (int i = 0; i < nth; i++) tst_sys(filter_call(SYS_getpgid, answer_error(20 + nth), 0));
  if (nth == 3) tst_sys(filter_call(SYS_getsid, answer_error(40), 0));
  tst_set(step, nth + 1);
  tst_await(step, 100);
  TST_SPOIL nth++;
  int should = nth ? 20 + nth : 0;
  tst_check(filtered(SYS_getpgid) == should, "thread %d: error %d", nth, filtered(SYS_getpgid));
  tst_check(filtered(SYS_getsid) == (nth == 3 ? 40 : 0), "thread %d: the other call gives %d", nth, filtered(SYS_getsid));
  return NULL;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    tst_pthread(pthread_create(&threads[i], NULL, other, (void *)(intptr_t)i));
    tst_await(step, i + 1);
  }
  tst_ready();
  tst_check(prctl(PR_GET_SECCOMP) == 0, "the leader is under seccomp");
  tst_set(step, 100);
  for (int i = 0; i < THREADS; i++) tst_pthread(pthread_join(threads[i], NULL));
  return tst_pass();
}
