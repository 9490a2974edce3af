// zdtm: {"category": "memory", "verifies": "guard pages inside an area still fault and their neighbours keep their bytes"}
#include "tst.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif
#define PAGES 16

static bool guarded(int i) { return i % 4 == 1 || i >= 14; }

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *memory = tst_private(PAGES * page);
  for (int i = 0; i < PAGES; i++)
    if (i % 4 != 3) tst_fill(memory + (size_t)i * page, page, (uint32_t)i);
  for (int i = 0; i < PAGES; i++)
    if (guarded(i) && madvise(memory + (size_t)i * page, page, MADV_GUARD_INSTALL)) tst_skip("no guard pages: %s", strerror(errno));
  tst_ready();
  TST_SPOIL tst_sys(madvise(memory + page, page, MADV_GUARD_REMOVE));
  for (int i = 0; i < PAGES; i++) {
    uint8_t *at = memory + (size_t)i * page;
    if (guarded(i)) tst_check(tst_faults(at, false) == SIGSEGV, "page %d is no guard page any more", i);
    else if (i % 4 != 3) tst_check(tst_differs(at, page, (uint32_t)i) < 0, "page %d is wrong", i);
    else tst_check(*at == 0, "page %d is not zero", i);
  }
  tst_sys(madvise(memory + page, page, MADV_GUARD_REMOVE));
  tst_check(memory[page] == 0, "a removed guard page is not empty");
  return tst_pass();
}
