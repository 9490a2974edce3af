// zdtm: {"category": "creds", "verifies": "no_new_privs comes back where it was set, and stays off where it was not"}
#include "tst.h"

static tst_step *step;

static int child(void *unused) {
  (void)unused;
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0, "the child has got no_new_privs");
  tst_set(step, 3);
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_child(child, NULL);
  tst_await(step, 1);
  tst_sys(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  tst_ready();
  int expected = 1;
  TST_SPOIL expected = 0;
  tst_check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == expected, "no_new_privs is lost");
  tst_set(step, 2);
  tst_await(step, 3);
  return tst_pass();
}
