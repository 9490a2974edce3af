// zdtm: {"category": "creds", "verifies": "a user's task that may lock no more memory is told of, with what helps, and goes on", "flavours": ["h"], "needs": ["root"], "except": {"memory": "the end of a text mapping was written to, and is as it was"}, "refused": "all that the task may lock is locked: raise its limit \\(prlimit --memlock\\)"}
#include "tst.h"

#include <grp.h>
#include <sys/resource.h>

int main(void) {
  tst_begin();
  rlim_t most = (rlim_t)tst_status(getpid(), "VmSize", 10) * 1024 + 40 * tst_page();
  tst_sys(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){most, most}));
  tst_sys(setgroups(0, NULL));
  tst_sys(setgid(1000));
  tst_sys(setuid(1000));
  tst_sys(prctl(PR_SET_DUMPABLE, 1));
  tst_sys(mlockall(MCL_CURRENT | MCL_FUTURE));
  long kilobytes = tst_status(getpid(), "VmLck", 10);
  tst_ready();
  tst_check(tst_status(getpid(), "VmLck", 10) == kilobytes, "other memory is locked");
  return tst_pass();
}
