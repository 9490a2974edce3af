// zdtm: {"category": "memory", "needs": ["hugepages"], "except": {"status HugetlbPages": "counts the pages that were touched, not those that exist"}, "verifies": "private and shared anonymous huge pages keep their contents and stay huge"}
#include "tst.h"

#define HUGE (2UL << 20)
#define COUNT 3

int main(void) {
  tst_begin();
  int kinds[2] = {MAP_PRIVATE, MAP_SHARED};
  uint8_t *at[2];
  for (int i = 0; i < 2; i++) {
    at[i] = mmap(NULL, COUNT * HUGE, PROT_READ | PROT_WRITE, kinds[i] | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    if (at[i] == MAP_FAILED) tst_skip("no huge pages: %s", strerror(errno));
    /* The last page of each stays untouched. */
    for (int n = 0; n < COUNT - 1; n++) tst_fill(at[i] + (size_t)n * HUGE, HUGE, (uint32_t)(10 * i + n));
  }
  tst_ready();
  TST_SPOIL at[1][HUGE] ^= 1;
  for (int i = 0; i < 2; i++) {
    for (int n = 0; n < COUNT - 1; n++)
      tst_check(tst_differs(at[i] + (size_t)n * HUGE, HUGE, (uint32_t)(10 * i + n)) < 0, "page %d of area %d", n, i);
    tst_check(tst_vmflag(at[i], "ht"), "area %d is not made of huge pages", i);
    tst_check(at[i][(COUNT - 1) * HUGE] == 0, "the untouched page of area %d is not zero", i);
  }
  return tst_pass();
}
