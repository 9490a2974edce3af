// zdtm: {"category": "process-tree", "verifies": "the subreaper attribute stays with the task that has it and does not come to its child"}
#include "tst.h"

static tst_step *step;

static int is_subreaper(void) {
  int it = -1;
  tst_sys(prctl(PR_GET_CHILD_SUBREAPER, &it));
  return it;
}

static int child(void *unused) {
  (void)unused;
  tst_await(step, 1);
  tst_check(is_subreaper() == 0, "the child has become a subreaper");
  tst_set(step, 2);
  tst_sleep();
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_sys(prctl(PR_SET_CHILD_SUBREAPER, 1));
  pid_t pid = tst_child(child, NULL);
  tst_ready();
  TST_SPOIL tst_sys(prctl(PR_SET_CHILD_SUBREAPER, 0));
  tst_check(is_subreaper() == 1, "the attribute is lost");
  tst_set(step, 1);
  tst_until(step->value == 2 || tst_state(pid) == 'Z', "the child does not answer");
  tst_check(step->value == 2, "the child has failed");
  tst_end(pid);
  return tst_pass();
}
