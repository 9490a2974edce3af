// zdtm: {"category": "creds", "verifies": "a task that has restricted itself by Landlock is told of: nobody could restrict it again as it was; one that only may not gain privileges is not", "needs": ["file:/sys/kernel/btf/vmlinux"], "refused": "tscriu: a task has restricted itself by Landlock"}
#include "tst.h"

#include <sys/prctl.h>

enum { CREATE_RULESET = 444, RESTRICT_SELF = 446 };

static int rules;

static int restricted(void *step) {
  tst_sys(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  tst_sys((int)syscall(RESTRICT_SELF, rules, 0));
  close(rules);
  tst_raise(step);
  tst_sleep();
}

static int harmless(void *step) {
  tst_sys(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  close(rules);
  tst_raise(step);
  tst_sleep();
}

int main(void) {
  uint64_t handled = 4; // LANDLOCK_ACCESS_FS_READ_FILE
  tst_begin();
  rules = (int)syscall(CREATE_RULESET, &handled, sizeof(handled), 0);
  if (rules < 0) tst_skip("no Landlock here");
  tst_step *step = tst_new_step();
  tst_child(restricted, step);
  tst_child(harmless, step);
  tst_await(step, 2);
  close(rules);
  tst_ready();
  return tst_pass();
}
