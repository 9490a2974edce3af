// zdtm: {"category": "memory", "verifies": "a wipe-on-fork area is empty in new children only, and a droppable area is still droppable"}
#include "tst.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 8
#endif

static uint8_t *wiped, *kept;

static int child(void *unused) {
  (void)unused;
  size_t page = tst_page();
  for (size_t i = 0; i < page; i++) tst_check(wiped[i] == 0, "the child sees wipe-on-fork memory");
  tst_check(tst_differs(kept, page, 2) < 0, "the child does not see ordinary memory");
  return 42;
}

static void try_child(void) {
  int status = tst_reap(tst_child(child, NULL));
  tst_check(WIFEXITED(status) && WEXITSTATUS(status) == 42, "the child ends with 0x%x", status);
}

int main(void) {
  tst_begin();
  size_t page = tst_page();
  wiped = tst_private(page);
  tst_sys(madvise(wiped, page, MADV_WIPEONFORK));
  tst_fill(wiped, page, 1);
  kept = tst_private(page);
  tst_fill(kept, page, 2);
  uint8_t *droppable = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
  bool drops = droppable != MAP_FAILED; /* Linux 6.11 */
  try_child();
  tst_ready();
  TST_SPOIL tst_sys(madvise(wiped, page, MADV_KEEPONFORK));
  tst_check(tst_differs(wiped, page, 1) < 0, "the wipe-on-fork area has lost its bytes in the owner");
  try_child();
  if (drops) {
    tst_check(tst_vmflag(droppable, "dp"), "the droppable area is an ordinary one now");
    droppable[5] = 5;
  }
  return tst_pass();
}
