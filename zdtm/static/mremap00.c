// zdtm: {"category": "memory", "verifies": "areas that mremap has moved, grown and shrunk keep their bytes"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *moved = tst_private(8 * page), *grown = tst_private(page), *shared = tst_shared(4 * page);
  uint8_t *target = tst_private(64 * page);
  tst_fill(moved, 8 * page, 1);
  tst_fill(shared, 4 * page, 2);
  /* The second half of an area lands below the first: neighbours with page offsets that do not fit. */
  tst_sys(mremap(moved + 4 * page, 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_FIXED, target));
  tst_sys(mremap(moved, 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_FIXED, target + 4 * page));
  grown = tst_sys(mremap(grown, page, 32 * page, MREMAP_MAYMOVE));
  tst_fill(grown, 32 * page, 3);
  /* A second view of shared memory: an old size of 0 duplicates. */
  uint8_t *twin = tst_sys(mremap(shared + page, 0, 2 * page, MREMAP_MAYMOVE));
  tst_sys(mremap(shared, 4 * page, 3 * page, 0));
  tst_ready();
  TST_SPOIL target[0] ^= 1;
  uint8_t *expected = tst_private(8 * page);
  tst_fill(expected, 8 * page, 1);
  tst_check(!memcmp(target, expected + 4 * page, 4 * page), "the half that was moved first is wrong");
  tst_check(!memcmp(target + 4 * page, expected, 4 * page), "the half that was moved second is wrong");
  tst_check(tst_differs(grown, 32 * page, 3) < 0, "the grown area is wrong");
  tst_check(tst_differs(shared, 3 * page, 2) < 0, "the shared area is wrong");
  shared[page] = 0xab;
  tst_check(twin[0] == 0xab, "the two views of shared memory are two");

  return tst_pass();
}
