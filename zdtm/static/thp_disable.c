// zdtm: {"category": "memory", "verifies": "transparent huge pages stay off for the task, but not for its child that has allowed them again, and the area's own flags stay as they were"}
#include "tst.h"

#include <linux/prctl.h>

static tst_step *step;

static int allowed(void *unused) {
  (void)unused;
  tst_sys(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
  tst_set(step, 1);
  tst_await(step, 2);
  tst_check(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0, "a child may not have huge pages any more");
  return 0;
}

int main(void) {
  tst_begin();
  step = tst_new_step();
  size_t size = 4UL << 20;
  tst_sys(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  uint8_t *plain = tst_private(size), *advised = tst_private(size + tst_page());
  madvise(advised, size, MADV_HUGEPAGE);
  bool had = tst_vmflag(advised, "hg");
  tst_fill(plain, tst_page(), 1);
  pid_t pid = tst_child(allowed, NULL);
  tst_await(step, 1);
  tst_ready();
  TST_SPOIL tst_sys(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
  tst_check(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1, "huge pages are allowed again");
  tst_check(!tst_vmflag(plain, "nh"), "the task's setting has become a flag of an area");
  tst_check(tst_vmflag(advised, "hg") == had, "the advice has changed");
  tst_check(tst_differs(plain, tst_page(), 1) < 0, "the bytes are wrong");
  tst_set(step, 2);
  tst_check(tst_reap(pid) == 0, "the child has failed");
  return tst_pass();
}
