// zdtm: {"category": "memory", "verifies": "a task that may have no writable code comes back so, and was dumped although it refuses such memory"}
#include "tst.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

int main(void) {
  tst_begin();
  if (prctl(PR_SET_MDWE, 1, 0, 0, 0)) tst_skip("the kernel has no PR_SET_MDWE (Linux 6.3)");
  tst_ready();
  tst_check(prctl(PR_GET_MDWE, 0, 0, 0, 0) == 1, "the flag is %d", prctl(PR_GET_MDWE, 0, 0, 0, 0));
  void *area = mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  tst_check(area == MAP_FAILED, "writable code was mapped");
  return tst_pass();
}
