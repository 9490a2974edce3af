// zdtm: {"category": "memory", "verifies": "a reservation of 100 GiB without access is still one, and pieces of it can be opened"}
#include "tst.h"

#define SIZE (100UL << 30)

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *memory = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) tst_skip("no 100 GiB of address space: %s", strerror(errno));
  uint8_t *open_part = memory + SIZE / 2;
  tst_sys(mprotect(open_part, page, PROT_READ | PROT_WRITE));
  tst_fill(open_part, page, 9);
  tst_ready();
  TST_SPOIL tst_sys(munmap(memory, page));
  tst_check(tst_differs(open_part, page, 9) < 0, "the open page is wrong");
  tst_check(tst_mapped(memory, SIZE / 2, "---p"), "the reservation below is not as it was");
  tst_check(tst_mapped(open_part + page, SIZE / 2 - page, "---p"), "the reservation above is not as it was");
  tst_check(tst_faults(memory, false) == SIGSEGV, "the reservation can be read");
  tst_sys(mprotect(memory, page, PROT_READ | PROT_WRITE));
  tst_fill(memory, page, 10);
  return tst_pass();
}
