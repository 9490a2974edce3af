// zdtm: {"category": "memory", "verifies": "sealed areas come back sealed, with what they hold, in children too"}
#include "tst.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

static tst_step *step;
static uint8_t *area;

/* Of an area's pages, which may be protected otherwise? */
static void look(const char *who) {
  size_t page = tst_page();
  for (int i = 0; i < 8; i++) {
    bool sealed = i >= 2 && i < 5;
    int result = mprotect(area + (size_t)i * page, page, PROT_READ | PROT_WRITE);
    tst_check((result != 0) == sealed, "page %d of the %s is %ssealed", i, who, sealed ? "not " : "");
  }
  tst_check(munmap(area + 3 * page, page) == -1 && errno == EPERM, "a sealed page of the %s went away", who);
  tst_check(tst_differs(area, 8 * page, 3) < 0, "the bytes of the %s are wrong", who);
}

static int child(void *unused) {
  (void)unused;
  tst_set(step, 1);
  tst_await(step, 2);
  look("child");
  return 0;
}

int main(void) {
  tst_begin();
  size_t page = tst_page();
  step = tst_new_step();
  area = tst_private(8 * page);
  tst_fill(area, 8 * page, 3);
  if (!tst_spoiling() && syscall(SYS_mseal, area + 2 * page, 3 * page, 0)) {
    if (errno == ENOSYS) tst_skip("the kernel has no mseal (Linux 6.10)");
    tst_die("mseal");
  }
  pid_t pid = tst_child(child, NULL);
  tst_await(step, 1);
  tst_ready();
  look("parent");
  tst_set(step, 2);
  tst_check(tst_reap(pid) == 0, "the child failed");
  return tst_pass();
}
