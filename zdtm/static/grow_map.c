// zdtm: {"category": "memory", "verifies": "a grow-down area above another mapping keeps its data and still grows"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page(), gap = 4UL << 20; /* the kernel keeps 256 pages free below a growing area */
  uint8_t *hole = tst_sys(mmap(NULL, 2 * gap, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  tst_sys(munmap(hole, 2 * gap));
  uint8_t *below = tst_sys(mmap(hole, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  uint8_t *top = tst_sys(mmap(hole + gap, 2 * page, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0));
  tst_fill(below, page, 1);
  tst_fill(top, 2 * page, 2);
  tst_fill(top - page, page, 3); /* grows by a page */
  tst_ready();
  TST_SPOIL tst_sys(munmap(top - page, page));
  tst_check(tst_vmflag(top, "gd"), "the area does not grow any more");
  tst_check(tst_faults(top - page, false) == 0, "the grown page is lost");
  tst_check(tst_differs(top - page, page, 3) < 0, "the grown page is wrong");
  tst_check(tst_differs(top, 2 * page, 2) < 0, "the area is wrong");
  tst_check(tst_differs(below, page, 1) < 0, "the mapping below is wrong");
  tst_check(tst_faults(top - 2 * page, true) == 0, "the area cannot grow");
  tst_fill(top - 2 * page, page, 4);
  return tst_pass();
}
