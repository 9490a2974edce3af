// zdtm: {"category": "memory", "verifies": "an area that is full of huge pages has them again, and one of which most was given back does not grow"}
#include "tst.h"

#define HUGE (2UL << 20)
enum { FULL = 4 };

static uint8_t *area(size_t pages) {
  uint8_t *raw = tst_private((pages + 1) * HUGE), *memory = (uint8_t *)(((uintptr_t)raw + HUGE - 1) & ~(HUGE - 1));
  if (memory > raw) tst_sys(munmap(raw, memory - raw));
  if (raw + HUGE > memory) tst_sys(munmap(memory + pages * HUGE, raw + HUGE - memory));
  return memory;
}

/* KiB of huge pages in the area that begins here. */
static unsigned long huge(const uint8_t *memory) {
  bool inside = false;
  unsigned long start, end, found = 0;
  char *text = tst_slurp("/proc/self/smaps", NULL), *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    if (sscanf(line, "%lx-%lx ", &start, &end) == 2) inside = start == (uintptr_t)memory;
    if (inside && sscanf(line, "AnonHugePages: %lu", &found) == 1) break;
  }
  free(text);
  return found;
}

static size_t present(const uint8_t *memory, size_t bytes) {
  size_t count = 0;
  for (size_t at = 0; at < bytes; at += tst_page()) count += tst_pagemap(memory + at) >> 63;
  return count;
}

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *full = area(FULL), *sparse = area(2);
  /* not joined with the first, which lies above */
  tst_sys(mprotect(sparse + HUGE, HUGE, PROT_NONE));
  if (madvise(full, FULL * HUGE, MADV_HUGEPAGE)) tst_skip("no transparent huge pages: %s", strerror(errno));
  tst_sys(madvise(sparse, HUGE, MADV_HUGEPAGE));
  tst_fill(full, FULL * HUGE, 1);
  tst_fill(sparse, HUGE, 2);
  tst_sys(madvise(sparse + 4 * page, HUGE - 4 * page, MADV_DONTNEED));
  if (huge(full) == 0) tst_skip("the kernel gives no huge pages");
  size_t few = present(sparse, HUGE);
  tst_ready();
  TST_SPOIL tst_sys(madvise(full, FULL * HUGE, MADV_DONTNEED)), tst_fill(full, page, 1);
  tst_check(tst_differs(full, FULL * HUGE, 1) < 0, "the full area is wrong");
  tst_check(tst_differs(sparse, 4 * page, 2) < 0, "the other is wrong");
  tst_check(huge(full) > 0, "the full area has no huge page");
  tst_check(present(sparse, HUGE) == few, "the other has %zu pages, and had %zu", present(sparse, HUGE), few);
  return tst_pass();
}
