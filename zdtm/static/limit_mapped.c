// zdtm: {"category": "creds", "verifies": "a task that may map no more memory is told of, with what helps, and goes on", "flavours": ["h"], "except": {"memory": "the end of a text mapping was written to, and is as it was"}, "refused": "all that the task may map is mapped: raise its limit \\(prlimit --as\\)"}
#include "tst.h"

#include <sys/resource.h>

int main(void) {
  tst_begin();
  long kilobytes = tst_status(getpid(), "VmSize", 10);
  struct rlimit limit = {.rlim_cur = (rlim_t)kilobytes * 1024 + 10 * tst_page(), .rlim_max = RLIM_INFINITY}, after;
  tst_sys(setrlimit(RLIMIT_AS, &limit));
  tst_ready();
  tst_sys(getrlimit(RLIMIT_AS, &after));
  tst_check(after.rlim_cur == limit.rlim_cur, "the limit is %lu", after.rlim_cur);
  tst_check(tst_status(getpid(), "VmSize", 10) == kilobytes, "there is other memory");
  return tst_pass();
}
