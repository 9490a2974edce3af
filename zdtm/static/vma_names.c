// zdtm: {"category": "memory", "verifies": "names given to anonymous memory with PR_SET_VMA are still there"}
#include "tst.h"

#include <linux/prctl.h>
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *memory = tst_private(3 * page);
  if (prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, memory, page, "zdtm arena")) tst_skip("no names: %s", strerror(errno));
  tst_sys(prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, memory + 2 * page, page, "another name"));
  tst_fill(memory, 3 * page, 1);
  tst_ready();
  TST_SPOIL tst_sys(prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, memory, page, NULL));
  char *maps = tst_slurp("/proc/self/maps", NULL);
  tst_check(strstr(maps, "[anon:zdtm arena]"), "the first name is lost");
  tst_check(strstr(maps, "[anon:another name]"), "the second name is lost");
  tst_check(tst_differs(memory, 3 * page, 1) < 0, "the bytes are wrong");
  return tst_pass();
}
