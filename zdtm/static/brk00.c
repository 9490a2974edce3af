// zdtm: {"category": "memory", "verifies": "the heap that brk made keeps its end, its bytes, and grows and shrinks on"}
#include "tst.h"

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *start = tst_sys(sbrk((intptr_t)(10 * page)));
  tst_fill(start, 10 * page, 1);
  uint8_t *end = sbrk(0);
  tst_ready();
  TST_SPOIL tst_sys(sbrk(16));
  tst_check(sbrk(0) == end, "the end of the heap is %p, was %p", sbrk(0), end);
  tst_check(tst_differs(start, 10 * page, 1) < 0, "the heap is wrong");
  tst_check((long)syscall(SYS_brk, end + 5 * page) == (long)(end + 5 * page), "the heap cannot grow");
  tst_fill(end, 5 * page, 2);
  tst_check((long)syscall(SYS_brk, start) == (long)start, "the heap cannot shrink");
  char *block = malloc(100000);
  tst_check(block, "malloc");
  memset(block, 1, 100000);
  return tst_pass();
}
