// zdtm: {"category": "seccomp", "verifies": "a thread whose filter kills for the calls that a dump makes lives on, in a process that has no filter besides"}
#include "filter.h"

static tst_step *step;

static void *other(void *unused) {
  (void)unused;
  for (size_t i = 0; i < 3; i++) {
    static const int asked[] = {SYS_sigaltstack, SYS_prctl, SYS_get_robust_list};
    tst_sys(filter_call(asked[i], SECCOMP_RET_KILL_PROCESS, 0));
  }
  tst_set(step, 1);
  tst_await(step, 2);
  return NULL;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, other, NULL));
  tst_await(step, 1);
  tst_ready();
  tst_set(step, 2);
  tst_pthread(pthread_join(thread, NULL));
  tst_check(prctl(PR_GET_SECCOMP) == 0, "the first thread has a filter");
  return tst_pass();
}
