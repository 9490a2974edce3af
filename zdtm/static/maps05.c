// zdtm: {"category": "memory", "verifies": "two thousand one-page mappings keep contents and protection"}
#include "tst.h"

#define COUNT 2000

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *base = tst_sys(mmap(NULL, COUNT * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (int i = 0; i < COUNT; i++) {
    *(uint32_t *)(base + (size_t)i * page) = (uint32_t)i * 2654435761u;
    tst_sys(mprotect(base + (size_t)i * page, page, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE));
  }
  tst_ready();
  TST_SPOIL *(uint32_t *)(base + 100 * page) = 0;
  for (int i = 0; i < COUNT; i++) {
    uint8_t *at = base + (size_t)i * page;
    tst_check(*(uint32_t *)at == (uint32_t)i * 2654435761u, "mapping %d is wrong", i);
  }
  tst_check(tst_faults(base + page, true) == SIGSEGV, "a read-only page can be written");
  tst_check(tst_faults(base + 2 * page, true) == 0, "a writable page cannot be written");
  return tst_pass();
}
