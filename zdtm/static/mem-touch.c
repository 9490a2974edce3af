// zdtm: {"category": "memory", "verifies": "randomly written pages of a big area keep their values, and the pages between stay empty"}
#include "tst.h"

#define PAGES 4096

static uint32_t expected[PAGES];

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *memory = tst_private(PAGES * page);
  uint32_t state = 12345;
  for (int i = 0; i < 3000; i++) {
    state = state * 1664525u + 1013904223u;
    uint32_t at = (state >> 8) % PAGES;
    expected[at] = state | 1;
    *(uint32_t *)(memory + at * page + 128) = expected[at];
  }
  tst_ready();
  TST_SPOIL memory[page * ((state >> 8) % PAGES) + 128] ^= 0x80;
  for (int i = 0; i < PAGES; i++) {
    uint8_t *at = memory + (size_t)i * page;
    if (!expected[i]) tst_check(!(tst_pagemap(at) >> 63), "page %d was never touched and is there", i);
    tst_check(*(uint32_t *)(at + 128) == expected[i], "page %d holds the wrong value", i);
  }
  return tst_pass();
}
