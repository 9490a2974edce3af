// zdtm: {"category": "memory", "verifies": "untouched pages stay untouched, pages that were only read are zero, pages written with zeros are zero"}
#include "tst.h"

#define PAGES 1024

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *untouched = tst_private(PAGES * page), *read_only = tst_private(PAGES * page), *written = tst_private(PAGES * page);
  tst_sys(madvise(untouched, PAGES * page, MADV_NOHUGEPAGE));
  int sum = 0;
  for (int i = 0; i < PAGES; i++) sum += *(volatile uint8_t *)(read_only + (size_t)i * page);
  memset(written, 0, PAGES * page);
  written[5 * page] = 1;
  tst_check(sum == 0, "fresh memory is not zero");
  tst_ready();
  TST_SPOIL untouched[3 * page] = 0;
  for (int i = 0; i < PAGES; i++)
    tst_check(!(tst_pagemap(untouched + (size_t)i * page) >> 63), "page %d was never touched and is there", i);
  for (size_t i = 0; i < PAGES * page; i++) {
    tst_check(read_only[i] == 0, "byte %zu of the read pages is %d", i, read_only[i]);
    tst_check(written[i] == (i == 5 * page), "byte %zu of the zeroed pages is %d", i, written[i]);
  }
  return tst_pass();
}
