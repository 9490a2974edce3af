// zdtm: {"category": "process-tree", "refused": "address space", "verifies": "tasks that share an address space without being threads cannot be saved: the dump says so, and they go on"}
#include "tst.h"

static volatile int shared_value;
static char stack[65536] __attribute__((aligned(16)));

static int other(void *unused) {
  (void)unused;
  while (shared_value == 0) tst_nap();
  shared_value = 2;
  return 0;
}

int main(void) {
  tst_begin();
  pid_t pid = tst_sys(clone(other, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL));
  tst_ready();
  shared_value = 1;
  tst_check(tst_reap(pid) == 0, "the other task has failed");
  tst_check(shared_value == 2, "the address space is not shared");
  return tst_pass();
}
