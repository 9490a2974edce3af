// zdtm: {"category": "memory", "verifies": "transparent huge pages stay off for the task, and the area's own flags stay as they were"}
#include "tst.h"

#include <linux/prctl.h>

int main(void) {
  tst_begin();
  size_t size = 4UL << 20;
  tst_sys(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  uint8_t *plain = tst_private(size), *advised = tst_private(size + tst_page());
  madvise(advised, size, MADV_HUGEPAGE);
  bool had = tst_vmflag(advised, "hg");
  tst_fill(plain, tst_page(), 1);
  tst_ready();
  TST_SPOIL tst_sys(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
  tst_check(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1, "huge pages are allowed again");
  tst_check(!tst_vmflag(plain, "nh"), "the task's setting has become a flag of an area");
  tst_check(tst_vmflag(advised, "hg") == had, "the advice has changed");
  tst_check(tst_differs(plain, tst_page(), 1) < 0, "the bytes are wrong");
  return tst_pass();
}
