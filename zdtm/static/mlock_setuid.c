// zdtm: {"category": "memory", "flavours": ["h", "ns"], "needs": ["root"], "verifies": "a locked area beyond the limit stays locked in a task that has given up root"}
#include "tst.h"

#include <sys/resource.h>

int main(void) {
  tst_begin();
  size_t size = 32 * tst_page();
  uint8_t *memory = tst_private(size);
  tst_fill(memory, size, 1);
  tst_sys(mlock(memory, size));
  struct rlimit small = {tst_page(), tst_page()};
  tst_sys(setrlimit(RLIMIT_MEMLOCK, &small));
  tst_sys(setresgid(18943, 18943, 18943));
  tst_sys(setresuid(18943, 18943, 18943));
  tst_sys(prctl(PR_SET_DUMPABLE, 1)); /* so that it may look at itself in /proc */
  tst_ready();
  TST_SPOIL tst_sys(munlock(memory, size));
  tst_check(getuid() == 18943 && geteuid() == 18943, "uids are %d %d", getuid(), geteuid());
  tst_check(tst_vmflag(memory, "lo"), "the area is not locked any more");
  tst_check(tst_differs(memory, size, 1) < 0, "the bytes are wrong");
  uint8_t *more = tst_private(size);
  tst_check(mlock(more, size) == -1, "the limit on locked memory is gone");
  return tst_pass();
}
