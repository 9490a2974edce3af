// zdtm: {"category": "memory", "verifies": "a grow-down area that mprotect has split keeps each page and its protection"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *area = tst_sys(mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0));
  tst_fill(area, 8 * page, 5);
  tst_sys(mprotect(area + 2 * page, page, PROT_READ));
  tst_sys(mprotect(area + 5 * page, 2 * page, PROT_NONE));
  tst_ready();
  TST_SPOIL tst_sys(mprotect(area + 2 * page, page, PROT_READ | PROT_WRITE));
  tst_check(tst_faults(area + 2 * page, true) == SIGSEGV, "the read-only page can be written");
  tst_check(tst_faults(area + 5 * page, false) == SIGSEGV, "the closed page can be read");
  for (int i = 0; i < 8; i++) tst_check(tst_vmflag(area + (size_t)i * page, "gd"), "page %d has lost its growing", i);
  tst_sys(mprotect(area, 8 * page, PROT_READ));
  tst_check(tst_differs(area, 8 * page, 5) < 0, "the bytes are wrong");
  return tst_pass();
}
