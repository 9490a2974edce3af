// zdtm: {"category": "seccomp", "verifies": "a child keeps the chain of filters it inherited and its own on top; the parent keeps what it added later"}
#include "filter.h"

static tst_step *step;

static int grandchild(void *unused) {
  (void)unused;
  tst_sys(filter_call(SYS_getppid, answer_error(13), 0));
  tst_set(step, 2);
  tst_await(step, 10);
  tst_check(filtered(SYS_getpgid) == 11 && filtered(SYS_getsid) == 12 && filtered(SYS_getppid) == 13,
            "grandchild: %d %d %d", filtered(SYS_getpgid), filtered(SYS_getsid), filtered(SYS_getppid));
  tst_check(filtered(SYS_getuid) == 0, "the grandchild is under its grandparent's later filter");
  tst_set(step, 11);
  return 0;
}

static int child(void *unused) {
  tst_sys(filter_call(SYS_getsid, answer_error(12), 0));
  tst_child(grandchild, unused);
  tst_await(step, 12);
  tst_check(filtered(SYS_getpgid) == 11 && filtered(SYS_getsid) == 12 && filtered(SYS_getppid) == 0, "child: %d %d %d",
            filtered(SYS_getpgid), filtered(SYS_getsid), filtered(SYS_getppid));
  tst_set(step, 13);
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  tst_sys(filter_call(SYS_getpgid, answer_error(11), 0));
  tst_child(child, NULL);
  tst_await(step, 2);
  tst_sys(filter_call(SYS_getuid, answer_error(14), 0));
  tst_ready();
  TST_SPOIL tst_sys(filter_call(SYS_getpgid, answer_error(99), 0));
  tst_set(step, 10);
  tst_await(step, 11);
  tst_set(step, 12);
  tst_await(step, 13);
  tst_check(filtered(SYS_getpgid) == 11 && filtered(SYS_getsid) == 0 && filtered(SYS_getuid) == 14, "parent: %d %d %d",
            filtered(SYS_getpgid), filtered(SYS_getsid), filtered(SYS_getuid));
  return tst_pass();
}
