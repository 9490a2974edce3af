// zdtm: {"category": "memory", "verifies": "two grow-down areas with a gap between them both come back and both grow"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page(), gap = 4UL << 20;
  uint8_t *hole = tst_sys(mmap(NULL, 4 * gap, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  tst_sys(munmap(hole, 4 * gap));
  uint8_t *at[2];
  for (int i = 0; i < 2; i++) {
    at[i] = tst_sys(mmap(hole + (size_t)(i + 1) * gap, 3 * page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0));
    tst_fill(at[i], 3 * page, (uint32_t)i);
  }
  tst_ready();
  TST_SPOIL tst_sys(munmap(at[1], page));
  for (int i = 0; i < 2; i++) {
    tst_check(tst_faults(at[i], false) == 0, "area %d is lost", i);
    tst_check(tst_differs(at[i], 3 * page, (uint32_t)i) < 0, "area %d is wrong", i);
    tst_check(tst_faults(at[i] - page, true) == 0, "area %d cannot grow", i);
  }
  return tst_pass();
}
