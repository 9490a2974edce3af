// zdtm: {"category": "memory", "flavours": ["h", "ns"], "needs": ["root"], "verifies": "pages that a child has from its parent and neither has written are still the same physical pages"}
#include "frames.h"

#define PAGES 64

static int child(void *unused) {
  (void)unused;
  tst_sleep();
}

int main(void) {
  tst_begin();
  size_t page = tst_page();
  uint8_t *memory = tst_private(PAGES * page);
  tst_sys(madvise(memory, PAGES * page, MADV_NOHUGEPAGE));
  tst_fill(memory, PAGES * page, 1);
  pid_t pid = tst_child(child, NULL);
  tst_check(frame_of(pid, memory) == frame_of(getpid(), memory) && frame_of(pid, memory), "frames cannot be seen");
  tst_ready();
  tst_check(tst_differs(memory, PAGES * page, 1) < 0, "the memory is wrong");
  TST_SPOIL *(volatile uint8_t *)(memory + 9 * page) = 0;
  for (int i = 0; i < PAGES; i++) {
    uint64_t mine = frame_of(getpid(), memory + (size_t)i * page), its = frame_of(pid, memory + (size_t)i * page);
    tst_check(mine && mine == its, "page %d is no longer shared (%llx and %llx)", i, (long long)mine, (long long)its);
  }
  tst_end(pid);
  return tst_pass();
}
