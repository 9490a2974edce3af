// zdtm: {"category": "memory", "verifies": "a sparse mapping of 100 GiB keeps its few pages, and the rest is still untouched"}
#include "tst.h"

#define SIZE (100UL << 30)
#define STEP (3UL << 30)

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) tst_skip("no 100 GiB of address space: %s", strerror(errno));
  for (size_t at = 0; at < SIZE; at += STEP) tst_fill(memory + at, page, (uint32_t)(at / page));
  tst_ready();
  TST_SPOIL tst_sys(madvise(memory + STEP, page, MADV_DONTNEED));
  for (size_t at = 0; at < SIZE; at += STEP) {
    tst_check(tst_differs(memory + at, page, (uint32_t)(at / page)) < 0, "the page at %zu is wrong", at);
    tst_check(!(tst_pagemap(memory + at + STEP / 2) >> 63), "a page at %zu was never touched and is there", at + STEP / 2);
  }
  tst_fill(memory + SIZE - page, page, 1);
  return tst_pass();
}
