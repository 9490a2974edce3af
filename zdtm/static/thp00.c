// zdtm: {"category": "memory", "verifies": "an area of transparent huge pages, partly filled and partly split, keeps its bytes and its advice"}
#include "tst.h"

#define HUGE (2UL << 20)

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *raw = tst_private(6 * HUGE), *memory = (uint8_t *)(((uintptr_t)raw + HUGE - 1) & ~(HUGE - 1));
  if (madvise(memory, 4 * HUGE, MADV_HUGEPAGE)) tst_skip("no transparent huge pages: %s", strerror(errno));
  tst_fill(memory, HUGE, 1);            /* full */
  tst_fill(memory + HUGE, 3 * page, 2); /* a huge page mostly of zeros */
  tst_fill(memory + 2 * HUGE, HUGE, 3); /* split below */
  tst_sys(madvise(memory + 2 * HUGE + 8 * page, 8 * page, MADV_DONTNEED));
  tst_ready();
  TST_SPOIL memory[2 * HUGE + page] ^= 1;
  tst_check(tst_vmflag(memory, "hg"), "the advice is lost");
  tst_check(tst_differs(memory, HUGE, 1) < 0, "the full page is wrong");
  tst_check(tst_differs(memory + HUGE, 3 * page, 2) < 0, "the sparse page is wrong");
  for (size_t i = 3 * page; i < HUGE; i++) tst_check(memory[HUGE + i] == 0, "byte %zu of the sparse page is not zero", i);
  tst_check(tst_differs(memory + 2 * HUGE, 8 * page, 3) < 0, "the split page is wrong");
  for (size_t i = 8 * page; i < 16 * page; i++) tst_check(memory[2 * HUGE + i] == 0, "dropped byte %zu is back", i);
  tst_check(memory[3 * HUGE] == 0, "the untouched page is not empty");
  return tst_pass();
}
