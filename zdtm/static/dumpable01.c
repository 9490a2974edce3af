// zdtm: {"category": "misc", "verifies": "dumpable comes back, on as well as off, in each process its own"}
#include "tst.h"

static tst_step *step;

static int child(void *unused) {
  (void)unused;
  tst_sys(prctl(PR_SET_DUMPABLE, 0));
  tst_set(step, 1);
  tst_await(step, 2);
  TST_SPOIL tst_sys(prctl(PR_SET_DUMPABLE, 1));
  tst_check(prctl(PR_GET_DUMPABLE) == 0, "the child is dumpable: %d", prctl(PR_GET_DUMPABLE));
  tst_set(step, 3);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  tst_check(prctl(PR_GET_DUMPABLE) == 1, "the parent is not dumpable: %d", prctl(PR_GET_DUMPABLE));
  tst_set(step, 2);
  tst_await(step, 3);
  return tst_pass();
}
